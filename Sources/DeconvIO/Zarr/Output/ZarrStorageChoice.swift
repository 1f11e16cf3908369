import DeconvVolume

/// Chooses how a result is stored: as its input is, where nobody wants it otherwise, but with chunks that hold one volume.
struct ZarrStorageChoice {
    /// Axes and shape as they are written.
    let layout: ArrayLayout
    private let path: String
    private let content: ZarrOutputContent
    private let options: ZarrOutputOptions
    private let version: ZarrVersion
    /// What of a volume is in a chunk and a shard of the input, in the order of the result's axes; nil where there is no input of
    /// these axes.
    private let inputChunks: (inner: [Int], outer: [Int], array: [Int])?

    init(
        path: String,
        array: ZarrPath,
        content: ZarrOutputContent,
        options: ZarrOutputOptions
    ) throws(DeconvolutionError) {
        self.path = path
        self.content = content
        self.options = options
        guard VoxelStorage.pixelTypes.contains(options.pixelType) else {
            throw Self.refused(
                path,
                "Zarr is not written as \(options.pixelType.rawValue); choose float32, uint16 or uint8"
            )
        }
        for (shape, name) in [(options.chunkShape, "chunks"), (options.shardShape, "shards")] {
            guard let shape, shape.axes.contains(0) else { continue }
            throw Self.refused(path, "\(name) of \(shape) have no voxels; choose at least 1 along each axis")
        }
        if let shards = options.shardShape, let chunks = options.chunkShape,
            (0..<3).contains(where: { shards[$0] % chunks[$0] != 0 })
        {
            throw Self.refused(path, "shards of \(shards) are no multiples of chunks of \(chunks); choose others")
        }
        let order = options.ome ? try Self.imageOrder(content.layout, path) : Array(content.layout.axes.indices)
        layout = ArrayLayout(
            axes: order.map { content.layout.axes[$0] },
            shape: order.map { content.layout.shape[$0] }
        )
        guard !layout.shape.contains(0) else { throw Self.refused(path, "an array of \(layout.shape) has no voxels") }
        if let template = content.template, template.shape.count == content.layout.axes.count {
            let (inner, outer) = (template.innerChunkShape, template.chunkShape)
            inputChunks = (
                order.map { Self.extent(inner, $0, content.layout) },
                order.map { Self.extent(outer, $0, content.layout) },
                order.map { template.shape[$0] }
            )
        } else {
            inputChunks = nil
        }
        let storeVersion = try Self.storeVersion(path, array)
        let inputVersion = options.shardShape != nil ? .three : content.template?.version
        version = options.version ?? storeVersion ?? inputVersion ?? .two
        if version == .two, options.shardShape != nil {
            let why = options.version == nil ? "the store is of version 2 of Zarr" : "version 2 of Zarr is asked for"
            throw Self.refused(path, "\(why), which has no shards; leave \(.shards) out, or choose version 3")
        }
    }

    /// Voxels of one volume that a chunk has along an axis: 1 where it goes from volume to volume.
    ///
    /// With more, each volume would have all volumes of its chunk encoded once more.
    private static func extent(_ chunk: [Int], _ axis: Int, _ layout: ArrayLayout) -> Int {
        [.z, .y, .x].contains(layout.axes[axis]) ? chunk[axis] : 1
    }

    private static func refused(_ path: String, _ problem: Message) -> DeconvolutionError {
        DeconvolutionError(.invalidArgument, "\(path.inMessage): \(problem)")
    }

    /// Time, channel, z, y, x: OME-Zarr's order, as the numbers of the axes. Other axes of one element are left out.
    private static func imageOrder(_ layout: ArrayLayout, _ path: String) throws(DeconvolutionError) -> [Int] {
        if let other = layout.axes.indices.first(where: { layout.axes[$0] == .other && layout.shape[$0] > 1 }) {
            throw refused(
                path,
                "OME-Zarr has no axis for axis \(other) of the image, of \(layout.shape[other]) elements; write a plain array"
            )
        }
        return [ArrayLayout.Axis.timepoint, .channel, .z, .y, .x].compactMap { layout.index(of: $0) }
    }

    /// The version of a store that the result is added to.
    private static func storeVersion(_ path: String, _ array: ZarrPath) throws(DeconvolutionError) -> ZarrVersion? {
        guard array != .root, let store = try? ZarrStore(path: path) else { return nil }
        return try store.node(at: .root)?.version
    }

    /// Metadata of the result.
    func metadata() throws(DeconvolutionError) -> ZarrArrayMetadata {
        var attributes = options.ome ? [:] : content.attributes
        attributes[ZarrArrayMetadata.dimensionsAttribute] = nil
        if !options.ome { attributes[Provenance.key] = content.image.provenance?.json }
        if let template = content.template, let inputChunks, isStored(as: template) {
            return try template.replacing(
                shape: layout.shape,
                chunkShape: template.isSharded ? inputChunks.outer : fitting(inputChunks.outer),
                dataType: ZarrDataType(options.pixelType),
                attributes: attributes,
                dimensionNames: .some(dimensionNames)
            )
        }
        let (chunks, shards) = chunksAndShards()
        let template = content.template
        return try ZarrArrayMetadata(
            version: version,
            shape: layout.shape,
            chunkShape: shards ?? chunks,
            innerChunkShape: shards == nil ? nil : chunks,
            dataType: ZarrDataType(options.pixelType),
            compression: options.compression?.codecs ?? inputCodecs,
            separator: options.ome ? .slash : template?.version == version ? template?.chunkKeys.separator : nil,
            attributes: attributes,
            dimensionNames: dimensionNames
        )
    }

    /// Whether the result is stored as its input in every respect.
    private func isStored(as template: ZarrArrayMetadata) -> Bool {
        layout.axes == content.layout.axes && template.version == version
            // Shards whose inner chunks have several volumes have others in the result.
            && (!template.isSharded || inputChunks?.inner == template.innerChunkShape)
            && options.chunkShape == nil && options.shardShape == nil && options.compression == nil
            // OME-Zarr wants folders of chunks.
            && (!options.ome || template.chunkKeys.separator == .slash)
    }

    private var dimensionNames: [String?]? {
        let own = layout.axes.map { $0 == .other ? nil : $0.rawValue }
        if options.ome { return own }
        guard let names = inputChunks == nil ? own : content.template?.dimensionNames else { return nil }
        // There, either all axes have a name or none.
        return version == .two && names.contains(nil) ? nil : names
    }

    /// The input's compression, for elements of any size.
    private var inputCodecs: [ZarrByteCodec]? {
        guard var pipeline = content.template?.codecs else { return nil }
        while case .shard(let shard) = pipeline.layout { pipeline = shard.pipeline }
        return pipeline.byteCodecs.compactMap { codec in
            switch codec {
            case .blosc(var blosc):
                blosc.typeSize = nil
                return .blosc(blosc)
            case .crc32c: return version == .two ? nil : codec
            case .delta: return nil
            case .shuffle: return .shuffle(elementSize: options.pixelType.byteCount)
            default: return codec
            }
        }
    }

    /// Along axes of which only a part was taken, chunks of that part; all else as it is in the input.
    private func fitting(_ chunks: [Int]) -> [Int] {
        guard let inputChunks else { return chunks }
        return layout.shape.indices.map {
            layout.shape[$0] == inputChunks.array[$0] ? chunks[$0] : min(chunks[$0], layout.shape[$0])
        }
    }

    private func chunksAndShards() -> (chunks: [Int], shards: [Int]?) {
        let volume = layout.volumeShape
        if let shardShape = options.shardShape {
            let shards = layout.extents(shardShape)
            if let chunkShape = options.chunkShape { return (layout.extents(chunkShape), shards) }
            if let inner = inputChunks?.inner, zip(shards, inner).allSatisfy({ $0 % $1 == 0 }) {
                return (inner, shards)
            }
            return (layout.extents(chunks(of: shardShape)), shards)
        }
        if let chunkShape = options.chunkShape {
            return (layout.extents(VolumeShape { min(chunkShape[$0], volume[$0]) }), nil)
        }
        if let inputChunks {
            let isSharded = content.template?.isSharded == true && version == .three
            return isSharded ? (inputChunks.inner, inputChunks.outer) : (fitting(inputChunks.inner), nil)
        }
        return (layout.extents(standardChunk(volume)), nil)
    }

    /// One volume, or as many whole planes as 64 MiB take, or rows.
    private func standardChunk(_ volume: VolumeShape) -> VolumeShape {
        let room = (1 << 26) / options.pixelType.byteCount
        func part(_ extent: Int, of size: Int) -> Int {
            // Chunks of about one size: 100 planes of which 70 fit are 2 times 50.
            let count = (extent + max(1, room / size) - 1) / max(1, room / size)
            return (extent + count - 1) / count
        }
        let planes = part(volume.z, of: volume.planeVoxelCount)
        let rows = volume.planeVoxelCount <= room ? volume.y : part(volume.y, of: volume.x)
        return VolumeShape(z: planes, y: rows, x: volume.x)
    }

    /// Chunks that a shard is cut into: of 1 MiB or less, where its factors allow it.
    private func chunks(of shard: VolumeShape) -> VolumeShape {
        var axes = shard.axes
        while axes.reduce(options.pixelType.byteCount, *) > 1 << 20 {
            guard let largest = axes.indices.max(by: { axes[$0] < axes[$1] }), axes[largest] > 1,
                let factor = (2...axes[largest]).first(where: { axes[largest] % $0 == 0 })
            else { break }
            axes[largest] /= factor
        }
        return VolumeShape(z: axes[0], y: axes[1], x: axes[2])
    }
}
