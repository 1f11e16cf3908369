import ArgumentParser
import GPUDeconv

/// What the process ends with, after sysexits(3).
enum ExitStatus {
    static let wrongUsage = ExitCode(64)
    static let interrupted = ExitCode(130)

    static func of(_ error: DeconvolutionError) -> ExitCode {
        switch error.code {
        case .invalidArgument: wrongUsage
        case .invalidData: ExitCode(65)
        case .inputNotFound: ExitCode(66)
        case .deviceUnavailable, .deviceFailed: ExitCode(69)
        case .outOfMemory: ExitCode(71)
        case .cannotCreateOutput, .outputExists: ExitCode(73)
        case .inputOutput, .diskFull: ExitCode(74)
        case .cancelled: interrupted
        default: ExitCode(70)
        }
    }

    /// The same for `--help`.
    static let table = """
        Exit codes:
          0    done
          64   wrong usage, or a value out of range
          65   an input that cannot be used
          66   an input that is missing or may not be read
          69   no such device, or it failed
          70   a fault of this program
          71   out of memory
          73   an output that exists or cannot be created
          74   reading or writing failed, such as on a full disk
          130  interrupted
        """
}
