import CCurl
import DeconvVolume
import Foundation
import Synchronization

/// Asks servers for files: again where that may help, and on connections that stay open.
///
/// Any number of threads may ask at once; each call blocks until it is done.
final class RemoteClient: Sendable {
    /// How long it waits for what.
    struct Patience: Hashable, Sendable {
        /// How often a request is made at most.
        var attempts = 5
        /// Seconds before the second time; each further one waits twice as long.
        var firstDelay = 0.25
        /// Seconds without a byte after which a request is made again.
        var stallSeconds = 15

        /// What is usual, with the seconds of `GPUDECONV_NETWORK_TIMEOUT`.
        static var standard: Patience {
            var patience = Patience()
            let text = ProcessInfo.processInfo.environment[variable]
            if let seconds = text.flatMap({ Int($0) }), seconds > 0 { patience.stallSeconds = min(seconds, 86_400) }
            return patience
        }

        /// The variable that says how long a server may be silent.
        static let variable = "GPUDECONV_NETWORK_TIMEOUT"
    }

    private let patience: Patience
    private let account: RemoteAccount
    private let idle = Mutex<[RemoteHandle]>([])

    /// - Throws: `inputNotFound` where there is no libcurl, `invalidArgument` where variables contradict each other.
    init(
        for url: RemoteURL,
        account: RemoteAccount? = nil,
        patience: Patience = .standard
    ) throws(DeconvolutionError) {
        try RemoteLibrary.require(for: url.shown)
        self.patience = patience
        if let account { self.account = account } else { self.account = try RemoteAccount() }
        guard url.scheme != .s3 || self.account.credentials == nil || RemoteLibrary.signs else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(url.shown.inMessage): this system's libcurl does not sign for S3, which 7.88 does; install a later one, or unset "
                    + "AWS_ACCESS_KEY_ID for what everybody may read"
            )
        }
    }

    /// What a server has at a URL, or nil where there is nothing.
    /// - Throws: `inputNotFound` where it may not be read, `inputOutput` where the server fails again and again, `invalidData` where
    ///   it has more than is wanted.
    func ask(_ url: RemoteURL, for want: RemoteAnswer.Want) throws(DeconvolutionError) -> RemoteAnswer? {
        var delay = patience.firstDelay
        var attempt = 1
        while true {
            switch try attemptOnce(url, want) {
            case .answer(let answer): return answer
            case .failure(let problem, let remedy, let wait):
                guard attempt < patience.attempts else {
                    throw DeconvolutionError(
                        .inputOutput,
                        "\(url.shown.inMessage): \(problem), \(attempt) times; \(remedy)"
                    )
                }
                // Requests of several threads that failed at once do not come again at once.
                usleep(UInt32(1e6 * max(delay * Double.random(in: 0.5...1), min(wait, Self.longestWait))))
                delay *= 2
                attempt += 1
            }
        }
    }

    /// Seconds that a server may ask us to wait.
    private static let longestWait = 20.0

    /// How a request ended.
    private enum Outcome {
        case answer(RemoteAnswer?)
        case failure(problem: String, remedy: String, wait: Double)
    }

    private static let later = "try again later, or copy the store to a disk"

    // MARK: - One request

    private func attemptOnce(_ url: RemoteURL, _ want: RemoteAnswer.Want) throws(DeconvolutionError) -> Outcome {
        guard let handle = idle.withLock({ $0.popLast() }) ?? RemoteHandle() else {
            throw DeconvolutionError(
                .outOfMemory,
                "\(url.shown.inMessage): no memory for libcurl; close other programs"
            )
        }
        defer { idle.withLock { $0.append(handle) } }
        // Keeps its connection.
        gpudeconv_curl_reset(handle.pointer)
        let headers = prepare(handle, url, want)
        defer { gpudeconv_curl_free(headers) }
        let receiver = RemoteReceiver(
            path: url.shown,
            atMost: want.mostBytes,
            stallSeconds: patience.stallSeconds
        )
        let code = withExtendedLifetime(receiver) {
            _ = gpudeconv_curl_set_receiver(
                handle.pointer,
                { bytes, size, count, receiver in
                    let taker = Unmanaged<RemoteReceiver>.fromOpaque(receiver!).takeUnretainedValue()
                    return taker.take(body: UnsafeRawBufferPointer(start: bytes, count: size * count))
                        ? size * count : 0
                },
                { bytes, size, count, receiver in
                    let taker = Unmanaged<RemoteReceiver>.fromOpaque(receiver!).takeUnretainedValue()
                    taker.take(header: UnsafeRawBufferPointer(start: bytes, count: size * count))
                    return size * count
                },
                { receiver, _, taken, _, _ in
                    let taker = Unmanaged<RemoteReceiver>.fromOpaque(receiver!).takeUnretainedValue()
                    return taker.isWaitingInVain(Int(taken)) ? 1 : 0
                },
                Unmanaged.passUnretained(receiver).toOpaque()
            )
            return gpudeconv_curl_perform(handle.pointer)
        }
        if let failure = receiver.failure { throw failure }
        guard code == CURLE_OK else { return try failed(code, url, receiver) }
        return try judged(receiver, url, want)
    }

    private static let emptySum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    /// Sets what a request needs, and gives the list of its header's lines.
    private func prepare(
        _ handle: RemoteHandle,
        _ url: RemoteURL,
        _ want: RemoteAnswer.Want
    ) -> UnsafeMutablePointer<curl_slist>? {
        handle.set(CURLOPT_URL, account.url(of: url))
        handle.set(CURLOPT_NOSIGNAL, 1)
        handle.set(CURLOPT_USERAGENT, "gpudeconv/\(ProgramVersion.text)")
        handle.set(CURLOPT_FOLLOWLOCATION, 1)
        handle.set(CURLOPT_MAXREDIRS, 5)
        if RemoteLibrary.namesProtocols { handle.set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https") }
        handle.set(CURLOPT_CONNECTTIMEOUT, patience.stallSeconds)
        handle.set(CURLOPT_TCP_KEEPALIVE, 1)
        // As the program curl does.
        let environment = ProcessInfo.processInfo.environment
        if let file = environment["CURL_CA_BUNDLE"] ?? environment["SSL_CERT_FILE"], !file.isEmpty {
            handle.set(CURLOPT_CAINFO, file)
        }
        switch want {
        case .nothing: handle.set(CURLOPT_NOBODY, 1)
        case .whole: break
        case .range(let range): handle.set(CURLOPT_RANGE, "\(range.lowerBound)-\(range.upperBound - 1)")
        case .tail(let count): handle.set(CURLOPT_RANGE, "-\(count)")
        }
        guard url.scheme == .s3, let credentials = account.credentials else { return nil }
        handle.set(CURLOPT_AWS_SIGV4, "aws:amz:\(account.signedRegion):s3")
        handle.set(CURLOPT_USERPWD, "\(credentials.key):\(credentials.secret)")
        // The SHA-256 of nothing, which S3 wants to be told and libcurl signs once it is.
        var headers = gpudeconv_curl_append(nil, "x-amz-content-sha256: \(Self.emptySum)")
        if let token = credentials.token {
            headers = gpudeconv_curl_append(headers, "x-amz-security-token: \(token)")
        }
        _ = gpudeconv_curl_set_headers(handle.pointer, headers)
        return headers
    }

    /// What to do where there was no whole answer.
    private func failed(
        _ code: CURLcode,
        _ url: RemoteURL,
        _ receiver: RemoteReceiver
    ) throws(DeconvolutionError) -> Outcome {
        let words = String(cString: gpudeconv_curl_error(code))
        func again(_ problem: String, _ remedy: String = "check the network, or copy the store to a disk") -> Outcome {
            .failure(problem: problem, remedy: remedy, wait: 0)
        }
        switch code {
        case CURLE_OPERATION_TIMEDOUT, CURLE_ABORTED_BY_CALLBACK:
            return again(
                "the server was silent for \(patience.stallSeconds) s",
                "check the network, or set \(Patience.variable) to more seconds"
            )
        case CURLE_PARTIAL_FILE:
            let whole = receiver.answer.fields["content-length"].map { " of \($0)" } ?? ""
            return again("what the server sent was cut off after \(receiver.byteCount)\(whole) bytes", Self.later)
        case CURLE_COULDNT_RESOLVE_HOST: return again("there is no such host, or no network", "check the URL")
        case CURLE_COULDNT_CONNECT: return again("the server cannot be reached", "check the URL and the network")
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE:
            throw DeconvolutionError(
                .inputOutput,
                "\(url.shown.inMessage): the server's certificate is not trusted (\(words)); install the package ca-certificates, "
                    + "or name a file with the certificate in SSL_CERT_FILE"
            )
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL:
            throw DeconvolutionError(
                .invalidArgument,
                "\(url.shown.inMessage): is no URL that libcurl reads (\(words)); check it, and AWS_ENDPOINT_URL"
            )
        case CURLE_TOO_MANY_REDIRECTS:
            throw DeconvolutionError(.inputOutput, "\(url.shown.inMessage): leads in a circle; check the URL")
        default: return again("reading failed (\(words))")
        }
    }

    /// What a whole answer means.
    private func judged(
        _ receiver: RemoteReceiver,
        _ url: RemoteURL,
        _ want: RemoteAnswer.Want
    ) throws(DeconvolutionError) -> Outcome {
        let status = receiver.answer.status
        let name = receiver.errorName
        let said = "the server answered \(status)" + (name.map { " (\($0))" } ?? "")
        switch status {
        case 200: return .answer(try receiver.finished())
        case 206:
            let answer = try receiver.finished()
            let count = receiver.byteCount
            var isWanted = true
            if case .range(let range) = want {
                let end = min(range.upperBound, answer.byteCount ?? range.upperBound)
                isWanted = answer.start == range.lowerBound && range.lowerBound + UInt64(count) == end
            } else if case .tail = want, let whole = answer.byteCount {
                isWanted = answer.start + UInt64(count) == whole
            }
            guard isWanted else {
                return .failure(
                    problem: "the server sent \(count) bytes of another part than asked for",
                    remedy: Self.later,
                    wait: 0
                )
            }
            return .answer(answer)
        case 404 where name == "NoSuchBucket":
            throw DeconvolutionError(
                .inputNotFound,
                "\(url.shown.inMessage): there is no bucket of that name; check it, and AWS_ENDPOINT_URL"
            )
        case 404, 410: return .answer(nil)
        // Of a file without bytes there is no range.
        case 416: return .answer(try receiver.finished())
        case 401, 403: throw DeconvolutionError(.inputNotFound, "\(url.shown.inMessage): \(said); \(deniedRemedy(url))")
        case 408, 425, 429, 500, 502, 503, 504:
            let wait = receiver.answer.fields["retry-after"].flatMap { Double($0) } ?? 0
            return .failure(problem: said, remedy: Self.later, wait: max(0, wait))
        default:
            let region = receiver.answer.fields["x-amz-bucket-region"]
            let remedy =
                if let region, region != account.region {
                    "the bucket is in the region \(region): set AWS_REGION=\(region)"
                } else {
                    "check the URL" + (url.scheme == .s3 ? ", the credentials and the clock" : "")
                }
            throw DeconvolutionError(.inputOutput, "\(url.shown.inMessage): \(said); \(remedy)")
        }
    }

    /// What to do where something may not be read.
    private func deniedRemedy(_ url: RemoteURL) -> String {
        guard url.scheme == .s3 else { return "check the URL, and whether it may be read without logging in" }
        let first =
            account.credentials == nil
            ? "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            : "the credentials in AWS_ACCESS_KEY_ID may not read it: unset them for what everybody may read"
        return
            "\(first); where s3:ListBucket is not allowed, S3 says the same of what is not there, so allow that as well"
    }
}

extension RemoteAnswer.Want {
    /// The most bytes that an answer may have: of a server that knows no ranges, the whole file.
    fileprivate var mostBytes: Int {
        switch self {
        case .nothing: 0
        case .whole(let most): most
        case .range, .tail: ZarrCodecPipeline.largestChunkByteCount
        }
    }
}
