package import DeconvVolume
import Dispatch
import Foundation
import Synchronization

/// A Zarr array as volumes, whatever the order of its axes and the shape of its chunks.
///
/// bool, uint8 and uint16 are read as they are stored, all other types as the nearest `Float`. A read shares its chunks out
/// among threads of Dispatch and blocks until all are there. Chunks that it wants in part only are kept decoded for the next
/// one, up to a limit, since a reader that goes plane by plane wants them again.
///
/// Any number of threads may read at once.
package final class ZarrSource: ImageFileSource {
    package let name: String
    package let image: ImageDescription
    package let diagnostics: [Diagnostic]
    /// The array.
    package let array: ZarrArray
    /// What its axes mean.
    package let layout: ArrayLayout
    /// What OME-Zarr says of the image, the level that is read first and finer ones left out; nil where it says nothing.
    package let ome: OMEZarrMetadata?

    let threadCount: Int
    /// Elements per axis of what is decoded at once.
    let decodedShape: [Int]
    let cache: ChunkCache
    /// Chunks that were not there when they were read.
    let missing = MissingChunks()

    /// The most volumes of an array: lists of them fit into memory.
    private static let mostVolumes = 1 << 24

    /// The most bytes of decoded chunks that are kept where nobody says otherwise: 256 MiB.
    package static let defaultCacheByteLimit = 256 << 20

    /// A source over an array.
    /// - Parameters:
    ///   - layout: of the array's shape.
    ///   - ome: with a scale per axis of the array.
    ///   - diagnostics: what was assumed.
    ///   - cacheByteLimit: the most bytes of decoded chunks that are kept.
    ///   - threadCount: the most threads that decode for one read; nil for one a processor.
    /// - Throws: `invalidData` where the array has no elements, or more of them or of volumes than memory can ever have.
    package init(
        _ array: ZarrArray,
        layout: ArrayLayout,
        ome: OMEZarrMetadata? = nil,
        diagnostics: [Diagnostic] = [],
        cacheByteLimit: Int = ZarrSource.defaultCacheByteLimit,
        threadCount: Int? = nil
    ) throws(DeconvolutionError) {
        let shape = array.metadata.shape
        precondition(layout.shape == shape, "a layout of \(layout.shape) for an array of \(shape)")
        precondition(cacheByteLimit >= 0 && threadCount ?? 1 >= 1, "a limit of bytes and a number of threads")
        guard !shape.contains(0) else {
            throw DeconvolutionError(
                .invalidData,
                "\(array.name.inMessage): has no elements: \(ArrayLayout.description(shape)); write it again"
            )
        }
        // So few that 256 bytes for each can be counted.
        guard Int.product(shape + [1 << 8]) != nil else {
            throw DeconvolutionError(
                .invalidData,
                "\(array.name.inMessage): is damaged: it claims more elements than memory has; write it again"
            )
        }
        let volumeCount = layout.channelCount * layout.timepointCount
        guard volumeCount <= Self.mostVolumes else {
            throw DeconvolutionError(
                .invalidData,
                "\(array.name.inMessage): claims \(volumeCount) volumes of \(layout.volumeShape) voxels, more than the "
                    + "\(Self.mostVolumes) that are read; check what its axes mean"
            )
        }
        self.array = array
        self.layout = layout
        self.ome = ome
        name = array.name
        self.threadCount = threadCount ?? max(1, ProcessInfo.processInfo.activeProcessorCount)
        decodedShape = array.metadata.codecs.decodedShape(array.metadata.chunkShape, withCodecsAroundShards: true)
        cache = ChunkCache(byteLimit: cacheByteLimit)
        var description = ImageDescription(
            shape: layout.volumeShape,
            channelCount: layout.channelCount,
            timepointCount: layout.timepointCount,
            pixelType: array.metadata.dataType.pixelType,
            provenance: ome?.provenance ?? Provenance(array.metadata.attributes[Provenance.key])
        )
        let repairs = (ome?.repairs ?? []).map { repair in
            Diagnostic(.metadataMended, "\(subject: array.name.inMessage): \(repair)")
        }
        self.diagnostics = diagnostics + repairs + (ome?.describe(&description, layout, of: array) ?? [])
        description.acquisition = Self.acquisition(of: array) ?? description.acquisition
        image = description
    }

    /// The most bytes of decoded chunks that are kept between reads. Less than now drops some.
    package var cacheByteLimit: Int {
        get { cache.byteLimit }
        set { cache.byteLimit = newValue }
    }

    /// Bytes of what is decoded at once: a chunk, or an inner chunk of a shard that is not compressed itself.
    ///
    /// A reader that goes plane by plane is fast where `cacheByteLimit` holds as many of these as a plane touches.
    package var decodedChunkByteCount: Int {
        Int.product(decodedShape + [array.metadata.dataType.byteCount]) ?? .max
    }

    /// The voxels of a box; see `VolumeSource.read`.
    /// - Throws: `invalidData` naming the chunk's file where it is damaged, `inputOutput` where the disk fails,
    ///   `outOfMemory`.
    package func read(
        _ region: Region,
        channel: Int,
        timepoint: Int
    ) throws(DeconvolutionError) -> VoxelData {
        precondition(Region(image.shape).contains(region), "\(region) lies outside \(image.shape)")
        precondition(0..<image.channelCount ~= channel, "channel \(channel) of \(image.channelCount)")
        precondition(0..<image.timepointCount ~= timepoint, "time point \(timepoint) of \(image.timepointCount)")
        let box = layout.region(region, channel: channel, timepoint: timepoint)
        let volume = VolumePosition(channel: channel, timepoint: timepoint)
        let type = array.metadata.dataType
        let (memory, shape) = (type.pixelType.inMemory, region.shape)
        try array.requireMemory(for: box, bytesPerElement: memory.byteCount)
        func voxels<Voxel: BitwiseCopyable>(as _: Voxel.Type) throws(DeconvolutionError) -> [Voxel] {
            try array.filled(shape.voxelCount) { (bytes: UnsafeMutableRawBufferPointer) throws(DeconvolutionError) in
                guard let base = bytes.baseAddress else { return }
                let width = memory.byteCount
                let target = StridedElements(base: base, strides: layout.steps(in: shape).map { $0 * width })
                let isConverted = memory == .float32 && type != .float32
                try share(parts(of: box)) { @Sendable (part) throws(DeconvolutionError) in
                    let place = target.moved(to: part.relative(to: box.origin).origin)
                    if isConverted {
                        try readConverting(part, type, of: volume, into: place, shape)
                    } else {
                        try read(part, of: volume, into: place)
                    }
                }
            }
        }
        switch memory {
        case .uint8: return .uint8(try voxels(as: UInt8.self))
        case .uint16: return .uint16(try voxels(as: UInt16.self))
        default: return .float32(try voxels(as: Float.self))
        }
    }

    /// Reads a part as it is stored, and then converts it row by row to where it belongs in a volume of `shape` voxels.
    private func readConverting(
        _ part: ArrayRegion,
        _ type: ZarrDataType,
        of volume: VolumePosition,
        into target: StridedElements,
        _ shape: VolumeShape
    ) throws(DeconvolutionError) {
        func extent(_ axis: ArrayLayout.Axis) -> Int { layout.index(of: axis).map { part.shape[$0] } ?? 1 }
        let rows = VolumeShape(z: extent(.z), y: extent(.y), x: extent(.x))
        let width = type.byteCount
        let stored = try ByteBuffer(byteCount: rows.voxelCount * width, for: name)
        let strides = layout.steps(in: rows).map { $0 * width }
        try read(part, of: volume, into: StridedElements(base: stored.bytes.baseAddress!, strides: strides))
        for row in 0..<rows.z * rows.y {
            let source = stored.bytes[row * rows.x * width..<(row + 1) * rows.x * width]
            let (z, y) = (row / rows.y, row % rows.y)
            let start = target.base + (z * shape.planeVoxelCount + y * shape.x) * MemoryLayout<Float>.size
            ZarrArray.convert(
                UnsafeRawBufferPointer(rebasing: source),
                type,
                into: UnsafeMutableBufferPointer(start: start.assumingMemoryBound(to: Float.self), count: rows.x)
            )
        }
    }

    // MARK: - Parts

    /// A region in parts that are decoded apart, so many that threads that are done early find another one.
    ///
    /// It is halved again and again between chunks, or between inner chunks of a shard. Chunks are not listed: there may be
    /// as many as there are elements.
    func parts(of region: ArrayRegion) -> [ArrayRegion] {
        guard threadCount > 1 else { return [region] }
        let metadata = array.metadata
        var parts = [region]
        while parts.count < 4 * threadCount {
            let halves = parts.flatMap {
                Self.halves(of: $0, between: metadata.chunkShape)
                    ?? Self.halves(of: $0, between: decodedShape)
                    ?? [$0]
            }
            if halves.count == parts.count { break }
            parts = halves
        }
        return parts
    }

    /// The region cut in two along the axis on which it has most chunks, or nil where it lies in one.
    private static func halves(of region: ArrayRegion, between chunk: [Int]) -> [ArrayRegion]? {
        let counts = chunk.indices.map {
            (region.origin[$0] + region.shape[$0] - 1) / chunk[$0] - region.origin[$0] / chunk[$0] + 1
        }
        guard let axis = counts.indices.max(by: { counts[$0] < counts[$1] }), counts[axis] > 1 else { return nil }
        let cut = (region.origin[axis] / chunk[axis] + counts[axis] / 2) * chunk[axis] - region.origin[axis]
        var (first, second) = (region, region)
        first.shape[axis] = cut
        second.shape[axis] -= cut
        second.origin[axis] += cut
        return [first, second]
    }

    /// Calls `body` for each part, on at most as many threads as we may use.
    /// - Throws: what the first of the parts throws that cannot be read.
    private func share(
        _ parts: [ArrayRegion],
        _ body: @Sendable (ArrayRegion) throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) {
        if parts.count == 1 { return try body(parts[0]) }
        let next = Atomic(0)
        let failure = Mutex<(part: Int, error: DeconvolutionError)?>(nil)
        DispatchQueue.concurrentPerform(iterations: min(threadCount, parts.count)) { _ in
            while failure.withLock({ $0 == nil }) {
                let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                if index >= parts.count { return }
                do throws(DeconvolutionError) { try body(parts[index]) } catch {
                    // Parts begin in their order, so the first one that fails has begun before any that fails with it.
                    failure.withLock { if $0.map({ index < $0.part }) ?? true { $0 = (index, error) } }
                }
            }
        }
        if let error = failure.withLock({ $0?.error }) { throw error }
    }

    // MARK: - Chunks

    /// Reads a part, taking from the cache what is not wanted whole.
    private func read(
        _ part: ArrayRegion,
        of volume: VolumePosition,
        into target: StridedElements
    ) throws(DeconvolutionError) {
        func readDirectly(_ region: ArrayRegion, _ target: StridedElements) throws(DeconvolutionError) {
            let absent = try array.read(region, into: target)
            if !array.store.storage.isListed { missing.note(absent, in: volume) }
        }
        let metadata = array.metadata
        guard keepsChunks, decodedChunkByteCount <= cache.byteLimit, !isMadeOfWholeChunks(part, decodedShape) else {
            return try readDirectly(part, target)
        }
        let width = metadata.dataType.byteCount
        let whole = ArrayRegion(metadata.shape)
        let grid = ChunkGrid(chunkShape: decodedShape)
        try grid.forEach(in: part) { (index, wanted) throws(DeconvolutionError) in
            let place = target.moved(to: wanted.relative(to: part.origin).origin)
            guard let chunk = grid.region(index).intersection(whole), chunk != wanted else {
                return try readDirectly(wanted, place)
            }
            let byteCount = chunk.shape.reduce(width, *)
            let decoded = try cache.chunk(index, byteCount: byteCount) { () throws(DeconvolutionError) -> ByteBuffer? in
                // What was never written takes no memory.
                let file = zip(wanted.origin, metadata.chunkShape).map { $0 / $1 }
                let isListed = array.store.storage.isListed
                if isListed { guard try array.hasChunk(file) else { return nil } }
                let buffer = try ByteBuffer(byteCount: byteCount, for: name)
                let strides = StridedElements.contiguous(chunk.shape, width: width)
                let absent = try array.read(
                    chunk,
                    into: StridedElements(base: buffer.bytes.baseAddress!, strides: strides)
                )
                // Of a server this is asked in one with the bytes.
                return isListed || absent.isEmpty ? buffer : nil
            }
            guard let decoded else { return try readDirectly(wanted, place) }
            let strides = StridedElements.contiguous(chunk.shape, width: width)
            let source = StridedElements(base: decoded.bytes.baseAddress!, strides: strides)
            withExtendedLifetime(decoded) {
                StridedElements.copy(
                    (UnsafeRawPointer(source.at(wanted.relative(to: chunk.origin).origin)), strides),
                    to: place,
                    shape: wanted.shape,
                    width: width,
                    swapping: false
                )
            }
        }
    }

    /// Whether a part of what is decoded at once costs as much as all of it.
    var keepsChunks: Bool { array.metadata.codecs.isCompressed || array.store.storage.readsWhole }

    /// Whether a region starts where chunks do, and ends where chunks or the array do.
    private func isMadeOfWholeChunks(_ region: ArrayRegion, _ chunk: [Int]) -> Bool {
        region.shape.indices.allSatisfy {
            let end = region.origin[$0] + region.shape[$0]
            return region.origin[$0] % chunk[$0] == 0 && (end % chunk[$0] == 0 || end == array.metadata.shape[$0])
        }
    }
}

extension ZarrCodecPipeline {
    /// Whether parts of what is decoded at once cannot be read alone.
    var isCompressed: Bool {
        switch layout {
        case .elements: !byteCodecs.isEmpty
        case .shard(let shard): !byteCodecs.isEmpty || shard.pipeline.isCompressed
        }
    }
}

extension OMEZarrMetadata {
    /// Enters spacing, interval and names, and gives what is to be said about them.
    fileprivate func describe(
        _ image: inout ImageDescription,
        _ layout: ArrayLayout,
        of array: ZarrArray
    ) -> [Diagnostic] {
        var diagnostics: [Diagnostic] = []
        func length(_ axis: ArrayLayout.Axis) -> Double? {
            layout.index(of: axis).flatMap { micrometers(alongAxis: $0) }
        }
        let lengths = AxisLengths(z: length(.z), y: length(.y), x: length(.x))
        image.spacing = lengths.spacing(planeCount: image.shape.z)
        if image.spacing == nil { image.knownLengths = lengths.valid }
        let spatial = [ArrayLayout.Axis.z, .y, .x].compactMap(layout.index)
        if image.spacing == nil, image.knownLengths.isEmpty, spatial.contains(where: { levels[0].scale[$0] != 1 }) {
            let scale = spatial.map { "\(levels[0].scale[$0])" }.joined(separator: ", ")
            let names = spatial.map { layout.axes[$0].rawValue }.joined(separator: ", ")
            diagnostics.append(
                Diagnostic(
                    .spacingUnknown,
                    "\(subject: array.name.inMessage): its scale (\(scale) for \(names)) has no unit of length, so "
                        + "the voxel size is "
                        + "not known"
                )
            )
        }
        // Where other axes count as time as well, there is no one interval.
        let times = layout.timeAxes.filter { layout.shape[$0] > 1 }
        if let axis = layout.index(of: .timepoint), times.allSatisfy({ $0 == axis }) {
            image.timeInterval = seconds(alongAxis: axis)
        }
        if let colors = channelColors, colors.count == image.channelCount { image.annotations.channelColors = colors }
        image.acquisition = acquisition(channelCount: image.channelCount)
        if let labels = channelLabels {
            if labels.count == image.channelCount {
                image.channelNames = labels
            } else if layout.index(of: .channel) != nil {
                diagnostics.append(
                    Diagnostic(
                        .metadataIgnored,
                        "\(subject: array.name.inMessage): omero names \(labels.count) channels where there are "
                            + "\(image.channelCount); the names are left out"
                    )
                )
            }
        }
        return diagnostics
    }
}
