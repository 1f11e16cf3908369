public import DeconvVolume

/// How a result is written: to a TIFF file, or into a Zarr store where its name ends in `.zarr`.
public struct OutputOptions: Sendable, Hashable {
    /// Who is to read a TIFF file.
    public enum Format: String, CaseIterable, Sendable {
        /// ImageJ and Fiji: opens as a hyperstack with its calibration.
        case imageJ
        /// OME-TIFF.
        case ome
    }

    /// How a Zarr array is stored; what is nil is as in the input's array, or chosen.
    public struct Zarr: Sendable, Hashable {
        /// Path of the result in its store, such as `deconvolved`; nil for a store that is nothing but the result.
        public var array: String?
        /// 2 or 3, the version of the format.
        public var version: Int?
        /// Voxels of a chunk.
        public var chunkShape: VolumeShape?
        /// Voxels of a shard, a multiple of the chunk along each axis; version 3 only.
        public var shardShape: VolumeShape?
        /// `blosc-lz4`, `blosc-zstd`, `zstd`, `gzip` or `none`, with a level after a colon: `zstd:9`.
        public var codec: String?
        /// Whether it is an image of OME-Zarr with a pyramid, 0.4 in version 2 and 0.5 in version 3, or one array; nil for what the
        /// input is, and OME-Zarr for one that is no Zarr array.
        public var isOME: Bool?

        /// Everything as in the input.
        public init() {}
    }

    /// How the voxels are packed.
    public enum Compression: String, CaseIterable, Sendable {
        /// Not at all.
        case none
        /// Deflate, lossless.
        case deflate
    }

    /// What `pixelType` may be.
    public static let pixelTypes: [PixelType] = [.float32, .uint16, .uint8]

    /// `float32`, or `uint16` or `uint8`, which round to the nearest and saturate.
    public var pixelType = PixelType.float32
    /// Who is to read a TIFF file; nil for what its name says: OME-TIFF where it ends in `.ome.tif` or `.ome.tiff`, else ImageJ.
    public var format: Format?
    /// How a Zarr array is stored.
    public var zarr = Zarr()
    /// How the voxels of a TIFF file are packed.
    public var compression = Compression.none
    /// TIFF file for what was found of bad pixels, as a mask; nil for none.
    public var maskPath: String?
    /// Where a map of the standard error of each voxel goes, which takes two more runs of half the photons each; nil for none.
    public var uncertaintyPath: String?
    /// Whether an existing file may be replaced.
    public var overwrite = false

    /// `float32`, for ImageJ unless the name says otherwise, not packed, nothing replaced.
    public init() {}
}
