package import DeconvVolume

/// Planes of several TIFF files as one image.
///
/// Every file is looked at when it is opened; voxels are read when they are wanted. No more than a few files are open at once.
///
/// Any number of threads may read at once.
package final class PlaneSetSource: ImageFileSource {
    package let name: String
    package let image: ImageDescription
    package let diagnostics: [Diagnostic]
    package let axes: String?
    package let imageNumber: Int?
    /// The files, each once.
    package var paths: [String] { metadataPaths + files.paths }
    /// Files of which nothing but their text is read.
    private let metadataPaths: [String]
    /// Whether files that are added to a folder or pattern would be part of it.
    private let isOpen: Bool
    /// Where each plane is, channel fastest, then z, then time.
    private let places: [Place]
    private let files: OpenFiles

    /// Where a plane is.
    struct Place {
        /// The number of its file.
        var file: Int
        /// Its number among the planes that are read of the file.
        var plane: Int
    }

    /// Planes of files that were looked at.
    /// - Parameters:
    ///   - layout: axes and sizes of the image.
    ///   - places: one a plane, channel fastest, then z, then time.
    ///   - name: what messages call it.
    ///   - metadataPaths: files of which nothing but their text was read.
    ///   - isOpen: whether the name is that of a folder, or a pattern, and new files would be part of it.
    /// - Throws: `invalidData` naming the first file that is not like the first of all.
    init(
        _ files: OpenFiles,
        _ entries: [OpenFiles.Entry],
        layout: TIFFLayout,
        places: [Place],
        name: String,
        metadataPaths: [String] = [],
        isOpen: Bool
    ) throws(DeconvolutionError) {
        let first = entries[0].image
        for (path, entry) in zip(files.paths, entries) {
            let (plane, pixelType) = (entry.image.shape, entry.image.pixelType)
            guard plane.y == first.shape.y, plane.x == first.shape.x, pixelType == first.pixelType else {
                throw DeconvolutionError(
                    .invalidData,
                    "\(path.inMessage): has planes of \(plane.x) x \(plane.y) \(pixelType.rawValue), not \(first.shape.x) x "
                        + "\(first.shape.y) \(first.pixelType.rawValue) as \(files.paths[0].inMessage); an image is made of planes of "
                        + "one kind"
                )
            }
        }
        if let (width, height) = layout.planeSize, width != first.shape.x || height != first.shape.y {
            throw DeconvolutionError(
                .invalidData,
                "\(files.paths[0].inMessage): its description says \(width) x \(height) pixels but its pages are "
                    + "\(first.shape.x) x \(first.shape.y); save it again"
            )
        }
        self.files = files
        self.places = places
        self.name = name
        self.metadataPaths = metadataPaths
        self.isOpen = isOpen
        axes = layout.statedAxes
        imageNumber = layout.imageNumber
        image = layout.image(y: first.shape.y, x: first.shape.x, first.pixelType)
        diagnostics = layout.diagnostics
    }

    /// Whether it would be one of the files of the folder or pattern.
    package func wouldHold(_ path: String) -> Bool { isOpen && FileList.wouldHold(name, path) }

    /// The voxels of a box; see `VolumeSource.read`.
    /// - Throws: as `TIFFSource.read`; `invalidData` where a file has changed since the set was opened.
    package func read(_ region: Region, channel: Int, timepoint: Int) throws(DeconvolutionError) -> VoxelData {
        precondition(Region(image.shape).contains(region), "\(region) lies outside \(image.shape)")
        precondition(0..<image.channelCount ~= channel, "channel \(channel) of \(image.channelCount)")
        precondition(0..<image.timepointCount ~= timepoint, "time point \(timepoint) of \(image.timepointCount)")
        let plane = VolumeShape(z: 1, y: region.shape.y, x: region.shape.x)
        var planes: [VoxelData] = []
        for z in region.zRange {
            let place = places[(timepoint * image.shape.z + z) * image.channelCount + channel]
            let file = try files.open(place.file)
            guard file.image.shape.y == image.shape.y, file.image.shape.x == image.shape.x,
                file.image.pixelType == image.pixelType, place.plane < file.image.shape.z
            else {
                throw DeconvolutionError(
                    .invalidData,
                    "\(files.paths[place.file].inMessage): has changed since the image was opened; run it again"
                )
            }
            let origin = VolumeIndex(z: place.plane, y: region.origin.y, x: region.origin.x)
            planes.append(try file.read(Region(origin: origin, shape: plane), channel: 0, timepoint: 0))
        }
        return VoxelData(joining: planes, image.pixelType.inMemory)
    }
}

extension VoxelData {
    /// Voxels of one type behind each other.
    fileprivate init(joining parts: [VoxelData], _ pixelType: PixelType) {
        switch pixelType {
        case .uint8:
            self = .uint8(parts.flatMap { part -> [UInt8] in if case .uint8(let voxels) = part { voxels } else { [] } })
        case .uint16:
            self = .uint16(
                parts.flatMap { part -> [UInt16] in if case .uint16(let voxels) = part { voxels } else { [] } }
            )
        default: self = .float32(parts.flatMap(\.floats))
        }
    }
}
