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
        names = text.split(separator: "/").map(String.init)
        for name in names
        where name == "." || name == ".." || name.contains("\0") || ZarrMetadataFile.all.contains(name) {
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
