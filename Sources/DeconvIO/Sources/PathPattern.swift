package import DeconvVolume
import Foundation

/// Names of files with `*`, `?` and `[...]` in them, as a shell would expand them.
package enum PathPattern {
    /// The paths that a text stands for, in natural order.
    ///
    /// A file of exactly that name comes before what the text would mean as a pattern. A text that is no pattern stands for
    /// itself, whether or not there is such a file.
    /// - Throws: `inputNotFound` where a pattern matches nothing.
    package static func expand(_ text: String) throws(DeconvolutionError) -> [String] {
        guard isPattern(text) else { return [text] }
        var matches = glob_t()
        defer { globfree(&matches) }
        switch glob(text, GLOB_NOSORT, nil, &matches) {
        case 0: break
        case GLOB_NOMATCH:
            throw DeconvolutionError(.inputNotFound, "\(text.inMessage): no file matches; check the pattern")
        case GLOB_NOSPACE:
            throw DeconvolutionError(.outOfMemory, "\(text.inMessage): matches more files than memory has names for")
        default:
            throw DeconvolutionError(
                .inputNotFound,
                "\(text.inMessage): a folder in it cannot be read; check its permissions"
            )
        }
        let paths = (0..<Int(matches.gl_pathc)).compactMap { matches.gl_pathv[$0].map { String(cString: $0) } }
        return paths.sorted(by: NaturalOrder.precedes)
    }

    /// Whether a text has characters of a pattern, and is neither the name of a file nor a URL.
    package static func isPattern(_ text: String) -> Bool {
        var status = stat()
        if RemoteURL.isRemote(text) { return false }
        return text.contains { "*?[".contains($0) } && lstat(text, &status) != 0
    }
}
