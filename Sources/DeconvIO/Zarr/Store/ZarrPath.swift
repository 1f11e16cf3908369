package import DeconvVolume

/// Where a group or array is inside of a store: names from the root on.
package struct ZarrPath: Hashable, Sendable {
    /// The names; none for the root.
    package let names: [String]

    /// The root of a store.
    package static let root = ZarrPath(names: [])

    private init(names: [String]) { self.names = names }

    /// A path such as `raw` or `/plate/A/1/0`; empty names are left out.
    /// - Throws: `invalidArgument` where a name leads out of the store (`..`) or is one of the format's own.
    package init(_ text: String) throws(DeconvolutionError) {
        names = text.betweenSlashes.filter { !$0.isEmpty }
        for name in names
        where name == "." || name == ".." || name.utf8.contains(0) || ZarrMetadataFile.all.contains(name) {
            throw DeconvolutionError(
                .invalidArgument,
                "\(text.inMessage): \(name.inMessage) is no name of a Zarr array or group; give a path inside the store, "
                    + "such as raw"
            )
        }
    }

    /// The names with slashes between them; empty for the root.
    package var text: String { names.joined(separator: "/") }

    /// The key of a file in this folder.
    func key(_ name: String) -> String { (names + [name]).joined(separator: "/") }

    /// The groups above, the root first.
    var ancestors: [ZarrPath] { names.indices.map { ZarrPath(names: Array(names[..<$0])) } }

    /// The path from a group above, or nil where it is not above.
    func relative(to ancestor: ZarrPath) -> String? {
        guard names.starts(with: ancestor.names) else { return nil }
        return names.dropFirst(ancestor.names.count).joined(separator: "/")
    }
}

extension ZarrPath: CustomStringConvertible {
    /// As a person would write it.
    package var description: String { names.isEmpty ? "/" : text }
}

// Swift compares and cuts texts by what a reader sees: a slash with a combining accent behind it is no slash, and two ways to
// write an accented letter are one. The system compares bytes, so paths and keys are taken apart by bytes.
extension String {
    /// The names between slashes, empty ones as well.
    var betweenSlashes: [String] {
        utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map { String(Substring($0)) }
    }

    /// Where the last slash is.
    var lastSlash: String.Index? { utf8.lastIndex(of: UInt8(ascii: "/")) }

    /// As it is, but for slashes at the end; the root of all keeps its own.
    var withoutTrailingSlashes: String {
        var text = self
        while text.count > 1, text.hasSuffix("/") { text.removeLast() }
        return text
    }

    /// Whether a path or key, without links and dots, is a folder's or leads into it.
    func liesIn(_ folder: String) -> Bool {
        utf8.elementsEqual(folder.utf8) || utf8.starts(with: folder == "/" ? folder.utf8 : "\(folder)/".utf8)
    }
}
