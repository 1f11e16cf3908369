import DeconvTestSupport
import Foundation

/// What a run of the program left behind on its three channels.
struct CommandResult: Sendable {
    /// The exit code, or 128 and the number of the signal that ended it.
    var status: Int32
    /// Standard output.
    var output: String
    /// Standard error, without what PoCL's compiler writes there by itself.
    var error: String
}

/// The program as users have it: a process.
enum Command {
    /// The program that was built with these tests, which lies beside them.
    private static let executable: URL = {
        let bundles = Bundle.allBundles.map(\.bundleURL).filter { $0.pathExtension == "xctest" }
        let folders = [Bundle.main.executableURL, Bundle.main.bundleURL].compactMap(\.self) + bundles
        for folder in folders.map({ $0.deletingLastPathComponent() }) + [Bundle.main.bundleURL] {
            let candidate = folder.appendingPathComponent("gpudeconv")
            if FileManager.default.isExecutableFile(atPath: candidate.path) { return candidate }
        }
        preconditionFailure("the program gpudeconv was not built with the tests")
    }()

    /// Longer than any of these runs takes, even where OpenCL compiles its kernels for the first time.
    static let secondsAtMost = 600.0

    /// What says how an image is deconvolved.
    private static let choosing: Set<String> = [
        "--method", "--iterations", "-i", "--accelerate", "--stop", "--start", "--total-variation", "--good-roughness",
        "--tikhonov-miller", "--sieve", "--tuning", "--max-iterations", "--gain", "--seed", "--help", "-h",
    ]

    /// Arguments with ten plain iterations where they deconvolve and do not say how: these take little time on any device, and
    /// most tests are about something else.
    private static func withFewSteps(_ arguments: [String]) -> [String] {
        let others = [
            "psf", "plan", "preview", "compare", "inspect", "simulate", "devices", "bench", "options", "rerun",
        ]
        guard let first = arguments.first, !others.contains(first), arguments.contains("-o"),
            choosing.isDisjoint(with: arguments)
        else { return arguments }
        return arguments + ["--iterations", "10"]
    }

    /// Runs the program to its end.
    ///
    /// On a thread of its own: tests that compute may hold all of the shared ones for minutes.
    /// - Parameters:
    ///   - folder: the current folder of the process, so that messages name files as the arguments do.
    ///   - through: a program that runs it, with its arguments, such as `setpriv`.
    ///   - environment: added to that of the tests.
    ///   - seconds: after which it is ended.
    ///   - meanwhile: is called once the process runs, for example to send it a signal.
    static func run(
        _ arguments: [String],
        in folder: TemporaryFolder,
        through: [String] = [],
        environment: [String: String] = [:],
        waiting seconds: Double = secondsAtMost,
        meanwhile: @escaping @Sendable (RunningCommand) throws -> Void = { _ in }
    ) async throws -> CommandResult {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result {
                        try runAndWait(
                            arguments,
                            in: folder,
                            through: through,
                            environment: environment,
                            waiting: seconds,
                            meanwhile: meanwhile
                        )
                    }
                )
            }
        }
    }

    /// The same on this thread, for what happens while another command runs.
    static func runAndWait(
        _ arguments: [String],
        in folder: TemporaryFolder,
        through: [String] = [],
        environment: [String: String] = [:],
        waiting seconds: Double = secondsAtMost,
        meanwhile: (RunningCommand) throws -> Void = { _ in }
    ) throws -> CommandResult {
        let command = try RunningCommand(through + [executable.path] + withFewSteps(arguments), folder.url, environment)
        do {
            try meanwhile(command)
        } catch {
            command.send(SIGKILL)
            throw error
        }
        return try command.result(waiting: seconds)
    }

    /// A shell that runs the program with its arguments where `"$@"` stands.
    static func shell(_ script: String) -> [String] { ["sh", "-c", script, "sh"] }
}

/// A process of the program. Belongs to one thread.
final class RunningCommand {
    private let channels: TemporaryFolder
    private let process = Process()
    private let ended = DispatchSemaphore(value: 0)

    fileprivate init(_ arguments: [String], _ folder: URL, _ environment: [String: String]) throws {
        channels = try TemporaryFolder()
        // Signals that whoever started the tests has switched off must not stay so in the program.
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["--default-signal=INT,TERM,HUP"] + arguments
        process.currentDirectoryURL = folder
        process.environment = ProcessInfo.processInfo.environment
            .merging(["COLUMNS": "80", "SWIFT_BACKTRACE": "enable=no"]) { $1 }
            .merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        // Files and not pipes: they are never full.
        for name in ["output", "error"] {
            _ = FileManager.default.createFile(atPath: channels.path(name), contents: nil)
        }
        process.standardOutput = try FileHandle(forWritingTo: channels.url.appendingPathComponent("output"))
        process.standardError = try FileHandle(forWritingTo: channels.url.appendingPathComponent("error"))
        process.terminationHandler = { [ended] _ in ended.signal() }
        try process.run()
    }

    /// Sends a signal, unless the process has ended.
    func send(_ signal: Int32) {
        if process.isRunning { kill(process.processIdentifier, signal) }
    }

    /// Waits for the end, and brings it about after some seconds.
    fileprivate func result(waiting seconds: Double) throws -> CommandResult {
        if ended.wait(timeout: .now() + seconds) == .timedOut {
            send(SIGKILL)
            ended.wait()
        }
        for channel in [process.standardOutput, process.standardError] { try (channel as? FileHandle)?.close() }
        func text(_ name: String) throws -> String {
            try String(decoding: Data(contentsOf: channels.url.appendingPathComponent(name)), as: UTF8.self)
        }
        // PoCL's compiler counts its warnings there, even with warnings switched off, where it compiles for the first time.
        let compilerNote = /[0-9]+ warnings? generated\.\n/
        return CommandResult(
            status: (process.terminationReason == .exit ? 0 : 128) + process.terminationStatus,
            output: try text("output"),
            error: try text("error").replacing(compilerNote, with: "")
        )
    }
}
