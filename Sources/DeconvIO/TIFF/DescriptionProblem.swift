/// Why a description in a file cannot be used; becomes a `DeconvolutionError` with the file's name in front.
struct DescriptionProblem: Error, Equatable {
    /// What is wrong and what to do, without the file's name.
    let message: String

    init(_ message: String) { self.message = message }
}
