package import DeconvVolume

/// An image whose voxels stand behind a header, one after the other and not compressed: MRC, DeltaVision, ICS.
///
/// Any number of threads may read at once.
package final class RawSource: ImageFileSource {
    package let name: String
    package let image: ImageDescription
    package let diagnostics: [Diagnostic]
    package let paths: [String]
    private let voxels: RawVoxels
    private let layout: TIFFLayout

    /// Voxels of a file, and what its header says of them.
    /// - Parameters:
    ///   - header: the file with the header.
    ///   - layout: which plane has which place.
    /// - Throws: `invalidData` where the file is too short.
    init(_ header: FileBytes, _ voxels: RawVoxels, _ layout: TIFFLayout) throws(DeconvolutionError) {
        let planeBytes = Int.product([voxels.width, voxels.height, voxels.pixelType.byteCount])
        guard let planeBytes, let bytes = Int.product([planeBytes, layout.totalPlaneCount]),
            case let (end, overflow) = voxels.offset.addingReportingOverflow(UInt64(bytes)), !overflow,
            end <= voxels.file.byteCount
        else {
            throw voxels.file.invalid(
                "is truncated: its header claims \(layout.totalPlaneCount) planes of \(voxels.width) x \(voxels.height) "
                    + "\(voxels.pixelType) but it ends after \(voxels.file.byteCount) bytes; copy it again from its source"
            )
        }
        name = header.path
        paths = header.path == voxels.file.path ? [header.path] : [header.path, voxels.file.path]
        self.voxels = voxels
        self.layout = layout
        image = layout.image(y: voxels.height, x: voxels.width, voxels.pixelType)
        diagnostics = layout.diagnostics
    }

    /// The voxels of a box; see `VolumeSource.read`.
    package func read(_ region: Region, channel: Int, timepoint: Int) throws(DeconvolutionError) -> VoxelData {
        precondition(Region(image.shape).contains(region), "\(region) lies outside \(image.shape)")
        let planes = region.zRange.map { layout.page(channel: channel, z: $0, timepoint: timepoint) }
        switch image.pixelType {
        case .uint8: return .uint8(try voxels.read(region, planes, 0 as UInt8))
        case .uint16: return .uint16(try voxels.read(region, planes, 0 as UInt16))
        case .float32: return .float32(try voxels.read(region, planes, 0 as Float))
        case .int8, .int16, .uint32, .int32, .float64:
            let count = region.shape.voxelCount
            let stored = try ByteBuffer(byteCount: count * image.pixelType.byteCount, for: name)
            try voxels.read(region, planes, into: stored.bytes)
            var floats = [Float](repeating: 0, count: count)
            floats.withUnsafeMutableBufferPointer {
                VoxelConversion.convert(UnsafeRawBufferPointer(stored.bytes), image.pixelType, into: $0)
            }
            return .float32(floats)
        }
    }
}

/// Where the voxels of a file without chunks are.
struct RawVoxels {
    let file: FileBytes
    /// Where the first voxel starts.
    let offset: UInt64
    let width: Int
    let height: Int
    let pixelType: PixelType
    let isBigEndian: Bool

    /// The voxels of a box, planes by their number in the file.
    fileprivate func read<Voxel: BitwiseCopyable>(
        _ region: Region,
        _ planes: [Int],
        _ zero: Voxel
    ) throws(DeconvolutionError) -> [Voxel] {
        var voxels = [Voxel](repeating: zero, count: region.shape.voxelCount)
        try voxels.withUnsafeMutableBufferPointer { (buffer) throws(DeconvolutionError) in
            try read(region, planes, into: UnsafeMutableRawBufferPointer(buffer))
        }
        return voxels
    }

    fileprivate func read(
        _ region: Region,
        _ planes: [Int],
        into target: UnsafeMutableRawBufferPointer
    ) throws(DeconvolutionError) {
        guard target.count > 0 else { return }
        let voxelBytes = pixelType.byteCount
        // Rows of full width are one run of bytes.
        let isWhole = region.shape.x == width
        let runBytes = region.shape.x * voxelBytes * (isWhole ? region.shape.y : 1)
        var position = 0
        for plane in planes {
            for row in isWhole ? region.origin.y..<region.origin.y + 1 : region.yRange {
                let voxel = UInt64(plane * height + row) * UInt64(width) + UInt64(region.origin.x)
                let bytes = UnsafeMutableRawBufferPointer(rebasing: target[position..<position + runBytes])
                try file.read(into: bytes, at: offset + voxel * UInt64(voxelBytes))
                position += runBytes
            }
        }
        if isBigEndian != (1.bigEndian == 1) { VoxelConversion.swapBytes(target, width: voxelBytes) }
    }
}
