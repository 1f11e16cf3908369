import DeconvVolume
import Foundation

/// Where the buckets of `s3://` are, and who asks for what is in them: what the variables say that all tools for S3 heed.
struct RemoteAccount: Hashable, Sendable {
    /// A key with its secret.
    struct Credentials: Hashable, Sendable {
        var key: String
        var secret: String
        /// Of credentials that last for a while.
        var token: String?
    }

    /// Nil asks as nobody.
    var credentials: Credentials?
    /// The region that requests are signed for.
    var region: String?
    /// Another server than Amazon's; nil for that.
    var endpoint: String?

    /// What the variables of this process say.
    /// - Throws: `invalidArgument` where there is half of a pair of credentials.
    init(_ environment: [String: String] = ProcessInfo.processInfo.environment) throws(DeconvolutionError) {
        func value(_ names: String...) -> String? {
            names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
        }
        let (key, secret) = (value("AWS_ACCESS_KEY_ID"), value("AWS_SECRET_ACCESS_KEY"))
        guard (key == nil) == (secret == nil) else {
            let missing = key == nil ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY"
            throw DeconvolutionError(
                .invalidArgument,
                "\(missing) is not set, and its other half is; set both, or none for what everybody may read"
            )
        }
        if let key, let secret {
            credentials = Credentials(key: key, secret: secret, token: value("AWS_SESSION_TOKEN"))
        }
        region = value("AWS_REGION", "AWS_DEFAULT_REGION")
        endpoint = value("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
    }

    /// The region in the words of a signature.
    var signedRegion: String { region ?? "us-east-1" }

    /// The URL that is asked for.
    func url(of url: RemoteURL) -> String {
        switch url.scheme {
        case .http, .https:
            let user = url.userInfo.map { "\($0)@" } ?? ""
            let path = url.names.map { "/\($0)" }.joined()
            return "\(url.scheme.rawValue)://\(user)\(url.authority)\(path.isEmpty ? "/" : path)"
                + (url.query.map { "?\($0)" } ?? "")
        case .s3:
            let path = url.names.map { "/\(RemoteURL.encoded($0))" }.joined()
            if let endpoint { return "\(endpoint.withoutTrailingSlashes)/\(RemoteURL.encoded(url.authority))\(path)" }
            let server = region.map { "s3.\($0).amazonaws.com" } ?? "s3.amazonaws.com"
            // The certificate of Amazon's server is for names without further dots.
            return url.authority.contains(".")
                ? "https://\(server)/\(url.authority)\(path)" : "https://\(url.authority).\(server)\(path)"
        }
    }
}
