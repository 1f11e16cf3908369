import CTIFF
package import DeconvVolume
import Foundation

/// A TIFF file as volumes.
///
/// Read: grey pages of 8, 16 and 32-bit integers, signed and unsigned, and of 32 and 64-bit floating point; strips and
/// tiles; every compression of the libtiff at hand; both byte orders; classic and BigTIFF; ImageJ's own stacks
/// beyond 4 GB, which have one directory.
///
/// What its axes are, and how large its voxels, is decided in `TIFFLayout+Statements.swift`.
///
/// Any number of threads may read at once.
package final class TIFFSource: ImageFileSource {
    package let name: String
    package let image: ImageDescription
    package let diagnostics: [Diagnostic]
    package var axes: String? { layout.statedAxes }
    package var imageNumber: Int? { layout.imageNumber }
    /// Distances along each axis as far as the file gives them, µm; of one plane there is none along z.
    var lengths: AxisLengths { layout.lengths }

    private let file: FileBytes
    private let header: TIFFHeader
    private let layout: TIFFLayout
    private let planes: Planes
    /// Type of the numbers in the file, which for ImageJ's signed images is not that of the image.
    private let storedType: PixelType

    /// Where planes lie.
    private enum Planes {
        /// Directory offsets, one per page that the layout counts.
        case directories([UInt64])
        /// One after the other from a byte on, as in ImageJ's and tifffile's large files.
        case run(UInt64)
    }

    /// Opens a file, and checks that all its planes are of one kind and lie within it.
    ///
    /// Of a mask, of which only 0 and all else are told apart, pages of 1 bit and with inverting color tables are read, too: as they are
    /// stored, which is 0 or 255 of a mask in ImageJ, however it shows them.
    /// - Throws: `inputNotFound` where it is missing, a folder or may not be read; `invalidData` where it is empty, not
    ///   a TIFF, truncated, in color, of a depth that is not read, or where its pages do not fit together;
    ///   `invalidArgument` where the options do not go with it.
    package convenience init(
        path: String,
        options: ImageFileOptions = ImageFileOptions()
    ) throws(DeconvolutionError) {
        let contents = try TIFFContents(path: path)
        try self.init(contents, TIFFLayout(of: contents, ome: contents.omeMetadata(), options))
    }

    /// Pages of a file as the planes of one stack, whatever its description says of them.
    /// - Parameter pages: their numbers among all directories of the file, from 0.
    /// - Throws: as `init(path:options:)`.
    convenience init(path: String, pages: [Int], isMask: Bool = false) throws(DeconvolutionError) {
        let contents = try TIFFContents(path: path)
        guard pages.allSatisfy(contents.chain.directories.indices.contains) else {
            throw contents.file.invalid("has fewer pages than when it was opened; run it again")
        }
        var layout = TIFFLayout(channels: 1, planes: pages.count, timepoints: 1, pages: pages)
        layout.countsAllDirectories = true
        layout.acceptsPalette = true
        layout.isMask = isMask
        try self.init(contents, layout)
    }

    /// An open file whose layout is known.
    init(_ contents: TIFFContents, _ layout: TIFFLayout) throws(DeconvolutionError) {
        let (file, header, chain) = (contents.file, contents.header, contents.chain)
        let offsets = chain.directories.filter { layout.countsAllDirectories || !$0.isAuxiliary }.map(\.offset)
        let metaMorphPlanes = chain.first.count(.metaMorphPlanes)
        guard metaMorphPlanes <= 1 else {
            throw file.invalid(
                "is a MetaMorph stack of \(metaMorphPlanes) planes, which is not read; \(ForeignFormat.conversion)"
            )
        }
        let samples = layout.samplesPerPage
        func page(_ index: Int) throws(DeconvolutionError) -> TIFFPage {
            try TIFFPage(
                try TIFFDirectory(file, header, at: offsets[index / samples]),
                number: index / samples + 1,
                sample: index % samples,
                samplesPerPage: samples,
                meaning: layout.meaning,
                file,
                header
            )
        }
        let first = try page(layout.page(ofPlane: 0))
        if let (width, height) = layout.planeSize, width != first.width || height != first.height {
            throw file.invalid(
                "its description says \(width) x \(height) pixels but its pages are \(first.width) x \(first.height); "
                    + "save it again"
            )
        }
        let (_, tooLarge) = layout.totalPlaneCount.multipliedReportingOverflow(by: max(first.byteCount, 8))
        guard !tooLarge else { throw file.invalid("is damaged: it claims more voxels than memory has; save it again") }

        if layout.totalPlaneCount > offsets.count * samples {
            planes = .run(try Self.run(of: layout.totalPlaneCount, from: first, file))
        } else {
            for plane in 1..<layout.totalPlaneCount {
                let index = layout.page(ofPlane: plane)
                let other = try page(index)
                guard other.width == first.width, other.height == first.height, other.pixelType == first.pixelType
                else {
                    throw file.invalid(
                        "page \(index / samples + 1) is \(other.width) x \(other.height) \(other.pixelType) but page "
                            + "\(layout.page(ofPlane: 0) / samples + 1) is \(first.width) x \(first.height) "
                            + "\(first.pixelType); save the stack alone in a file, with pages of one size and type"
                    )
                }
            }
            planes = .directories(offsets)
        }

        self.file = file
        self.header = header
        self.layout = layout
        storedType = first.pixelType
        name = file.path
        diagnostics = layout.diagnostics
        var image = layout.image(
            y: first.height,
            x: first.width,
            layout.isSigned16BitWithOffset && first.pixelType == .uint16 ? .int16 : first.pixelType
        )
        if let metadata = ImageJMetadata(chain.first, file, header) {
            if let info = metadata.info {
                let text = AcquisitionText.acquisition(info, channelCount: layout.channelCount, place: "ImageJ's info")
                let acquisition = layout.acquisition.completed(by: text)
                image.acquisition = acquisition.isEmpty ? nil : acquisition
            }
            image.annotations.complete(by: metadata.annotations(layout))
            if image.channelNames.isEmpty {
                image.channelNames = image.annotations.namesOfChannels(layout.channelCount)
            }
        }
        if [.composite, .color].contains(image.annotations.channelMode), image.annotations.channelColors.isEmpty,
            2...ChannelColor.ofImageJ.count ~= layout.channelCount
        {
            image.annotations.channelColors = Array(ChannelColor.ofImageJ.prefix(layout.channelCount))
        }
        self.image = image
    }

    /// The start of `count` planes that follow each other in the file, of which only the first has a directory.
    private static func run(
        of count: Int,
        from first: TIFFPage,
        _ file: FileBytes
    ) throws(DeconvolutionError) -> UInt64 {
        guard first.isContiguous else {
            throw file.invalid(
                "its description claims \(count) planes but it holds 1 page; copy it again from its source"
            )
        }
        let (length, overflow) = UInt64(count).multipliedReportingOverflow(by: UInt64(first.byteCount))
        let (end, beyond) = first.chunkOffsets[0].addingReportingOverflow(length)
        guard !overflow, !beyond, end <= file.byteCount else {
            throw file.invalid(
                "is truncated: its description claims \(count) planes of \(first.byteCount) bytes but it ends after "
                    + "\(file.byteCount); copy it again from its source"
            )
        }
        return first.chunkOffsets[0]
    }

    package func read(
        _ region: Region,
        channel: Int,
        timepoint: Int
    ) throws(DeconvolutionError) -> VoxelData {
        precondition(Region(image.shape).contains(region), "\(region) lies outside \(image.shape)")
        precondition(0..<image.channelCount ~= channel, "channel \(channel) of \(image.channelCount)")
        precondition(0..<image.timepointCount ~= timepoint, "time point \(timepoint) of \(image.timepointCount)")
        let count = region.shape.voxelCount
        switch image.pixelType {
        case .uint8:
            var voxels = [UInt8](repeating: 0, count: count)
            try read(region, channel, timepoint, into: &voxels)
            return .uint8(voxels)
        case .uint16:
            var voxels = [UInt16](repeating: 0, count: count)
            try read(region, channel, timepoint, into: &voxels)
            return .uint16(voxels)
        case .float32:
            var voxels = [Float](repeating: 0, count: count)
            try read(region, channel, timepoint, into: &voxels)
            return .float32(voxels)
        case .int8, .int16, .uint32, .int32, .float64:
            return .float32(try readConverting(region, channel, timepoint))
        }
    }

    /// Fills an array whose elements are of the stored type.
    private func read<Stored>(
        _ region: Region,
        _ channel: Int,
        _ timepoint: Int,
        into voxels: inout [Stored]
    ) throws(DeconvolutionError) {
        let planeBytes = region.shape.planeVoxelCount * storedType.byteCount
        try voxels.withUnsafeMutableBufferPointer { (buffer) throws(DeconvolutionError) in
            let bytes = UnsafeMutableRawBufferPointer(buffer)
            for z in 0..<region.shape.z {
                try readPlane(
                    region,
                    z: region.origin.z + z,
                    channel,
                    timepoint,
                    into: UnsafeMutableRawBufferPointer(rebasing: bytes[z * planeBytes..<(z + 1) * planeBytes])
                )
            }
        }
    }

    private func readConverting(
        _ region: Region,
        _ channel: Int,
        _ timepoint: Int
    ) throws(DeconvolutionError) -> [Float] {
        let planeVoxels = region.shape.planeVoxelCount
        let scratch = try ByteBuffer(byteCount: planeVoxels * storedType.byteCount, for: name)
        let offset: Int32 = image.pixelType == .int16 && storedType == .uint16 ? -32768 : 0
        var voxels = [Float](repeating: 0, count: region.shape.voxelCount)
        try voxels.withUnsafeMutableBufferPointer { (buffer) throws(DeconvolutionError) in
            for z in 0..<region.shape.z {
                try readPlane(region, z: region.origin.z + z, channel, timepoint, into: scratch.bytes)
                VoxelConversion.convert(
                    UnsafeRawBufferPointer(scratch.bytes),
                    storedType,
                    offset: offset,
                    into: UnsafeMutableBufferPointer(rebasing: buffer[z * planeVoxels..<(z + 1) * planeVoxels])
                )
            }
        }
        return voxels
    }

    /// Fills `target` with the rows and columns of `region` in one plane, native-endian.
    private func readPlane(
        _ region: Region,
        z: Int,
        _ channel: Int,
        _ timepoint: Int,
        into target: UnsafeMutableRawBufferPointer
    ) throws(DeconvolutionError) {
        guard target.count > 0 else { return }
        let index = layout.page(channel: channel, z: z, timepoint: timepoint)
        var place = "plane \(z + 1)"
        if image.channelCount > 1 { place += " of channel \(channel + 1)" }
        if image.timepointCount > 1 { place += " at time point \(timepoint + 1)" }
        switch planes {
        case .run(let start):
            let plane = start + UInt64(index) * UInt64(image.shape.planeVoxelCount * storedType.byteCount)
            let rows = PlaneRows(offset: plane, width: image.shape.x, firstRow: 0)
            try copy(region, from: rows, into: target, rows: region.yRange)
            swapIfNeeded(target)
        case .directories(let offsets):
            let page = try TIFFPage(
                try TIFFDirectory(file, header, at: offsets[index / layout.samplesPerPage]),
                number: index / layout.samplesPerPage + 1,
                sample: index % layout.samplesPerPage,
                samplesPerPage: layout.samplesPerPage,
                meaning: layout.meaning,
                file,
                header
            )
            guard page.width == image.shape.x, page.height == image.shape.y, page.pixelType == storedType else {
                throw file.invalid("\(place) has changed since the file was opened; run it again")
            }
            try readPage(page, region, place, into: target)
        }
    }

    private func readPage(
        _ page: TIFFPage,
        _ region: Region,
        _ place: String,
        into target: UnsafeMutableRawBufferPointer
    ) throws(DeconvolutionError) {
        let columns = region.xRange
        let decoder = page.isPlain ? nil : try TIFFChunkDecoder(page, file, header)
        let scratch = decoder == nil ? nil : try ByteBuffer(byteCount: page.byteCount(ofChunk: 0), for: name)
        let voxelBytes = storedType.byteCount
        for down in region.yRange.lowerBound / page.chunkHeight...(region.yRange.upperBound - 1) / page.chunkHeight {
            let firstRow = down * page.chunkHeight
            for across in columns.lowerBound / page.chunkWidth...(columns.upperBound - 1) / page.chunkWidth {
                let chunk = down * page.chunksAcross + across
                let rows = region.yRange.clamped(to: firstRow..<firstRow + page.rowCount(ofChunk: chunk))
                if let decoder, let scratch {
                    let decoded = UnsafeMutableRawBufferPointer(
                        rebasing: scratch.bytes[..<page.byteCount(ofChunk: chunk)]
                    )
                    try decoder.decode(chunk: page.firstChunk + chunk, into: decoded, place: place)
                    let firstColumn = across * page.chunkWidth
                    let wanted = columns.clamped(to: firstColumn..<firstColumn + page.chunkWidth)
                    for row in rows {
                        if let bits = page.maskBits {
                            let start = (row - region.origin.y) * columns.count + wanted.lowerBound - columns.lowerBound
                            Self.unpack(
                                UnsafeRawBufferPointer(
                                    rebasing: decoded[((row - firstRow) * page.chunkRowByteCount)...]
                                ),
                                bits: bits,
                                from: wanted.lowerBound - firstColumn,
                                into: UnsafeMutableRawBufferPointer(rebasing: target[start..<start + wanted.count])
                            )
                            continue
                        }
                        let source = ((row - firstRow) * page.chunkWidth + wanted.lowerBound - firstColumn) * voxelBytes
                        let start =
                            ((row - region.origin.y) * columns.count + wanted.lowerBound - columns.lowerBound)
                            * voxelBytes
                        target.baseAddress!.advanced(by: start).copyMemory(
                            from: decoded.baseAddress! + source,
                            byteCount: wanted.count * voxelBytes
                        )
                    }
                } else {
                    try copy(
                        region,
                        from: PlaneRows(
                            offset: page.chunkOffsets[chunk],
                            width: page.chunkWidth,
                            firstRow: firstRow,
                            firstColumn: across * page.chunkWidth
                        ),
                        into: target,
                        rows: rows
                    )
                }
            }
        }
        if page.isPlain { swapIfNeeded(target) }
    }

    /// Writes 1 where a voxel of a mask is not 0.
    /// - Parameters:
    ///   - row: as it is decoded.
    ///   - bits: of a voxel: 1, the highest of a byte first, or 64.
    ///   - first: of the voxels of the row that are wanted.
    private static func unpack(
        _ row: UnsafeRawBufferPointer,
        bits: Int,
        from first: Int,
        into target: UnsafeMutableRawBufferPointer
    ) {
        for index in target.indices {
            let voxel = first + index
            target[index] =
                bits == 1
                ? row[voxel / 8] >> UInt8(7 - voxel % 8) & 1
                : row.loadUnaligned(fromByteOffset: voxel * 8, as: UInt64.self) == 0 ? 0 : 1
        }
    }

    /// Rows that lie one after the other in the file.
    private struct PlaneRows {
        var offset: UInt64
        var width: Int
        var firstRow: Int
        var firstColumn = 0
    }

    /// Copies the part of `region` that lies in a block of uncompressed rows.
    private func copy(
        _ region: Region,
        from block: PlaneRows,
        into target: UnsafeMutableRawBufferPointer,
        rows: Range<Int>
    ) throws(DeconvolutionError) {
        let voxelBytes = storedType.byteCount
        let columns = region.xRange.clamped(to: block.firstColumn..<block.firstColumn + block.width)
        func source(_ row: Int) -> UInt64 {
            let voxel = (row - block.firstRow) * block.width + columns.lowerBound - block.firstColumn
            return block.offset + UInt64(voxel * voxelBytes)
        }
        func start(_ row: Int) -> Int {
            ((row - region.origin.y) * region.shape.x + columns.lowerBound - region.origin.x) * voxelBytes
        }
        if columns.count == block.width, columns.count == region.shape.x {
            let bytes = target[start(rows.lowerBound)..<start(rows.lowerBound) + rows.count * block.width * voxelBytes]
            try file.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes), at: source(rows.lowerBound))
            return
        }
        let rowBytes = block.width * voxelBytes
        guard columns.count * 2 >= block.width, rows.count > 1 else {
            for row in rows {
                let bytes = target[start(row)..<start(row) + columns.count * voxelBytes]
                try file.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes), at: source(row))
            }
            return
        }
        // Most of each row is wanted: one call for many rows, such as those of a tile, and the rest is dropped.
        let batch = min(rows.count, max(1, (4 << 20) / rowBytes))
        let scratch = try ByteBuffer(byteCount: batch * rowBytes, for: name)
        let skipped = (columns.lowerBound - block.firstColumn) * voxelBytes
        for first in stride(from: rows.lowerBound, to: rows.upperBound, by: batch) {
            let count = min(batch, rows.upperBound - first)
            let bytes = UnsafeMutableRawBufferPointer(rebasing: scratch.bytes[..<(count * rowBytes)])
            try file.read(into: bytes, at: source(first) - UInt64(skipped))
            for row in 0..<count {
                target.baseAddress!.advanced(by: start(first + row)).copyMemory(
                    from: bytes.baseAddress! + row * rowBytes + skipped,
                    byteCount: columns.count * voxelBytes
                )
            }
        }
    }

    private func swapIfNeeded(_ buffer: UnsafeMutableRawBufferPointer) {
        let isHostBigEndian = 1.bigEndian == 1
        if header.isBigEndian != isHostBigEndian {
            VoxelConversion.swapBytes(buffer, width: storedType.byteCount)
        }
    }
}
