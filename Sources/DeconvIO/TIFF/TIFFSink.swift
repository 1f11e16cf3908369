import CTIFF
import CTIFFShim
package import DeconvVolume
import Foundation

/// Volumes into one TIFF file, plane by plane.
///
/// Where voxels are not compressed, all planes lie back to back, which ImageJ takes for granted in a file of its own. The
/// file is classic TIFF as long as it must stay below 4 GiB, and BigTIFF otherwise, which ImageJ itself does not open. So for
/// ImageJ a larger file is one as ImageJ writes it, a classic TIFF whose only directory is that of the first plane; and
/// BigTIFF only where that cannot be, since planes are compressed or larger than 4 GiB themselves.
///
/// One owner at a time: it has no lock.
package final class TIFFSink: VolumeSink {
    /// Who is to read it.
    package enum Format: String, CaseIterable, Sendable {
        /// ImageJ's own description: opens as a hyperstack with its calibration.
        case imageJ
        /// OME-TIFF, schema 2016-06, in the order XYCZT.
        case ome
    }

    /// How the bytes are packed.
    package enum Compression: String, CaseIterable, Sendable {
        /// Not at all: the fastest.
        case none
        /// Deflate, lossless, without a predictor: ImageJ undoes none behind deflate, and Bio-Formats none for float.
        case deflate
    }

    /// Voxels that did not fit the integer type and were set to its nearest end, NaN to 0.
    package var saturatedVoxelCount: Int { storage.saturatedVoxelCount }

    private let output: AtomicOutput
    private let client: TIFFClient
    private let log: UnsafeMutablePointer<gpudeconv_tiff_log>
    private var tiff: OpaquePointer?
    private let image: ImageDescription
    private let pixelType: PixelType
    private let format: Format
    private let compression: Compression
    private let description: String
    /// What ImageJ has in tags of its own; nil for others, and where there is nothing to say.
    private let metadata: ImageJMetadata.Block?
    private var windows: ChannelWindows
    private let rowsPerStrip: Int
    private let scratch: ByteBuffer
    private let planeCount: Int
    private let planeBytes: Int
    private let layout: Layout
    private var planesWritten = 0
    private var storage: VoxelStorage

    /// Where planes and directories lie.
    private enum Layout {
        /// Each plane before its directory: compressed planes, of which nobody knows how long they will be.
        case alternating
        /// All planes, then all directories.
        case planesFirst
        /// The first plane's directory, then all planes from an offset on.
        case oneDirectory(dataStart: Int)

        var hasOneDirectory: Bool { if case .oneDirectory = self { true } else { false } }
    }

    /// Starts a file.
    /// - Parameters:
    ///   - image: shape, axes, spacing and names of what will come; its pixel type does not matter here.
    ///   - pixelType: `float32`, `uint16` or `uint8`. Integers are rounded to the nearest, ties to even, and saturate.
    ///   - overwrite: whether an existing file may be replaced.
    ///   - alwaysBigTIFF: BigTIFF whatever the size.
    ///   - calls: see `AtomicOutput`.
    /// - Throws: `cannotCreateOutput` where the target exists, another process is writing it, or its folder cannot be written;
    ///   `invalidArgument` for another type, or for more planes than other programs read.
    package init(
        path: String,
        image: ImageDescription,
        pixelType: PixelType = .float32,
        format: Format = .imageJ,
        compression: Compression = .none,
        overwrite: Bool = false,
        alwaysBigTIFF: Bool = false,
        calls: OutputCalls = .system
    ) throws(DeconvolutionError) {
        precondition(
            image.shape.voxelCount > 0 && image.channelCount > 0 && image.timepointCount > 0,
            "an image of \(image.shape) has nothing to write"
        )
        guard VoxelStorage.pixelTypes.contains(pixelType) else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(path.inMessage): TIFF is not written as \(pixelType.rawValue); choose float32, uint16 or uint8"
            )
        }
        let planeCount = image.shape.z * image.channelCount * image.timepointCount
        guard planeCount <= Self.mostPlanes else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(path.inMessage): \(planeCount) planes are more than the \(Self.mostPlanes) of one TIFF file; write one "
                    + "file per time point"
            )
        }
        let rowBytes = image.shape.x * pixelType.byteCount
        // Uncompressed planes are one strip, which ImageJ reads fastest; compressed ones are cut so that a region costs
        // little more than itself. 1 MiB was not measured.
        let stripBytes = compression == .none ? 1 << 28 : 1 << 20
        let rowsPerStrip = min(image.shape.y, max(1, stripBytes / rowBytes))
        let description: String
        switch format {
        case .imageJ: description = ImageJDescription.text(image, pixelType: pixelType)
        case .ome:
            description = OMEXMLWriter.document(image, pixelType: pixelType, name: OutputPath(path).name)
        }
        let metadata = format == .imageJ ? ImageJMetadata.Block(image) : nil
        let metadataBytes = (metadata?.bytes.count ?? 0) + 4 * (metadata?.lengths.count ?? 0)
        let planeBytes = image.shape.planeVoxelCount * pixelType.byteCount
        let dataBytes = planeCount * planeBytes
        let scratch = try ByteBuffer(byteCount: rowsPerStrip * rowBytes, for: path)
        let output = try AtomicOutput(
            path: path,
            overwrite: overwrite,
            expectedByteCount: compression == .none ? dataBytes : nil,
            isExclusive: true,
            calls: calls
        )
        // Deflate may grow what it cannot shrink by a few bytes in 16 KiB; a directory has at most 20 tags.
        let stripCount = (image.shape.y - 1) / rowsPerStrip + 1
        let largestSize =
            dataBytes + dataBytes / 1024 + planeCount * (512 + 16 * stripCount) + description.utf8.count + metadataBytes
            + 65_536
        let isLarge = largestSize >= 1 << 32
        let directoryBytes = 512 + 16 * stripCount + description.utf8.count + metadataBytes
        let layout: Layout
        if compression != .none {
            layout = .alternating
        } else if format == .imageJ, isLarge, !alwaysBigTIFF, planeBytes < 1 << 32 {
            layout = .oneDirectory(dataStart: (directoryBytes + 511) / 512 * 512)
        } else {
            layout = .planesFirst
        }
        let isBigTIFF = alwaysBigTIFF || isLarge && !layout.hasOneDirectory

        let client = TIFFClient(output)
        switch layout {
        case .alternating: break
        case .planesFirst:
            let headerBytes = isBigTIFF ? 16 : 8
            client.separate(voxelsFrom: headerBytes, directoriesFrom: headerBytes + dataBytes)
        case .oneDirectory(let dataStart): client.separate(voxelsFrom: dataStart, directoriesFrom: 8)
        }
        let log = UnsafeMutablePointer<gpudeconv_tiff_log>.allocate(capacity: 1)
        log.initialize(to: gpudeconv_tiff_log())
        let tiff = gpudeconv_tiff_open(
            "",
            isBigTIFF ? "w8m" : "w4m",
            Unmanaged.passUnretained(client).toOpaque(),
            { handle, buffer, count in
                guard let handle, let buffer, count > 0 else { return 0 }
                let target = UnsafeMutableRawBufferPointer(start: buffer, count: Int(count))
                return tmsize_t(Unmanaged<TIFFClient>.fromOpaque(handle).takeUnretainedValue().read(into: target))
            },
            { handle, buffer, count in
                guard let handle, let buffer, count > 0 else { return 0 }
                let source = UnsafeRawBufferPointer(start: buffer, count: Int(count))
                return tmsize_t(Unmanaged<TIFFClient>.fromOpaque(handle).takeUnretainedValue().write(source))
            },
            { handle, offset, whence in
                Unmanaged<TIFFClient>.fromOpaque(handle!).takeUnretainedValue().seek(offset, whence)
            },
            { handle in toff_t(Unmanaged<TIFFClient>.fromOpaque(handle!).takeUnretainedValue().end) },
            0,
            log
        )
        guard let tiff else {
            let words = String(cString: gpudeconv_tiff_error(log))
            log.deallocate()
            throw client.failure
                ?? DeconvolutionError(.inputOutput, "\(path.inMessage): libtiff cannot start the file: \(words)")
        }
        self.output = output
        self.client = client
        self.log = log
        self.tiff = tiff
        self.image = image
        self.pixelType = pixelType
        self.format = format
        self.compression = compression
        self.description = description
        self.metadata = metadata
        windows = ChannelWindows(image)
        self.rowsPerStrip = rowsPerStrip
        self.scratch = scratch
        self.planeCount = planeCount
        self.planeBytes = planeBytes
        self.layout = layout
        storage = VoxelStorage(pixelType)
    }

    deinit {
        if let tiff {
            // Closing would write the directory it was building; the file is going anyway.
            client.failure = client.failure ?? DeconvolutionError(.cancelled, "")
            TIFFClose(tiff)
        }
        log.deallocate()
    }

    package func append(_ plane: UnsafeBufferPointer<Float>) throws(DeconvolutionError) {
        precondition(plane.count == image.shape.planeVoxelCount, "a plane has \(image.shape.planeVoxelCount) voxels")
        precondition(planesWritten < planeCount, "all \(planeCount) planes have come")
        guard let tiff else { preconditionFailure("a sink that is finished or has failed takes no more planes") }
        if format == .imageJ { windows.add(plane) }
        if case .oneDirectory(let dataStart) = layout, planesWritten > 0 {
            try appendVoxels(plane, at: dataStart + planesWritten * planeBytes)
            planesWritten += 1
            return
        }
        setTags(tiff)
        var strip: UInt32 = 0
        client.isWritingVoxels = true
        try forEachStrip(of: plane) { (bytes) throws(DeconvolutionError) in
            guard TIFFWriteEncodedStrip(tiff, strip, bytes.baseAddress, tmsize_t(bytes.count)) == tmsize_t(bytes.count)
            else { throw failure() }
            strip += 1
        }
        client.isWritingVoxels = false
        guard TIFFWriteDirectory(tiff) == 1, client.failure == nil else { throw failure() }
        planesWritten += 1
    }

    /// Writes a plane that no directory knows of.
    private func appendVoxels(
        _ plane: UnsafeBufferPointer<Float>,
        at offset: Int
    ) throws(DeconvolutionError) {
        var offset = offset
        try forEachStrip(of: plane) { (bytes) throws(DeconvolutionError) in
            do throws(DeconvolutionError) {
                try output.write(UnsafeRawBufferPointer(bytes), at: offset)
            } catch {
                client.failure = error
                throw failure()
            }
            offset += bytes.count
        }
    }

    /// Gives the bytes of a plane, strip by strip, each valid for the call.
    private func forEachStrip(
        of plane: UnsafeBufferPointer<Float>,
        _ body: (UnsafeMutableRawBufferPointer) throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) {
        for row in stride(from: 0, to: image.shape.y, by: rowsPerStrip) {
            let rows = min(rowsPerStrip, image.shape.y - row)
            let voxels = UnsafeBufferPointer(
                rebasing: plane[row * image.shape.x..<(row + rows) * image.shape.x]
            )
            let bytes = UnsafeMutableRawBufferPointer(
                rebasing: scratch.bytes[..<(voxels.count * pixelType.byteCount)]
            )
            storage.convert(voxels, into: bytes)
            try body(bytes)
        }
    }

    package func finish() throws(DeconvolutionError) {
        precondition(planesWritten == planeCount, "\(planesWritten) of \(planeCount) planes have come")
        guard let tiff else { preconditionFailure("a sink is finished once") }
        TIFFClose(tiff)
        self.tiff = nil
        client.writeDirectories()
        if let failure = client.failure { throw failure }
        if format == .imageJ { try writeWindows() }
        try output.finish()
    }

    /// Readers built on libtiff 4.5 stop after 2^20 pages.
    private static let mostPlanes = 1 << 20

    private func failure() -> DeconvolutionError {
        let words = String(cString: gpudeconv_tiff_error(log))
        let error =
            client.failure
            ?? DeconvolutionError(
                .inputOutput,
                "\(output.path.inMessage): libtiff cannot write plane \(planesWritten + 1): \(words)"
            )
        client.failure = error
        if let tiff { TIFFClose(tiff) }
        tiff = nil
        output.discard()
        return error
    }

    private func setTags(_ tiff: OpaquePointer) {
        func set(_ tag: Int32, _ value: UInt16) { _ = gpudeconv_tiff_set_uint16(tiff, UInt32(tag), value) }
        func set(_ tag: Int32, long value: Int) { _ = gpudeconv_tiff_set_uint32(tiff, UInt32(tag), UInt32(value)) }
        set(TIFFTAG_SUBFILETYPE, long: 0)
        set(TIFFTAG_IMAGEWIDTH, long: image.shape.x)
        set(TIFFTAG_IMAGELENGTH, long: image.shape.y)
        set(TIFFTAG_BITSPERSAMPLE, UInt16(8 * pixelType.byteCount))
        set(TIFFTAG_SAMPLESPERPIXEL, 1)
        set(TIFFTAG_SAMPLEFORMAT, UInt16(pixelType == .float32 ? SAMPLEFORMAT_IEEEFP : SAMPLEFORMAT_UINT))
        set(TIFFTAG_PHOTOMETRIC, UInt16(PHOTOMETRIC_MINISBLACK))
        set(TIFFTAG_PLANARCONFIG, UInt16(PLANARCONFIG_CONTIG))
        set(TIFFTAG_ROWSPERSTRIP, long: rowsPerStrip)
        switch compression {
        case .none: set(TIFFTAG_COMPRESSION, UInt16(COMPRESSION_NONE))
        case .deflate: set(TIFFTAG_COMPRESSION, UInt16(COMPRESSION_ADOBE_DEFLATE))
        }
        let lengths = image.lengths.valid
        if let x = lengths.x, let y = lengths.y {
            // ImageJ counts pixels per unit of its description; everyone else per the tag's own unit.
            let unit = format == .imageJ ? RESUNIT_NONE : RESUNIT_CENTIMETER
            let length = format == .imageJ ? 1.0 : 1e4
            set(TIFFTAG_RESOLUTIONUNIT, UInt16(unit))
            _ = gpudeconv_tiff_set_double(tiff, UInt32(TIFFTAG_XRESOLUTION), length / x)
            _ = gpudeconv_tiff_set_double(tiff, UInt32(TIFFTAG_YRESOLUTION), length / y)
        }
        if planesWritten == 0 {
            _ = gpudeconv_tiff_set_string(tiff, UInt32(TIFFTAG_SOFTWARE), "gpudeconv \(ProgramVersion.text)")
            _ = gpudeconv_tiff_set_string(tiff, UInt32(TIFFTAG_IMAGEDESCRIPTION), description)
            if let metadata {
                _ = gpudeconv_tiff_set_imagej(
                    tiff,
                    metadata.lengths,
                    UInt32(metadata.lengths.count),
                    metadata.bytes,
                    UInt32(metadata.bytes.count)
                )
            }
        }
    }

    /// Fills in what ImageJ shows as black and white, known only now, where description and tags left room for it.
    private func writeWindows() throws(DeconvolutionError) {
        let windows = windows.ofChannels.map { $0.rounded(to: pixelType) }
        let file = try FileBytes(borrowing: output.descriptor, path: output.path)
        let header = try TIFFHeader(file)
        let directory = try TIFFDirectory(file, header, at: header.firstDirectory)
        let text = ImageJDescription.text(image, pixelType: pixelType, window: windows[0])
        precondition(text.utf8.count == description.utf8.count)
        try replace(Array(text.utf8), in: directory.location(.imageDescription, header), at: 0)
        guard let start = metadata?.rangesStart else { return }
        try replace(ImageJMetadata.Block.bytes(of: windows), in: directory.location(.imageJMetadata, header), at: start)
    }

    /// Writes over a part of the value of a tag.
    private func replace(
        _ bytes: [UInt8],
        in place: (offset: UInt64, count: UInt64)?,
        at start: Int
    ) throws(DeconvolutionError) {
        guard let place else { return }
        try bytes.withUnsafeBufferPointer { (buffer) throws(DeconvolutionError) in
            try output.write(UnsafeRawBufferPointer(buffer), at: Int(place.offset) + start)
        }
    }
}

/// What is to be shown black and white of each channel, found while planes come with the channel fastest, then z, then time.
///
/// A channel has one window for all its time points, so that their brightness can be compared: what the window of any of them shows.
private struct ChannelWindows {
    private let planeCount: Int
    private var searches: [DisplayWindowSearch]
    private var found: [DisplayWindow?]
    private var count = 0

    init(_ image: ImageDescription) {
        planeCount = image.shape.z
        let search = DisplayWindowSearch(planeVoxelCount: image.shape.planeVoxelCount)
        searches = [DisplayWindowSearch](repeating: search, count: image.channelCount)
        found = [DisplayWindow?](repeating: nil, count: image.channelCount)
    }

    /// Takes the next plane.
    mutating func add(_ plane: UnsafeBufferPointer<Float>) {
        let channel = count % searches.count
        searches[channel].add(plane)
        count += 1
        guard (count - 1) / searches.count % planeCount == planeCount - 1 else { return }
        if let window = searches[channel].takeWindow() {
            found[channel] = found[channel].map { $0.union(window) } ?? window
        }
    }

    /// One a channel; from 0 to 1 where no voxel is finite.
    var ofChannels: [DisplayWindow] { found.map { $0 ?? DisplayWindow(black: 0, white: 1) } }
}
