import GPUDeconv

/// Runs the body of a command: an error becomes one line on standard error and the exit code that belongs to it.
func reportingErrors(_ body: () throws(DeconvolutionError) -> Void) throws {
    do {
        try body()
    } catch {
        if error.code == .cancelled { Interruption.announce(error.text(.flag)) } else { Terminal.complain(error) }
        throw ExitStatus.of(error)
    }
}
