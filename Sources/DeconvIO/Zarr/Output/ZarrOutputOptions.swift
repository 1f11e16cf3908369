package import DeconvVolume

/// How a result is to be stored; what is nil is taken from the input's array, or chosen.
package struct ZarrOutputOptions: Hashable, Sendable {
    /// `float32`, `uint16` or `uint8`. Integers are rounded to the nearest, ties to even, and saturate.
    package var pixelType: PixelType
    /// The format's version; nil for that of the store it goes into, else the input's, else 2, which every reader has, or 3
    /// where there are shards.
    package var version: ZarrVersion?
    /// Voxels of a chunk (z, y, x), with one volume in a chunk; nil for what of a volume is in the input's chunks, else a volume of up
    /// to 64 MiB.
    package var chunkShape: VolumeShape?
    /// Voxels of a shard (z, y, x), a multiple of the chunk along each axis. Version 3 only.
    package var shardShape: VolumeShape?
    /// What chunks are compressed with; nil for what the input's are, else Blosc with LZ4.
    package var compression: Compression?
    /// Whether it is an image of OME-Zarr with a pyramid, or one array.
    package var ome: Bool
    /// Whether what has the name may be replaced.
    package var overwrite: Bool

    package init(
        pixelType: PixelType = .float32,
        version: ZarrVersion? = nil,
        chunkShape: VolumeShape? = nil,
        shardShape: VolumeShape? = nil,
        compression: Compression? = nil,
        ome: Bool = false,
        overwrite: Bool = false
    ) {
        self.pixelType = pixelType
        self.version = version
        self.chunkShape = chunkShape
        self.shardShape = shardShape
        self.compression = compression
        self.ome = ome
        self.overwrite = overwrite
    }
}

extension ZarrOutputOptions {
    /// A codec by the name that users give.
    package struct Compression: Hashable, Sendable {
        /// The codecs that both versions have, and every reader.
        package enum Codec: String, CaseIterable, Sendable {
            case bloscLZ4 = "blosc-lz4"
            case bloscZstandard = "blosc-zstd"
            case zstandard = "zstd"
            case gzip
            case none

            /// The levels that may be chosen, and the one that is chosen by itself; nil where there is nothing to choose.
            package var levels: (range: ClosedRange<Int>, standard: Int)? {
                switch self {
                case .bloscLZ4, .bloscZstandard: (0...9, 5)
                case .zstandard: (1...22, 3)
                case .gzip: (0...9, 5)
                case .none: nil
                }
            }
        }

        /// Its name.
        package let codec: Codec
        /// How hard it tries.
        package let level: Int

        /// A codec with a level, or its own.
        /// - Throws: `invalidArgument` where it has no such level.
        package init(_ codec: Codec, level: Int? = nil) throws(DeconvolutionError) {
            self.codec = codec
            self.level = level ?? codec.levels?.standard ?? 0
            guard let level else { return }
            guard let range = codec.levels?.range else {
                throw DeconvolutionError(.invalidArgument, "compression \(codec.rawValue) has no level; leave it out")
            }
            guard range.contains(level) else {
                throw DeconvolutionError(
                    .invalidArgument,
                    "compression \(codec.rawValue) has levels \(range.lowerBound) to \(range.upperBound), not \(level)"
                )
            }
        }

        /// The steps from bytes to bytes.
        var codecs: [ZarrByteCodec] {
            switch codec {
            case .bloscLZ4: [.blosc(BloscCodec(.lz4, level: level))]
            case .bloscZstandard: [.blosc(BloscCodec(.zstd, level: level))]
            case .zstandard: [.zstd(level: level)]
            case .gzip: [.gzip(level: level)]
            case .none: []
            }
        }
    }
}

/// What a result is, and what of its input it keeps.
package struct ZarrOutputContent: Sendable {
    /// Axes and shape of the result.
    package var layout: ArrayLayout
    /// Spacing, names of channels and time between volumes of the result; its shape and type do not matter here.
    package var image: ImageDescription
    /// The input's array, whose axes are those of `layout` in the same order: how it is stored is how the result is, where
    /// nobody wants it otherwise.
    package var template: ZarrArrayMetadata?
    /// What the input's OME-Zarr says: name, units, colors of the channels.
    package var multiscale: OMEZarrMetadata?
    /// The input's numbers of the result's channels; nil where they are the same.
    package var channels: [Int]?
    /// Attributes of a plain array, carried over.
    package var attributes: JSONObject

    package init(
        layout: ArrayLayout,
        image: ImageDescription,
        template: ZarrArrayMetadata? = nil,
        multiscale: OMEZarrMetadata? = nil,
        channels: [Int]? = nil,
        attributes: JSONObject = [:]
    ) {
        self.layout = layout
        self.image = image
        self.template = template
        self.multiscale = multiscale
        self.channels = channels
        self.attributes = attributes
    }

    /// What a result is made from whose input says nothing about how arrays are stored.
    init(_ image: ImageDescription) {
        self.init(
            layout: ArrayLayout(
                axes: [.timepoint, .channel, .z, .y, .x],
                shape: [image.timepointCount, image.channelCount] + image.shape.axes
            ),
            image: image
        )
    }

    /// Whether the result is an image of OME-Zarr where nothing else is said: unless the input is a plain array.
    package var isOMEByDefault: Bool { template == nil || multiscale != nil }
}
