import DeconvVolume

extension DeconvolutionError {
    /// The error with what is left of the run and how to go on.
    func withRemainder(_ path: String, _ held: Int, of count: Int) -> DeconvolutionError {
        let remainder = "\(path) has \(held) of \(count) volumes, and the same command goes on with it"
        return DeconvolutionError(
            code,
            code == .cancelled ? "interrupted; \(remainder)" : "\(line); \(remainder)",
            cause: cause
        )
    }
}
