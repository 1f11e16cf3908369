import DeconvIO
public import DeconvVolume

/// How a result is written to a TIFF file.
public struct OutputOptions: Sendable, Hashable {
    /// Who is to read it.
    public enum Format: String, CaseIterable, Sendable {
        /// ImageJ and Fiji: opens as a hyperstack with its calibration.
        case imageJ
        /// OME-TIFF.
        case ome
    }

    /// How the voxels are packed.
    public enum Compression: String, CaseIterable, Sendable {
        /// Not at all.
        case none
        /// Deflate, lossless.
        case deflate
    }

    /// `float32`, or `uint16` or `uint8`, which round to the nearest and saturate.
    public var pixelType = PixelType.float32
    /// Who is to read it.
    public var format = Format.imageJ
    /// How the voxels are packed.
    public var compression = Compression.none
    /// Whether an existing file may be replaced.
    public var overwrite = false

    /// `float32` for ImageJ, not packed, nothing replaced.
    public init() {}

    /// A sink for an image.
    /// - Throws: `cannotCreateOutput` where the target exists or its folder cannot be written; `inputOutput` where the
    ///   disk has no room for it.
    func makeSink(path: String, image: ImageDescription) throws(DeconvolutionError) -> TIFFSink {
        let sink = try TIFFSink(
            path: path,
            image: image,
            pixelType: pixelType,
            format: format == .ome ? .ome : .imageJ,
            compression: compression == .deflate ? .deflate : .none,
            overwrite: overwrite
        )
        if compression == .none {
            let voxels = image.shape.voxelCount * image.channelCount * image.timepointCount
            try DiskSpace.require(byteCount: voxels * pixelType.byteCount, for: path)
        }
        return sink
    }
}
