import DeconvVolume

/// The axes of a TIFF file as a person says that they are: `zyx`, `czyx`, or with sizes `t3z5c2yx`.
///
/// Letters stand in the order in which pages follow each other, the slowest first.
struct StatedAxes: Equatable {
    /// What was written.
    let text: String
    /// The letters before y and x, and the size where one stands behind a letter.
    let leading: [(letter: Character, size: Int?)]

    static func == (first: StatedAxes, second: StatedAxes) -> Bool { first.text == second.text }

    /// Axes from their text.
    /// - Throws: `invalidArgument` where it is none.
    init(_ text: String) throws(DeconvolutionError) {
        var axes: [(letter: Character, size: Int?)] = []
        var isRight = true
        for character in text.lowercased() {
            if character.isASCII, let digit = character.wholeNumberValue, !axes.isEmpty {
                let (size, overflow) = (axes[axes.count - 1].size ?? 0).multipliedReportingOverflow(by: 10)
                if overflow || size > Int(Int32.max) {
                    isRight = false
                } else {
                    axes[axes.count - 1].size = size + digit
                }
            } else if "tczyx".contains(character), !axes.contains(where: { $0.letter == character }) {
                axes.append((character, nil))
            } else {
                isRight = false
            }
        }
        guard isRight, axes.suffix(2).map(\.letter) == ["y", "x"], axes.suffix(2).allSatisfy({ $0.size == nil }),
            axes.allSatisfy({ $0.size != 0 })
        else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.axes, text.shortened): the pages of a TIFF file are y and x; give what they are counted by before "
                    + "these, each of t, c and z once and the slowest first, as in zyx, tzcyx or t3z5c2yx"
            )
        }
        self.text = text
        leading = Array(axes.dropLast(2))
    }

    /// How many there are of each leading axis.
    ///
    /// Sizes that the file says are taken in their order where as many axes are longer than 1, else by their letters.
    /// - Parameters:
    ///   - stored: sizes of the file, slowest first.
    ///   - hasLetters: whether the file says which axes these are of.
    ///   - pageCount: the product that they must have.
    ///   - name: the file, for messages.
    /// - Throws: `invalidArgument` where they are not known, or do not go with the pages.
    func sizes(
        stored: [(letter: Character, size: Int)],
        hasLetters: Bool,
        pageCount: Int,
        name: String
    ) throws(DeconvolutionError) -> [Int] {
        func mismatch(_ problem: String) -> DeconvolutionError {
            DeconvolutionError(.invalidArgument, "\(.axes, text.shortened): \(name.inMessage) \(problem)")
        }
        let unknown = leading.filter { $0.size == nil }.count
        let known = leading.compactMap(\.size)
        let longer = stored.filter { $0.size > 1 }
        if known.isEmpty, leading.count > 1, Int.product(longer.map(\.size)) == pageCount {
            if longer.count == leading.count { return longer.map(\.size) }
            let ofLetters = leading.map { axis in longer.first { $0.letter == axis.letter }?.size ?? 1 }
            if hasLetters, Int.product(ofLetters) == pageCount { return ofLetters }
        }
        guard let product = Int.product(known), product >= 1, pageCount % product == 0, unknown <= 1,
            unknown == 1 || product == pageCount
        else {
            if unknown > 1 {
                throw mismatch(
                    "has \(pageCount) pages and does not say how many of them each axis has; add the sizes, as in "
                        + leading.enumerated().map { "\($1.letter)\($0 + 2)" }.joined() + "yx"
                )
            }
            let sizes = leading.map { "\($0.letter)\($0.size.map(String.init) ?? "")" }.joined(separator: ", ")
            throw mismatch("has \(pageCount) pages, which is not the product of \(sizes.isEmpty ? "nothing" : sizes)")
        }
        return leading.map { $0.size ?? pageCount / product }
    }
}
