import DeconvVolume
import Foundation

/// What a server said to one request.
struct RemoteAnswer: Sendable {
    /// What of a file is wanted.
    enum Want: Hashable, Sendable {
        /// Only what is known of it.
        case nothing
        /// All of it, if it is not larger.
        case whole(atMost: Int)
        /// Its bytes in that range.
        case range(Range<UInt64>)
        /// As many bytes at its end, or all of it.
        case tail(Int)
    }

    /// The number of HTTP.
    var status = 0
    /// Lowercased names and the values of what stood above the body.
    var fields: [String: String] = [:]
    /// The body, or what came of it.
    var body: BufferedBytes?

    /// Length of the whole file, where it was said.
    var byteCount: UInt64? {
        if let range = fields["content-range"] {
            return range.split(separator: "/").last.flatMap { UInt64($0.trimmingCharacters(in: .whitespaces)) }
        }
        return status == 200 ? fields["content-length"].flatMap { UInt64($0) } : nil
    }

    /// The first byte of the body in the file.
    var start: UInt64 {
        guard status == 206,
            let range = fields["content-range"]?.split(separator: " ").last?.split(separator: "-").first
        else { return 0 }
        return UInt64(range) ?? 0
    }

    /// What changes with the file: the tag of this version, or when it was written; with its length.
    var version: String? {
        guard let tag = fields["etag"] ?? fields["last-modified"] else { return byteCount.map { "\($0) bytes" } }
        return byteCount.map { "\(tag), \($0) bytes" } ?? tag
    }
}

/// Takes what comes from a server while it comes. Unchecked: one transfer has it at a time.
final class RemoteReceiver: @unchecked Sendable {
    private(set) var answer = RemoteAnswer()
    /// Why we ended the transfer.
    private(set) var failure: DeconvolutionError?
    /// What a server says of an error.
    private var words: [UInt8] = []
    private var buffer: ByteBuffer?
    private var count = 0
    private let path: String
    private let most: Int
    private let stallSeconds: Int
    /// What had come when something came last, and when that was.
    private var last = (byteCount: 0, time: ContinuousClock.now)

    /// - Parameters:
    ///   - path: what messages call the file.
    ///   - most: the most bytes that are taken.
    ///   - stallSeconds: after so long without a byte it waits no more.
    init(path: String, atMost most: Int, stallSeconds: Int) {
        self.path = path
        self.most = most
        self.stallSeconds = stallSeconds
    }

    /// Whether nothing has come for too long. libcurl's own limit is one of speed, and takes the mean of some seconds.
    /// - Parameter byteCount: how many bytes have come.
    func isWaitingInVain(_ byteCount: Int) -> Bool {
        let now = ContinuousClock.now
        guard byteCount == last.byteCount else {
            last = (byteCount, now)
            return false
        }
        return last.time.duration(to: now) >= .seconds(stallSeconds)
    }

    /// How many bytes of the body have come.
    var byteCount: Int { count }

    /// Takes a line of the header.
    func take(header line: UnsafeRawBufferPointer) {
        let text = String(decoding: line, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        if text.hasPrefix("HTTP/") {
            // That of where a redirection leads replaces what was before.
            answer = RemoteAnswer(status: text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0)
            (buffer, count, words) = (nil, 0, [])
        } else if let colon = text.firstIndex(of: ":") {
            let value = text[text.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            answer.fields[text[..<colon].lowercased()] = value
        }
    }

    /// Takes some of the body, and gives whether more may come.
    func take(body bytes: UnsafeRawBufferPointer) -> Bool {
        guard answer.status == 200 || answer.status == 206 else {
            words += bytes.prefix(max(0, 4096 - words.count))
            return true
        }
        do throws(DeconvolutionError) {
            let announced = answer.fields["content-length"].flatMap { Int($0) } ?? 0
            guard max(announced, count + bytes.count) <= most else {
                throw DeconvolutionError(
                    .invalidData,
                    "\(path.inMessage): has \(max(announced, count + bytes.count)) bytes where at most \(most) make sense; check "
                        + "the URL"
                )
            }
            try makeRoom(max(announced, count + bytes.count))
        } catch {
            failure = error
            return false
        }
        UnsafeMutableRawBufferPointer(rebasing: buffer!.bytes[count..<count + bytes.count]).copyMemory(from: bytes)
        count += bytes.count
        return true
    }

    private func makeRoom(_ wanted: Int) throws(DeconvolutionError) {
        let there = buffer?.bytes.count ?? 0
        guard wanted > there else { return }
        let larger = try ByteBuffer(byteCount: max(wanted, min(most, 2 * there)), for: path)
        if let buffer { larger.bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer.bytes[..<count])) }
        buffer = larger
    }

    /// All that came, once it is done.
    func finished() throws(DeconvolutionError) -> RemoteAnswer {
        let bytes: ByteBuffer
        if let buffer { bytes = buffer } else { bytes = try ByteBuffer(byteCount: 0, for: path) }
        answer.body = BufferedBytes(path: path, buffer: bytes, range: 0..<count)
        return answer
    }

    /// The word by which S3 calls an error, such as `AccessDenied`; nil for other servers.
    var errorName: String? {
        let text = String(decoding: words, as: UTF8.self)
        guard let start = text.range(of: "<Code>")?.upperBound,
            let end = text.range(of: "</Code>", range: start..<text.endIndex)?.lowerBound
        else { return nil }
        return String(text[start..<end]).shortened
    }
}
