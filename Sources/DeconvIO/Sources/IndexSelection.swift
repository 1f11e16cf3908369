package import DeconvVolume

/// Which channels or time points a person wants: `3`, `-1`, `0:10`, `0:10:2`, `5:`, `:`, or several of these with commas.
///
/// Ranges mean what Python's slices mean: the end is not in it, negative numbers count from the end, and a range may reach
/// beyond what there is. A single number may not.
package struct IndexSelection: Hashable, Sendable {
    private enum Part: Hashable {
        case index(Int)
        case slice(start: Int?, end: Int?, step: Int)
    }

    /// What was written.
    package let text: String
    /// The option that it was given by, for messages.
    package let option: OptionName
    private let parts: [Part]

    /// A selection from its text.
    /// - Parameter option: what it was given by.
    /// - Throws: `invalidArgument` where it is none.
    package init(_ text: String, option: OptionName) throws(DeconvolutionError) {
        var parts: [Part] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let part = Self.part(part) else {
                throw DeconvolutionError(
                    .invalidArgument,
                    "\(option, text.shortened): give numbers or ranges, such as 3, 0:10, 0:10:2, -1 or 0,2,5"
                )
            }
            parts.append(part)
        }
        self.text = text
        self.option = option
        self.parts = parts
    }

    private static func part(_ text: Substring) -> Part? {
        let words = text.split(separator: ":", omittingEmptySubsequences: false).map { String($0).trimmed }
        if words.count == 1 { return Int(words[0]).map { .index($0) } }
        guard words.count <= 3 else { return nil }
        var numbers: [Int?] = []
        for word in words {
            if word.isEmpty {
                numbers.append(nil)
            } else {
                guard let number = Int(word) else { return nil }
                numbers.append(number)
            }
        }
        let step = numbers.count == 3 ? numbers[2] ?? 1 : 1
        return step == 0 || step == .min ? nil : .slice(start: numbers[0], end: numbers[1], step: step)
    }

    /// The numbers that are meant where there are `count`, in the order in which they were asked for.
    /// - Parameter what: what there are, such as `time points`.
    /// - Throws: `invalidArgument` naming option, text and count where one is not there, none is left, or one comes twice.
    package func indices(of count: Int, _ what: String) throws(DeconvolutionError) -> [Int] {
        func invalid(_ problem: String) -> DeconvolutionError {
            DeconvolutionError(
                .invalidArgument,
                "\(option, text.shortened): \(problem): the \(what) are 0 to \(count - 1), \(count) in all"
            )
        }
        var indices: [Int] = []
        for part in parts {
            switch part {
            case .index(let index):
                guard (-count..<count).contains(index) else { throw invalid("there is no \(index)") }
                indices.append(index < 0 ? index + count : index)
            case .slice(let start, let end, let step):
                indices += Self.slice(start, end, step, of: count)
            }
        }
        guard !indices.isEmpty else { throw invalid("selects nothing") }
        var seen: Set<Int> = []
        for index in indices where !seen.insert(index).inserted { throw invalid("selects \(index) twice") }
        return indices
    }

    /// Python's `range(*slice(start, end, step).indices(count))`.
    private static func slice(_ start: Int?, _ end: Int?, _ step: Int, of count: Int) -> [Int] {
        let (lowest, highest) = step > 0 ? (0, count) : (-1, count - 1)
        func limit(_ value: Int) -> Int {
            min(max(value < 0 ? value + count : value, lowest), highest)
        }
        let first = start.map(limit) ?? (step > 0 ? lowest : highest)
        let last = end.map(limit) ?? (step > 0 ? highest : lowest)
        // No longer step than there are numbers selects anything else.
        return Array(stride(from: first, to: last, by: min(max(step, -count), count)))
    }
}
