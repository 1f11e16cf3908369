import DeconvVolume

/// An open TIFF file whose directories were followed once.
struct TIFFContents {
    let file: FileBytes
    let header: TIFFHeader
    let chain: TIFFDirectoryChain
    /// What the first page says of the file; empty where it says nothing.
    let description: String

    /// Opens a file.
    /// - Throws: `inputNotFound` where it is missing or may not be read; `invalidData` where it is no TIFF, or damaged.
    init(path: String) throws(DeconvolutionError) {
        file = try FileBytes(path: path)
        header = try TIFFHeader(file)
        chain = try TIFFDirectoryChain(file, header)
        description = try chain.first.text(.imageDescription, file, header) ?? ""
    }

    /// The last part of its path.
    var fileName: String { file.path.split(separator: "/").last.map(String.init) ?? file.path }

    /// Pages of full resolution.
    var pageCount: Int { chain.directories.count { !$0.isAuxiliary } }

    /// Its OME-XML, or nil where its description is something else.
    /// - Throws: `invalidData` where the text is broken.
    func omeMetadata() throws(DeconvolutionError) -> OMEMetadata? {
        guard OMEMetadata.isOMEXML(description) else { return nil }
        do throws(DescriptionProblem) { return try OMEMetadata(description) } catch {
            throw file.invalid(error.message)
        }
    }

    /// A text of the first page, or nil where it has none.
    func text(_ tag: TIFFDirectory.Tag) -> String? { (try? chain.first.text(tag, file, header)) ?? nil }

    /// The resolution tags of the first page.
    func resolution() throws(DeconvolutionError) -> TIFFResolution {
        func positive(_ value: Double?) -> Double? { value.flatMap { $0 > 0 ? $0 : nil } }
        let unit: Double? =
            switch try chain.first.integer(.resolutionUnit, default: 1, file, header) {
            case 2: LengthUnit.micrometers("inch")
            case 3: LengthUnit.micrometers("cm")
            default: nil
            }
        return TIFFResolution(
            x: positive(try chain.first.rational(.xResolution, file, header)),
            y: positive(try chain.first.rational(.yResolution, file, header)),
            unit: unit
        )
    }
}
