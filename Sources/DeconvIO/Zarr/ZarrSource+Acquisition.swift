import DeconvVolume

extension ZarrSource {
    /// Where bioformats2raw keeps the metadata of the file that it converted, from the store on.
    private static let omeXML = "OME/METADATA.ome.xml"

    /// What the OME-XML beside an image says of the microscope; nil where there is none that can be read.
    ///
    /// Layout `bioformats2raw.layout` of OME-NGFF 0.4: the images are the groups 0, 1, … in the order of the OME-XML.
    static func acquisition(of array: ZarrArray) -> AcquisitionMetadata? {
        guard let bytes = try? array.store.contents(omeXML), let text = String(validating: bytes, as: UTF8.self),
            let metadata = try? OMEMetadata(text)
        else { return nil }
        let index = array.path.names.first.flatMap { Int($0) } ?? 0
        guard let acquisition = metadata.acquisition(ofImage: index), !acquisition.isEmpty else { return nil }
        return acquisition
    }
}
