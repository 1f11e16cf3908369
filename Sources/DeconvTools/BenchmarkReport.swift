package import DeconvDevice
package import DeconvOptions
package import DeconvPlan
package import DeconvVolume
import Foundation

/// What a benchmark measured, device by device.
package struct BenchmarkReport: Sendable {
    /// What was not measured, and why.
    package struct Skipped: Sendable, Encodable {
        /// What there is to skip.
        package enum Part: String, Sendable, Encodable {
            /// A device with all that belongs to it.
            case device
            /// clFFT's own transforms on a device that was measured.
            case baseline
            /// How fast voxels come and go, on a device that was measured.
            case transfers
        }

        /// What was skipped.
        package var part: Part
        /// The device's number in `Devices.all`.
        package var number: Int
        /// The device's name.
        package var device: String
        /// Which library was to transform there, where each was to be measured.
        package var fft: String?
        /// What was in the way, in one line.
        package var reason: Message
    }

    /// The method that was measured.
    package var method: MethodName
    /// Voxels of the image.
    package var shape: VolumeShape
    /// Voxels of the PSF.
    package var psfShape: VolumeShape
    /// What lies outside the image.
    package var boundary: BoundaryMode
    /// Names the noise of the image.
    package var seed: UInt64
    /// Iterations that were run.
    package var iterationCount: Int
    /// Those between the first and the last, which are those that count.
    package var timedIterationCount: Int
    /// One entry a device that was measured.
    package var devices: [DeviceBenchmark] = []
    /// What was not.
    package var skipped: [Skipped] = []
}

/// What a benchmark measured on one device.
package struct DeviceBenchmark: Sendable {
    /// Seconds before the first iteration.
    package struct Setup: Sendable {
        /// Opening the device, compiling, planning transforms and allocating memory; what a device plans when it first
        /// transforms is in the first iteration.
        package var plans = 0.0
        /// Making the transfer function and the normalization.
        package var transferFunction = 0.0
        /// Bringing the image to the device.
        package var upload = 0.0

        /// All of it.
        package var total: Double { plans + transferFunction + upload }
    }

    /// The same job with clFFT's own 3D plans.
    package struct Baseline: Sendable {
        /// Seconds for planning, allocating and the transfer function.
        package var setupSeconds: Double
        /// Seconds of the first iteration.
        package var firstIterationSeconds: Double
        /// Seconds of each later one but the last.
        package var iterationSeconds: [Double]
        /// Bytes held on the device.
        package var deviceBytes: Int
        /// ‖a − b‖ / ‖b‖ of its result a and the engine's b.
        package var nrmse: Double?
    }

    /// How its result differs from the CPU's.
    package struct Check: Sendable {
        /// The largest NRMSE that passes: a hundred times what single precision leaves.
        package static let limit = 1e-4

        /// ‖a − b‖ / ‖b‖ of its result a and the CPU's b; nil where that is no number.
        package var nrmse: Double?

        /// A difference.
        package init(nrmse: Double?) { self.nrmse = nrmse }

        /// Whether the result is right.
        package var isPassed: Bool { nrmse.map { $0 <= Self.limit } ?? false }
    }

    /// What one pass of an iteration took.
    package struct Pass: Sendable {
        /// Which one.
        package var pass: IterationPass
        /// Bytes that it must move, as `IterationCost` counts them; nil for one that is not counted.
        package var byteCount: Double?
        /// Median seconds.
        package var seconds: Double
    }

    /// How fast voxels come to the device and leave it.
    package struct Transfers: Sendable {
        /// Frames and results, as a job of several volumes moves them.
        package var volumes: TransferRates
        /// Copies between pinned memory and the device; nil where there is no way between.
        package var bus: TransferRates?
    }

    /// Its number in `Devices.all`.
    package var number: Int
    /// The device.
    package var device: DeviceDescription
    /// What made the transforms.
    package var fft: FFTLibrary
    /// Shape of the transforms.
    package var workShape: VolumeShape
    /// What an iteration costs on paper.
    package var cost: IterationCost
    /// Seconds before the first iteration.
    package var setup: Setup
    /// Seconds of the first iteration, with the filling of the estimate and what is compiled or planned on the way.
    package var firstIterationSeconds: Double
    /// Seconds of each later iteration but the last, from its predecessor's end to its own; at least one.
    package var iterationSeconds: [Double]
    /// Seconds of the same iterations on the device's clock, from the end of each to that of the next; nil where there is no such clock.
    package var deviceIterationSeconds: [Double]?
    /// Seconds of the bare transforms of one iteration, as often; see `Workspace.measureTransforms`.
    package var transformSeconds: [Double]
    /// Bytes held on the device.
    package var deviceBytes: Int
    /// Most bytes that this process held in memory meanwhile, its libraries and the image included.
    package var peakHostBytes: Int
    /// Bytes that a copy reads and writes a second there; see `ComputeBackend.measureCopyRate`.
    package var copyBytesPerSecond: Double
    /// What was said when the FFT library was chosen.
    package var warnings: [Diagnostic]
    /// The same job with clFFT's own 3D plans, where it was asked for and there is clFFT.
    package var baseline: Baseline?
    /// How its result differs from the CPU's, where that was asked for.
    package var check: Check?
    /// What each pass of an iteration took in a run of its own, in their order; nil where nobody asked.
    package var passes: [Pass]?
    /// How fast voxels come and go, where that was asked for.
    package var transfers: Transfers?
}

extension DeviceBenchmark {
    /// Seconds of an iteration's passes together, each the median.
    package var passSeconds: Double? { passes.map { $0.reduce(0) { $0 + $1.seconds } } }
    /// Median seconds of an iteration that counts.
    package var secondsPerIteration: Double { iterationSeconds.median }
    /// Median seconds of an iteration on the device's clock.
    package var deviceSecondsPerIteration: Double? { deviceIterationSeconds?.median }
    /// Seconds of the fastest iteration.
    package var fastestIterationSeconds: Double { iterationSeconds.min()! }
    /// Seconds of the fastest bare transforms.
    package var fastestTransformSeconds: Double { transformSeconds.min()! }
    /// What an iteration takes of what its bare transforms take, the fastest of each; 1 would be an iteration of transforms
    /// alone.
    package var iterationPerTransforms: Double { fastestIterationSeconds / fastestTransformSeconds }
    /// Nominal operations a second; see `IterationCost.nominalFlopCount`.
    package var nominalFlopsPerSecond: Double { cost.nominalFlopCount / secondsPerIteration }
    /// The least bytes of an iteration over its time; see `IterationCost.leastByteCount`.
    package var leastBytesPerSecond: Double { cost.leastByteCount / secondsPerIteration }
    /// That rate as a part of the copy rate.
    package var partOfCopyRate: Double { leastBytesPerSecond / copyBytesPerSecond }
    /// Bytes held on the device for each voxel of the transform.
    package var deviceBytesPerWorkVoxel: Double { Double(deviceBytes) / Double(workShape.voxelCount) }
    /// Most bytes of the process for each voxel of the transform.
    package var peakHostBytesPerWorkVoxel: Double { Double(peakHostBytes) / Double(workShape.voxelCount) }
}

extension DeviceBenchmark {
    /// How many times as long as the engine clFFT's own 3D plans take, by the medians.
    package var baselineRatio: Double? { baseline.map { $0.iterationSeconds.median / secondsPerIteration } }
}

extension [Double] {
    /// The middle value, or the mean of the two; there is at least one.
    package var median: Double {
        let sorted = sorted()
        return (sorted[count / 2] + sorted[(count - 1) / 2]) / 2
    }
}

extension BenchmarkReport {
    /// The error of the first device whose result is not the CPU's, or nil.
    package var failedCheck: DeconvolutionError? {
        for entry in devices {
            guard let check = entry.check, !check.isPassed else { continue }
            let difference =
                check.nrmse.map { "differs from the CPU's by an NRMSE of \(Self.short($0))" }
                ?? "is not made of numbers"
            return DeconvolutionError(
                .deviceFailed,
                "device \(entry.number), \(entry.device.name): the result with \(entry.fft.name) \(difference), and "
                    + "\(Self.short(DeviceBenchmark.Check.limit)) is the most: use another \(.fft), or "
                    + "\(.backend, "cpu")"
            )
        }
        return nil
    }

    private static func short(_ value: Double) -> String { String(format: "%.1e", value) }
}

// MARK: - JSON

extension BenchmarkReport: Encodable {
    private enum Key: String, CodingKey {
        case method, shape, psfShape, boundary, pixelType, seed, iterations, timedIterations, devices, skipped
    }

    /// Writes the report with stable keys; shapes are lists in the order z, y, x.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(method.rawValue, forKey: .method)
        try container.encode(shape.axes, forKey: .shape)
        try container.encode(psfShape.axes, forKey: .psfShape)
        try container.encode(boundary.rawValue, forKey: .boundary)
        try container.encode(PixelType.uint16.rawValue, forKey: .pixelType)
        try container.encode(seed, forKey: .seed)
        try container.encode(iterationCount, forKey: .iterations)
        try container.encode(timedIterationCount, forKey: .timedIterations)
        try container.encode(devices, forKey: .devices)
        try container.encode(skipped, forKey: .skipped)
    }
}

extension DeviceBenchmark: Encodable {
    private enum Key: String, CodingKey {
        case number, backend, device, driver, computeUnits, fft, workShape
        case setupSeconds, firstIterationSeconds, iterationSeconds, secondsPerIteration, fastestIterationSeconds
        case deviceIterationSeconds, deviceSecondsPerIteration
        case transformSeconds, iterationPerTransforms
        case deviceBytes, deviceBytesPerWorkVoxel, peakHostBytes, peakHostBytesPerWorkVoxel
        case nominalFlops, nominalFlopsPerSecond, leastBytes, leastBytesPerSecond, copyBytesPerSecond, partOfCopyRate
        case warnings, baseline, check, passes, passSeconds, transfers
    }

    private enum SetupKey: String, CodingKey { case plans, transferFunction, upload, total }

    /// Writes all figures, those that follow from others too; what was not asked for and no clock of the device are `null`.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(number, forKey: .number)
        try container.encode(device.backend.rawValue, forKey: .backend)
        try container.encode(device.name, forKey: .device)
        try container.encode(device.driver, forKey: .driver)
        try container.encode(device.computeUnits, forKey: .computeUnits)
        try container.encode(fft.rawValue, forKey: .fft)
        try container.encode(workShape.axes, forKey: .workShape)
        var seconds = container.nestedContainer(keyedBy: SetupKey.self, forKey: .setupSeconds)
        try seconds.encode(setup.plans, forKey: .plans)
        try seconds.encode(setup.transferFunction, forKey: .transferFunction)
        try seconds.encode(setup.upload, forKey: .upload)
        try seconds.encode(setup.total, forKey: .total)
        try container.encode(firstIterationSeconds, forKey: .firstIterationSeconds)
        try container.encode(iterationSeconds, forKey: .iterationSeconds)
        try container.encode(secondsPerIteration, forKey: .secondsPerIteration)
        try container.encode(fastestIterationSeconds, forKey: .fastestIterationSeconds)
        try container.encode(deviceIterationSeconds, forKey: .deviceIterationSeconds)
        try container.encode(deviceSecondsPerIteration, forKey: .deviceSecondsPerIteration)
        try container.encode(transformSeconds, forKey: .transformSeconds)
        try container.encode(iterationPerTransforms, forKey: .iterationPerTransforms)
        try container.encode(deviceBytes, forKey: .deviceBytes)
        try container.encode(deviceBytesPerWorkVoxel, forKey: .deviceBytesPerWorkVoxel)
        try container.encode(peakHostBytes, forKey: .peakHostBytes)
        try container.encode(peakHostBytesPerWorkVoxel, forKey: .peakHostBytesPerWorkVoxel)
        try container.encode(cost.nominalFlopCount, forKey: .nominalFlops)
        try container.encode(nominalFlopsPerSecond, forKey: .nominalFlopsPerSecond)
        try container.encode(cost.leastByteCount, forKey: .leastBytes)
        try container.encode(leastBytesPerSecond, forKey: .leastBytesPerSecond)
        try container.encode(copyBytesPerSecond, forKey: .copyBytesPerSecond)
        try container.encode(partOfCopyRate, forKey: .partOfCopyRate)
        try container.encode(warnings.map(\.wholeLine), forKey: .warnings)
        try container.encode(baseline, forKey: .baseline)
        try container.encode(check, forKey: .check)
        try container.encode(passes, forKey: .passes)
        try container.encode(passSeconds, forKey: .passSeconds)
        try container.encode(transfers, forKey: .transfers)
    }
}

extension DeviceBenchmark.Check: Encodable {
    private enum Key: String, CodingKey { case nrmse, limit, passed }

    /// Writes the difference, what it may be, and whether it is.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(nrmse, forKey: .nrmse)
        try container.encode(Self.limit, forKey: .limit)
        try container.encode(isPassed, forKey: .passed)
    }
}

extension DeviceBenchmark.Pass: Encodable {
    private enum Key: String, CodingKey { case name, bytes, seconds, bytesPerSecond }

    /// Bytes a second.
    package var bytesPerSecond: Double? { byteCount.flatMap { seconds > 0 ? $0 / seconds : nil } }

    /// Writes all figures; bytes that are not counted are `null`.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(pass.name, forKey: .name)
        try container.encode(byteCount, forKey: .bytes)
        try container.encode(seconds, forKey: .seconds)
        try container.encode(bytesPerSecond, forKey: .bytesPerSecond)
    }
}

extension DeviceBenchmark.Transfers: Encodable {
    private enum Key: String, CodingKey {
        case uploadBytesPerSecond, downloadBytesPerSecond, pinnedUploadBytesPerSecond, pinnedDownloadBytesPerSecond
    }

    /// Writes all rates; without a way between host and device, those of pinned memory are `null`.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(volumes.uploadBytesPerSecond, forKey: .uploadBytesPerSecond)
        try container.encode(volumes.downloadBytesPerSecond, forKey: .downloadBytesPerSecond)
        try container.encode(bus?.uploadBytesPerSecond, forKey: .pinnedUploadBytesPerSecond)
        try container.encode(bus?.downloadBytesPerSecond, forKey: .pinnedDownloadBytesPerSecond)
    }
}

extension DeviceBenchmark.Baseline: Encodable {
    private enum Key: String, CodingKey {
        case setupSeconds, firstIterationSeconds, iterationSeconds, secondsPerIteration, fastestIterationSeconds
        case deviceBytes, nrmse
    }

    /// Writes all figures.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(setupSeconds, forKey: .setupSeconds)
        try container.encode(firstIterationSeconds, forKey: .firstIterationSeconds)
        try container.encode(iterationSeconds, forKey: .iterationSeconds)
        try container.encode(iterationSeconds.median, forKey: .secondsPerIteration)
        try container.encode(iterationSeconds.min(), forKey: .fastestIterationSeconds)
        try container.encode(deviceBytes, forKey: .deviceBytes)
        try container.encode(nrmse, forKey: .nrmse)
    }
}
