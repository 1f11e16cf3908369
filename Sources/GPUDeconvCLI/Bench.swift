import ArgumentParser
import DeconvOptions
import DeconvPipeline
import DeconvPlan
import DeconvTools
import Foundation
import GPUDeconv

struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Time the devices of this machine at a volume of a given shape.",
        usage: "gpudeconv bench [<options>]",
        discussion: """
            Makes up a volume of 16-bit counts and a Gaussian PSF, and deconvolves it on each device in one piece. The first \
            iteration, in which a device may still plan and compile, is told apart from those that are timed; a last \
            one, which has no successor to prepare, does not count.

            --check also holds each device's result against the CPU's, and ends with exit code 69 where they differ by an \
            NRMSE above 1e-4. --passes runs the iterations once more, with a mark on the device's clock after each pass \
            over memory: its name, the bytes that it must move, and its median time. Passes together have what the marks \
            take, and an iteration has what the device waits for the host.

            Examples:
              gpudeconv bench
              gpudeconv bench --shape 201,1024,768 --psf-shape 101,64,64 --device 0
              gpudeconv bench --backend opencl --baseline --json
              gpudeconv bench --device 1 --fft vkfft
              gpudeconv bench --backend opencl --fft both --check --passes
              gpudeconv bench --device 1 --largest 2048
            """
    )

    @Option(parsing: .unconditional, help: ArgumentHelp("Voxels of the image.", valueName: "z,y,x"))
    var shape = ShapeArgument(argument: "101,512,384")!

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Instead, the largest cube that one device has room for whose side is a power of two, up to this.",
            valueName: "n"
        )
    )
    var largest: Int?

    @Option(parsing: .unconditional, help: ArgumentHelp("Voxels of the PSF.", valueName: "z,y,x"))
    var psfShape = ShapeArgument(argument: "51,32,32")!

    @Option(
        name: .shortAndLong,
        parsing: .unconditional,
        help: ArgumentHelp("Iterations to time, between a first and a last one.", valueName: "n")
    )
    var iterations = 5

    @Option(.method) var method: String?

    @Option(help: "What lies outside the image; extend estimates it.")
    var boundary = BoundaryMode.extend

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Number of the noise; the same seed gives the same volume.", valueName: "n")
    )
    var seed: UInt64 = 1

    @Flag(help: "Time clFFT's own 3D transforms at the same job too, on OpenCL devices.")
    var baseline = false

    @Flag(help: "Compare each device's result with the CPU's, and fail where they differ.")
    var check = false

    @Flag(help: "Time each pass of an iteration too, in a second run.")
    var passes = false

    @Flag(help: "Time how voxels come to each device and leave it too.")
    var transfers = false

    @OptionGroup(title: "Device") var compute: DeviceArguments
    @OptionGroup(title: "Output") var output: OutputArguments

    struct DeviceArguments: ParsableArguments {
        /// What may be measured.
        enum Backend: String, CaseIterable, ExpressibleByArgument {
            case all, opencl, cpu

            var option: DeconvolutionOptions.Backend {
                switch self {
                case .all: .auto
                case .opencl: .opencl
                case .cpu: .cpu
                }
            }
        }

        /// What transforms on OpenCL devices.
        enum FFT: String, CaseIterable, ExpressibleByArgument {
            case auto, clfft, vkfft, both

            var option: FFTChoice {
                switch self {
                case .auto, .both: .auto
                case .clfft: .clfft
                case .vkfft: .vkfft
                }
            }
        }

        @Option(help: "What to measure; all is the CPU and every OpenCL device.")
        var backend = Backend.all

        @Option(
            help: ArgumentHelp(
                "Only this device, by its number or part of its name, as 'gpudeconv devices' lists it.",
                valueName: "device"
            )
        )
        var device: String?

        @Option(
            help: ArgumentHelp(
                "FFT library on OpenCL devices; auto takes clFFT, and VkFFT where that fails or is faster; both measures "
                    + "one after the other."
            )
        )
        var fft = FFT.auto

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp("Threads of the CPU back end. (default: one for each core)", valueName: "n")
        )
        var threads: Int?
    }

    struct OutputArguments: ParsableArguments {
        @Option(
            help: ArgumentHelp(
                "Folder for the volume, the PSF and each device's result as TIFF stacks, for other programs.",
                valueName: "folder"
            )
        )
        var save: String?

        @Flag(help: "Replace files that exist.")
        var overwrite = false

        @Flag(help: "Print as JSON.")
        var json = false
    }

    func run() throws {
        try reportingErrors { () throws(DeconvolutionError) in
            var jobOptions = JobOptions()
            try apply(to: &jobOptions)
            var options = jobOptions.deconvolution
            options.boundary = boundary
            options.backend = compute.backend.option
            options.device = compute.device
            options.fft = compute.fft.option
            options.threadCount = compute.threads
            var job = BenchmarkJob(
                shape: shape.shape,
                psfShape: psfShape.shape,
                timedIterationCount: iterations,
                seed: seed,
                measuresBaseline: baseline,
                folder: output.save,
                overwrite: output.overwrite,
                options: options
            )
            job.largestSide = largest
            job.comparesLibraries = compute.fft == .both
            job.checksResults = check
            job.measuresPasses = passes
            job.measuresTransfers = transfers
            let cancellation = Cancellation()
            Interruption.cancels(cancellation)
            let bar = Terminal.showsProgress ? ProgressBar() : nil
            defer { bar?.clear() }
            let report = try job.run(cancellation: cancellation) { bar?.show($0) }
            bar?.clear()
            for warning in report.devices.flatMap(\.warnings) { Terminal.warn(warning) }
            for skipped in report.skipped {
                let part =
                    switch skipped.part {
                    case .device: ""
                    case .baseline: "the baseline of "
                    case .transfers: "the transfer rate of "
                    }
                let library = skipped.fft.map { " with \(.fft, $0)" } ?? "" as Message
                Terminal.warn(
                    Diagnostic(
                        .deviceLeftOut,
                        "\(part)device \(skipped.number)\(library) is skipped: \(skipped.reason)"
                    )
                )
            }
            let figures = output.json ? JSONText.of(report, .flag) : BenchmarkTable(report).text
            if output.save == nil { try Terminal.print(figures) } else { Terminal.printBehind(figures) }
            if let error = report.failedCheck { throw error }
        }
    }
}

/// A benchmark's figures as a table: one row a figure, one column a device.
struct BenchmarkTable {
    private let report: BenchmarkReport

    init(_ report: BenchmarkReport) { self.report = report }

    var text: String {
        var lines = [
            "image       \(report.shape) uint16",
            "PSF         \(report.psfShape), boundary \(report.boundary.rawValue)",
            "method      \(report.method)",
            "iterations  \(report.iterationCount), \(report.timedIterationCount) of them timed",
        ]
        for (position, entry) in report.devices.enumerated() {
            // One that was measured with each library has two columns.
            if position > 0, report.devices[position - 1].number == entry.number { continue }
            let device = entry.device
            let unit = (device.backend == .cpu ? "thread" : "compute unit") + (device.computeUnits == 1 ? "" : "s")
            lines.append(
                "device \(entry.number)    \(device.name), \(device.backend.rawValue), \(device.computeUnits) \(unit)"
            )
        }
        let passes = report.devices.flatMap { entry in entry.passes.map { [""] + rows(of: $0, entry) } ?? [] }
        return (lines + [""] + rows + passes).joined(separator: "\n")
    }

    /// The passes of one device, and what they take together.
    private func rows(of passes: [DeviceBenchmark.Pass], _ entry: DeviceBenchmark) -> [String] {
        func row(_ name: String, _ bytes: Double?, _ seconds: Double) -> [String] {
            let rate = bytes.flatMap { seconds > 0 ? String(format: "%.1f GB/s", $0 / seconds * 1e-9) : nil }
            return [
                name, bytes.map { "\(ByteCount(Int($0)))" } ?? "-", String(format: "%.3f ms", seconds * 1000),
                rate ?? "-",
            ]
        }
        let title = "passes of device \(entry.number), \(entry.fft.name)"
        guard !passes.isEmpty else { return ["\(title): none are told apart"] }
        var table = [[title, "bytes", "median", "rate"]]
        table += passes.map { row("  " + $0.pass.name, $0.byteCount, $0.seconds) }
        table.append(row("all passes", entry.cost.leastByteCount, entry.passSeconds ?? 0))
        let seconds = entry.deviceSecondsPerIteration ?? entry.secondsPerIteration
        table.append(row("iteration without marks", entry.cost.leastByteCount, seconds))
        return Self.aligned(table)
    }

    private var rows: [String] {
        var table: [(String, [String])] = []
        func row(_ name: String, _ value: (DeviceBenchmark) -> String) {
            table.append((name, report.devices.map(value)))
        }
        func rate(_ perSecond: Double, _ unit: String) -> String { String(format: "%.1f G\(unit)/s", perSecond * 1e-9) }
        func bytes(_ perVoxel: Double) -> String { String(format: "%.1f B", perVoxel) }
        row("") { "device \($0.number)" }
        row("FFT library") { $0.fft.name }
        row("work shape") { "\($0.workShape)" }
        row("set-up") { $0.setup.total.inWords }
        row("  plans, memory") { $0.setup.plans.inWords }
        row("  OTF, weights") { $0.setup.transferFunction.inWords }
        row("  upload") { $0.setup.upload.inWords }
        row("first iteration") { $0.firstIterationSeconds.inWords }
        row("iteration, median") { $0.secondsPerIteration.inWords }
        if report.devices.contains(where: { $0.deviceIterationSeconds != nil }) {
            row("  by the device's clock") { $0.deviceSecondsPerIteration?.inWords ?? "-" }
        }
        row("iteration, fastest") { $0.fastestIterationSeconds.inWords }
        row("bare transforms, fastest") { $0.fastestTransformSeconds.inWords }
        row("iteration / transforms") { String(format: "%.2f", $0.iterationPerTransforms) }
        row("device bytes / work voxel") { bytes($0.deviceBytesPerWorkVoxel) }
        row("process bytes / work voxel") { bytes($0.peakHostBytesPerWorkVoxel) }
        row("nominal arithmetic") { rate($0.nominalFlopsPerSecond, "FLOP") }
        row("least traffic") { rate($0.leastBytesPerSecond, "B") }
        row("copy rate") { rate($0.copyBytesPerSecond, "B") }
        row("least traffic / copy rate") { String(format: "%.2f", $0.partOfCopyRate) }
        if report.devices.contains(where: { $0.baseline != nil }) {
            row("clFFT 3D, median") { $0.baseline?.iterationSeconds.median.inWords ?? "-" }
            row("clFFT 3D / ours") { $0.baselineRatio.map { String(format: "%.2f", $0) } ?? "-" }
            row("clFFT 3D, NRMSE to ours") { ($0.baseline?.nrmse).map { String(format: "%.1e", $0) } ?? "-" }
        }
        if report.devices.contains(where: { $0.check != nil }) {
            row("NRMSE to the CPU") { entry in
                guard let check = entry.check else { return "-" }
                return check.nrmse.map { String(format: "%.1e", $0) } ?? "no number"
            }
        }
        if report.devices.contains(where: { $0.transfers != nil }) {
            func transfers(_ name: String, _ value: @escaping (DeviceBenchmark.Transfers) -> Double?) {
                row(name) { $0.transfers.flatMap(value).map { rate($0, "B") } ?? "-" }
            }
            transfers("frames to the device", \.volumes.uploadBytesPerSecond)
            transfers("  pinned copy") { $0.bus?.uploadBytesPerSecond }
            transfers("results to the host", \.volumes.downloadBytesPerSecond)
            transfers("  pinned copy") { $0.bus?.downloadBytesPerSecond }
        }
        return Self.aligned(table.map { [$0.0] + $0.1 })
    }

    /// Lines of a table whose first column begins at the left, and whose others end at the right.
    private static func aligned(_ table: [[String]]) -> [String] {
        let columns = table.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in (table.map { $0[column].count }.max() ?? 0) + 2 }
        return table.map { cells in
            zip(cells, widths).enumerated().map { column, cell in
                let gap = String(repeating: " ", count: cell.1 - cell.0.count)
                return column == 0 ? cell.0 + gap : gap + cell.0
            }.joined()
        }
    }
}
