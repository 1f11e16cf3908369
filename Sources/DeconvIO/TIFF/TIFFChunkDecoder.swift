import CTIFF
import CTIFFShim
import DeconvVolume
import Foundation

/// libtiff, shown a file of one page, decoding its chunks.
///
/// Each decoder has its own handle on a header made for its page, so nothing is shared between threads and libtiff
/// never walks the chain of directories. libtiff keeps no state outside a handle once its codecs are registered,
/// which is why no lock is held.
final class TIFFChunkDecoder {
    private let page: TIFFPage
    private let file: FileBytes
    private let client: Client
    private let log: UnsafeMutablePointer<gpudeconv_tiff_log>
    private let tiff: OpaquePointer

    /// What libtiff reads: the file, with a header of our own in front.
    private final class Client {
        let file: FileBytes
        let header: [UInt8]
        var position: UInt64 = 0
        var failure: DeconvolutionError?

        init(_ file: FileBytes, header: [UInt8]) {
            self.file = file
            self.header = header
        }

        func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
            do {
                let count = try file.readUpTo(buffer, at: position)
                for index in 0..<count where position + UInt64(index) < UInt64(header.count) {
                    buffer[index] = header[Int(position) + index]
                }
                position += UInt64(count)
                return count
            } catch {
                failure = failure ?? error
                return -1
            }
        }

        func seek(_ offset: toff_t, _ whence: Int32) -> toff_t {
            switch whence {
            case SEEK_CUR: position = position &+ offset
            case SEEK_END: position = file.byteCount &+ offset
            default: position = offset
            }
            return position
        }
    }

    /// A decoder for the chunks of `page`.
    /// - Throws: `invalidData` with libtiff's own words where it does not accept the page.
    init(_ page: TIFFPage, _ file: FileBytes, _ header: TIFFHeader) throws(DeconvolutionError) {
        self.page = page
        self.file = file
        client = Client(file, header: header.bytes(firstDirectory: page.directoryOffset))
        log = .allocate(capacity: 1)
        log.initialize(to: gpudeconv_tiff_log())
        let largest = page.chunkByteCounts.max() ?? 0
        // Enough for a decoded chunk and its compressed bytes with what codecs add, and no more.
        let limit = (Int64(page.byteCount(ofChunk: 0)) + Int64(clamping: largest)) * 2 + (64 << 20)
        let handle = gpudeconv_tiff_open(
            "",
            "rOcm",
            Unmanaged.passUnretained(client).toOpaque(),
            { handle, buffer, count in
                guard let handle, let buffer, count > 0 else { return 0 }
                let target = UnsafeMutableRawBufferPointer(start: buffer, count: Int(count))
                return tmsize_t(Unmanaged<Client>.fromOpaque(handle).takeUnretainedValue().read(into: target))
            },
            { _, _, _ in -1 },
            { handle, offset, whence in
                Unmanaged<Client>.fromOpaque(handle!).takeUnretainedValue().seek(offset, whence)
            },
            { handle in Unmanaged<Client>.fromOpaque(handle!).takeUnretainedValue().file.byteCount },
            limit,
            log
        )
        guard let handle else {
            let words = String(cString: gpudeconv_tiff_error(log))
            log.deallocate()
            throw client.failure
                ?? file.invalid("libtiff cannot read its directory at byte \(page.directoryOffset): \(words)")
        }
        tiff = handle
    }

    deinit {
        TIFFClose(tiff)
        log.deallocate()
    }

    /// Decodes one chunk into `buffer`, which has its decoded size; numbers come in this machine's byte order.
    /// - Parameter place: "plane 3" or the like, for the message.
    /// - Throws: `invalidData` where any of it is missing or damaged.
    func decode(
        chunk index: Int,
        into buffer: UnsafeMutableRawBufferPointer,
        place: String
    ) throws(DeconvolutionError) {
        gpudeconv_tiff_log_clear(log)
        let count =
            page.isTiled
            ? TIFFReadEncodedTile(tiff, UInt32(index), buffer.baseAddress, tmsize_t(buffer.count))
            : TIFFReadEncodedStrip(tiff, UInt32(index), buffer.baseAddress, tmsize_t(buffer.count))
        if let failure = client.failure { throw failure }
        var problem = String(cString: gpudeconv_tiff_error(log))
        if problem.isEmpty, page.compression.warnsInsteadOfFailing {
            problem = String(cString: gpudeconv_tiff_warning(log))
        }
        guard count == tmsize_t(buffer.count), problem.isEmpty else {
            let chunk = page.isTiled ? "tile" : "strip"
            throw file.invalid(
                "\(chunk) \(index + 1) of \(place) (\(page.compression.name)) cannot be decoded: "
                    + "\(problem.isEmpty ? "data is missing" : problem); copy the file again from its source"
            )
        }
    }
}
