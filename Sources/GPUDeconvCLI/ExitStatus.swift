import ArgumentParser
import Foundation
import GPUDeconv

/// What the process ends with, after sysexits(3).
enum ExitStatus {
    static func of(_ error: DeconvolutionError) -> ExitCode {
        switch error.code {
        case .invalidArgument: ExitCode(64)
        case .invalidData: ExitCode(65)
        case .inputNotFound: ExitCode(66)
        case .deviceUnavailable, .deviceFailed: ExitCode(69)
        case .outOfMemory: ExitCode(71)
        case .cannotCreateOutput: ExitCode(73)
        case .inputOutput: ExitCode(74)
        case .cancelled: ExitCode(130)
        default: ExitCode(70)
        }
    }
}

/// Runs the body of a command: an error becomes one line on standard error and the exit code that belongs to it.
func reportingErrors(_ body: () throws(DeconvolutionError) -> Void) throws {
    do {
        try body()
    } catch {
        Terminal.complain(error.description)
        throw ExitStatus.of(error)
    }
}
