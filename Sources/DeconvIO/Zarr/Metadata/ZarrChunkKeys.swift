/// How the index of a chunk becomes the name of its file.
package enum ZarrChunkKeys: Hashable, Sendable {
    /// `c/1/2/3`: what version 3 does.
    case standard(separator: Separator)
    /// `1.2.3` or `1/2/3`: what version 2 does, and version 3 may.
    case version2(separator: Separator)

    /// What is between the numbers.
    package enum Separator: String, CaseIterable, Sendable {
        case dot = "."
        case slash = "/"
    }

    /// What is between the numbers.
    package var separator: Separator {
        switch self {
        case .standard(let separator), .version2(let separator): separator
        }
    }

    /// The name of a chunk's file inside of the array's folder.
    func key(_ index: [Int]) -> String {
        let numbers = index.map(String.init)
        return switch self {
        case .standard(let separator): (["c"] + numbers).joined(separator: separator.rawValue)
        case .version2(let separator): index.isEmpty ? "0" : numbers.joined(separator: separator.rawValue)
        }
    }
}
