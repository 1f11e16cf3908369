package import DeconvVolume
import Foundation

/// How a result will lie in a store: its arrays, their chunks, and what writing it takes. Nothing is written yet.
package struct ZarrOutputPlan: Sendable {
    /// One array: the result, or a smaller copy of it.
    package struct Level: Sendable {
        /// Where in the store.
        package let path: ZarrPath
        /// What is written of it, attributes and all.
        package let metadata: ZarrArrayMetadata
        /// Axes and shape.
        package let layout: ArrayLayout
        /// How many voxels of the level before become one, per axis: 1 or 2.
        package let step: VolumeShape
    }

    /// The folder of the store.
    package let path: String
    /// Where in the store.
    package let array: ZarrPath
    /// How it was asked for.
    package let options: ZarrOutputOptions
    /// Axes and shape as they are written; OME-Zarr has an order of its own.
    package let layout: ArrayLayout
    /// The result, and for OME-Zarr its smaller copies, the largest first.
    package let levels: [Level]
    /// What the image's group says; nil for a plain array.
    package let multiscale: OMEZarrMetadata?
    /// What the group calls the channels where the input does not say how to show them.
    package let channelLabels: [String]
    /// Their colors where the input does not say; one a channel.
    let channelColors: [ChannelColor]
    /// Wavelengths of their light, nm; one a channel, nil where it is not known.
    let channelEmissions: [Double?]

    /// The format's version.
    package var version: ZarrVersion { levels[0].metadata.version }

    /// Plans a result.
    /// - Parameters:
    ///   - path: the folder of a store, which need not be there.
    ///   - array: where in the store; the root for a store that is this result and nothing else.
    /// - Throws: `invalidArgument` where it cannot be stored like that; `invalidData` where the store that is there is damaged.
    package init(
        path: String,
        array: ZarrPath = .root,
        content: ZarrOutputContent,
        options: ZarrOutputOptions = ZarrOutputOptions()
    ) throws(DeconvolutionError) {
        let chooser = try ZarrStorageChoice(path: path, array: array, content: content, options: options)
        let layout = chooser.layout
        var metadata = try chooser.metadata()
        let spacing = content.image.spacing ?? VoxelSpacing(z: 1, y: 1, x: 1)
        let pyramid =
            options.ome
            ? PyramidPlan.levels(of: layout.volumeShape, spacing) : [PyramidPlan.Level(shape: layout.volumeShape)]
        var levels: [Level] = []
        for (number, level) in pyramid.enumerated() {
            let levelLayout = layout.with(level.shape)
            if number > 0 {
                metadata = try metadata.replacing(
                    shape: levelLayout.shape,
                    // A chunk as large as a volume is as large as a smaller volume; shards leave out what they do not need.
                    chunkShape: metadata.isSharded
                        ? nil : zip(metadata.chunkShape, levelLayout.shape).map { min($0, max(1, $1)) }
                )
            }
            let path = try ZarrPath(options.ome ? array.key("\(number)") : array.text)
            levels.append(Level(path: path, metadata: metadata, layout: levelLayout, step: level.step))
        }
        self.path = path
        self.array = array
        self.options = options
        self.layout = layout
        self.levels = levels
        let names = content.image.channelNames
        channelLabels = (0..<layout.channelCount).map { $0 < names.count ? names[$0] : "Channel \($0 + 1)" }
        var image = content.image
        image.channelCount = layout.channelCount
        channelColors = ChannelColor.colors(of: image)
        let light = image.acquisition?.channels ?? []
        channelEmissions = (0..<layout.channelCount).map { channel in
            guard light.count == layout.channelCount, let emission = light[channel].emission else { return nil }
            return emission.isShared ? nil : emission.value
        }
        multiscale =
            options.ome
            ? OMEZarrMetadata(
                version: metadata.version,
                layout: layout,
                image: content.image,
                steps: levels.map(\.step),
                from: content.multiscale,
                channels: content.channels
            ) : nil
    }

    /// Bytes of all levels before compression.
    package var uncompressedByteCount: Int {
        levels.reduce(0) { $0 + $1.layout.shape.reduce($1.metadata.dataType.byteCount, *) }
    }

    /// The most bytes of memory that writing one volume takes, and each further one that is written at the same time.
    /// - Parameter threadCount: how many threads encode it.
    package func bytesPerWrite(threadCount: Int) -> Int {
        var gathered = 0
        var encoding = 0
        for (number, level) in levels.enumerated() {
            let shape = level.layout.volumeShape
            let slab = level.slab(threadCount: threadCount)
            let width = level.metadata.dataType.byteCount
            gathered += slab.planeCount * shape.planeVoxelCount * width
            if number > 0 { gathered += shape.planeVoxelCount * 4 }
            // A chunk as it is laid out and as it is encoded.
            let chunkBytes = zip(level.metadata.chunkShape, slab.shape).reduce(width) { $0 * min($1.0, max(1, $1.1)) }
            encoding = max(encoding, min(threadCount, slab.chunkCount) * chunkBytes * 2)
        }
        if multiscale != nil {
            gathered += DisplayWindowSearch.byteCount(planeVoxelCount: layout.volumeShape.planeVoxelCount)
        }
        return gathered + encoding
    }

    /// What the journal says of it, beside what the caller does.
    func fingerprint(_ job: JobFingerprint) -> JobFingerprint {
        var job = job
        let first = levels[0].metadata
        job.append("output array", array.description)
        job.append(
            "output axes",
            zip(layout.axes, layout.shape).map { "\($0.rawValue) \($1)" }.joined(separator: ", ")
        )
        job.append("output type", first.dataType.rawValue)
        job.append(
            "output format",
            multiscale == nil ? "Zarr \(version.rawValue)" : version == .two ? "OME-Zarr 0.4" : "OME-Zarr 0.5"
        )
        job.append("output chunks", "\(first.innerChunkShape)")
        job.append("output shards", first.isSharded ? "\(first.chunkShape)" : "none")
        // All the rest: codecs with their levels, names, attributes. How the result comes about has fields of its own, and words that
        // differ where the job does not.
        var multiscale = multiscale
        multiscale?.provenance = nil
        var text = JSONValue.object(multiscale?.attributes ?? [:]).line
        for level in levels {
            let metadata = level.metadata.withoutProvenance
            text += (version == .two ? metadata.version2 : metadata.version3).line
            text += JSONValue.object(metadata.storedAttributes).line
        }
        let checksum = Array(text.utf8).withUnsafeBytes { CRC32C.checksum($0) }
        job.append("output metadata", String(checksum, radix: 16))
        return job
    }
}

extension ZarrOutputPlan.Level {
    /// Where a volume lies in the array.
    func region(of volume: VolumePosition) -> ArrayRegion {
        layout.region(Region(layout.volumeShape), channel: volume.channel, timepoint: volume.timepoint)
    }

    /// The most bytes that planes are gathered to for the sake of threads.
    private static let largestSlab = 1 << 28

    /// Planes that are gathered before chunks are written, their part of the array, and how many chunks they are: planes of one
    /// chunk, or of several above each other where there would be fewer chunks than threads.
    func slab(threadCount: Int) -> (planeCount: Int, shape: [Int], chunkCount: Int) {
        let volume = layout.volumeShape
        func part(_ planes: Int) -> (shape: [Int], chunkCount: Int) {
            let box = Region(VolumeShape(z: planes, y: volume.y, x: volume.x))
            let shape = layout.region(box, channel: 0, timepoint: 0).shape
            return (shape, zip(shape, metadata.chunkShape).reduce(1) { $0 * (($1.0 + $1.1 - 1) / $1.1) })
        }
        let chunkPlanes = layout.index(of: .z).map { min(metadata.chunkShape[$0], volume.z) } ?? 1
        let fitting = Self.largestSlab / (chunkPlanes * volume.planeVoxelCount * metadata.dataType.byteCount)
        let count = max(1, min(fitting, threadCount / part(chunkPlanes).chunkCount))
        let planes = min(volume.z, count * chunkPlanes)
        return (planes, part(planes).shape, part(planes).chunkCount)
    }
}
