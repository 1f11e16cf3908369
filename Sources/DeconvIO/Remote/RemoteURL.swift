import DeconvVolume

/// The URL of a Zarr store, or of something in it.
package struct RemoteURL: Hashable, Sendable {
    /// How it is asked for.
    enum Scheme: String, CaseIterable, Sendable {
        case http, https
        /// A bucket, and a key in it.
        case s3
    }

    let scheme: Scheme
    /// The host with its port, or the bucket.
    let authority: String
    /// A name and a password for the server; never shown.
    let userInfo: String?
    /// The names between slashes: of `s3` as they are, else as they are sent.
    var names: [String]
    /// What stands behind the question mark, such as a signature; never shown.
    let query: String?

    /// Whether a text is one rather than a path.
    package static func isRemote(_ text: String) -> Bool {
        let start = text.prefix(8).lowercased()
        return Scheme.allCases.contains { start.hasPrefix("\($0.rawValue)://") }
    }

    /// A URL as a person writes it.
    /// - Throws: `invalidArgument` where it is none of a server's, or leads out of itself by `..`.
    init(_ text: String) throws(DeconvolutionError) {
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), maxSplits: 1).map { String(Substring($0)) }
        guard parts.count == 2, parts[1].hasPrefix("//"), let scheme = Scheme(rawValue: parts[0].lowercased()),
            !text.contains(where: { $0.isWhitespace && scheme != .s3 || $0.isNewline })
        else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(text.shortened): is no URL of a store; give one such as https://HOST/NAME.zarr or s3://BUCKET/NAME.zarr"
            )
        }
        self.scheme = scheme
        var rest = String(parts[1].dropFirst(2))
        var query: String?
        if scheme != .s3 {
            // What stands behind # is for readers of pages.
            rest =
                rest.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).first.map(String.init) ?? ""
            let halves = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            (rest, query) = (halves[0], halves.count > 1 && !halves[1].isEmpty ? halves[1] : nil)
        }
        self.query = query
        var names = rest.betweenSlashes
        var authority = names.removeFirst()
        if let at = authority.lastIndex(of: "@"), scheme != .s3 {
            userInfo = String(authority[..<at])
            authority = String(authority[authority.index(after: at)...])
        } else {
            userInfo = nil
        }
        self.authority = authority
        self.names = names.filter { !$0.isEmpty }
        guard !authority.isEmpty, !names.contains(where: { [".", ".."].contains($0) }) else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(text.shortened): names no \(scheme == .s3 ? "bucket" : "host"), or has . or .. in it; give the whole URL"
            )
        }
    }

    /// As messages show it: without passwords and signatures.
    var shown: String { "\(scheme.rawValue)://\(([authority] + names).joined(separator: "/"))" }

    /// That of a file below.
    /// - Parameter key: names with slashes between them, as they are.
    func file(_ key: String) -> RemoteURL {
        var url = self
        let more = key.betweenSlashes.filter { !$0.isEmpty }
        url.names += scheme == .s3 ? more : more.map(Self.encoded)
        return url
    }

    /// That of what it lies in, or nil where it is all of a server or bucket.
    var parent: RemoteURL? {
        guard !names.isEmpty else { return nil }
        var url = self
        url.names.removeLast()
        return url
    }

    /// A name as it stands in a URL (RFC 3986, section 2.3: what is not reserved stays).
    static func encoded(_ name: String) -> String {
        name.utf8.reduce(into: "") { text, byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                text += byte < 16 ? "%0\(digits)" : "%\(digits)"
            }
        }
    }
}
