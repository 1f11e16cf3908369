import CTIFF
package import DeconvVolume
import Foundation

/// A TIFF file as volumes.
///
/// Read: grey pages of 8, 16 and 32-bit integers, signed and unsigned, and of 32 and 64-bit floating point; strips and
/// tiles; every compression of the libtiff at hand; both byte orders; classic and BigTIFF; ImageJ's own stacks
/// beyond 4 GB, which have one directory.
///
/// Axes and voxel size come from ImageJ's description, OME-XML or tifffile's JSON, in this order of trust: OME-XML,
/// ImageJ, JSON. Without any of them the pages are planes and the spacing is unknown: resolution tags alone mostly hold a
/// printer's default and never a distance between planes.
///
/// Any number of threads may read at once.
package final class TIFFSource: ImageFileSource {
    package let name: String
    package let image: ImageDescription
    package let diagnostics: [Diagnostic]

    private let file: FileBytes
    private let header: TIFFHeader
    private let layout: TIFFLayout
    private let planes: Planes
    private let meaning: TIFFPage.Meaning
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
    /// - Parameter isMask: whether only 0 and all else are told apart, so that pages of 1 bit and with inverting color tables are read,
    ///   too: as they are stored, which is 0 or 255 of a mask in ImageJ, however it shows them.
    /// - Throws: `inputNotFound` where it is missing, a folder or may not be read; `invalidData` where it is empty, not
    ///   a TIFF, truncated, in color, of a depth that is not read, or where its pages do not fit together.
    package init(path: String, isMask: Bool = false) throws(DeconvolutionError) {
        let file = try FileBytes(path: path)
        let header = try TIFFHeader(file)
        let chain = try TIFFDirectoryChain(file, header)
        var layout = try Self.layout(chain, file, header)
        let meaning = isMask ? .mask : layout.acceptsPalette ? .indices : TIFFPage.Meaning.intensities
        if isMask { layout.diagnostics.removeAll { $0.kind == .valuesAsStored } }
        let offsets = chain.directories.filter { layout.countsAllDirectories || !$0.isAuxiliary }.map(\.offset)
        let metaMorphPlanes = chain.first.count(.metaMorphPlanes)
        guard metaMorphPlanes <= 1 else {
            throw file.invalid(
                "is a MetaMorph stack of \(metaMorphPlanes) planes, which is not read; save it as TIFF, for example "
                    + "with Fiji"
            )
        }
        func page(_ index: Int) throws(DeconvolutionError) -> TIFFPage {
            try TIFFPage(
                try TIFFDirectory(file, header, at: offsets[index]),
                number: index + 1,
                meaning: meaning,
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

        if layout.totalPlaneCount > offsets.count {
            planes = .run(try Self.run(of: layout.totalPlaneCount, from: first, file))
        } else {
            for plane in 1..<layout.totalPlaneCount {
                let index = layout.page(ofPlane: plane)
                let other = try page(index)
                guard other.width == first.width, other.height == first.height, other.pixelType == first.pixelType
                else {
                    throw file.invalid(
                        "page \(index + 1) is \(other.width) x \(other.height) \(other.pixelType) but page "
                            + "\(layout.page(ofPlane: 0) + 1) is \(first.width) x \(first.height) \(first.pixelType); save the "
                            + "stack alone in a file, with pages of one size and type"
                    )
                }
            }
            planes = .directories(offsets)
        }

        self.file = file
        self.header = header
        self.layout = layout
        self.meaning = meaning
        storedType = first.pixelType
        name = path
        diagnostics = layout.diagnostics
        var image = ImageDescription(
            shape: VolumeShape(z: layout.planeCount, y: first.height, x: first.width),
            channelCount: layout.channelCount,
            timepointCount: layout.timepointCount,
            pixelType: layout.isSigned16BitWithOffset && first.pixelType == .uint16 ? .int16 : first.pixelType,
            spacing: layout.lengths.spacing(planeCount: layout.planeCount),
            timeInterval: layout.timeInterval,
            channelNames: layout.channelNames,
            provenance: layout.provenance
        )
        var acquisition = layout.acquisition
        image.annotations = layout.annotations
        if let metadata = ImageJMetadata(chain.first, file, header) {
            if let info = metadata.info {
                let text = AcquisitionText.acquisition(info, channelCount: layout.channelCount, place: "ImageJ's info")
                acquisition = acquisition.completed(by: text)
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
        image.acquisition = acquisition.isEmpty ? nil : acquisition
        self.image = image
    }

    private static func layout(
        _ chain: TIFFDirectoryChain,
        _ file: FileBytes,
        _ header: TIFFHeader
    ) throws(DeconvolutionError) -> TIFFLayout {
        let pageCount = chain.directories.count { !$0.isAuxiliary }
        guard pageCount > 0 else {
            throw file.invalid("holds only thumbnails or masks; open the file they belong to")
        }
        let text = try chain.first.text(.imageDescription, file, header) ?? ""
        let resolution = try resolution(chain.first, file, header)
        let name = file.path.inMessage
        do throws(DescriptionProblem) {
            if OMEMetadata.isOMEXML(text) {
                return try OMEMetadata(text).layout(
                    pageCount: chain.directories.count,
                    fileName: file.path.split(separator: "/").last.map(String.init) ?? file.path,
                    name: name
                )
            }
            if let description = ImageJDescription(text) {
                var layout = try description.layout(pageCount: pageCount, resolution: resolution, name: name)
                let isPalette = try? chain.first.integer(.photometric, default: 1, file, header) == 3
                if isPalette == true {
                    layout.diagnostics.append(
                        Diagnostic(
                            .valuesAsStored,
                            "\(subject: name): its color table is left out; the stored 8-bit values are the intensities"
                        )
                    )
                }
                return layout
            }
            if let description = ShapedDescription(text) {
                return try description.layout(pageCount: pageCount, resolution: resolution)
            }
        } catch {
            throw file.invalid(error.message)
        }
        return TIFFLayout(planeCount: pageCount)
    }

    private static func resolution(
        _ directory: TIFFDirectory,
        _ file: FileBytes,
        _ header: TIFFHeader
    ) throws(DeconvolutionError) -> TIFFResolution {
        func positive(_ value: Double?) -> Double? { value.flatMap { $0 > 0 ? $0 : nil } }
        let unit: Double? =
            switch try directory.integer(.resolutionUnit, default: 1, file, header) {
            case 2: LengthUnit.micrometers("inch")
            case 3: LengthUnit.micrometers("cm")
            default: nil
            }
        return TIFFResolution(
            x: positive(try directory.rational(.xResolution, file, header)),
            y: positive(try directory.rational(.yResolution, file, header)),
            unit: unit
        )
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
                try TIFFDirectory(file, header, at: offsets[index]),
                number: index + 1,
                meaning: meaning,
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
                    try decoder.decode(chunk: chunk, into: decoded, place: place)
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
