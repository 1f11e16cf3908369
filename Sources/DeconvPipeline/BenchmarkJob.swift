import DeconvComparison
import DeconvDevice
import DeconvIO
import DeconvMethods
import DeconvOptics
import DeconvPlan
import DeconvSimulation
package import DeconvVolume
import Foundation

/// How fast the devices of this machine deconvolve a volume of a given shape.
///
/// The volume and its PSF are made up in memory. Nothing is read, the divergence is never measured, and each device works in one
/// piece: what is timed is the engine.
package struct BenchmarkJob: Sendable {
    /// Far more than a median gains from.
    private static let mostIterations = 10_000

    /// Voxels of the image.
    package var shape: VolumeShape
    /// Voxels of the PSF, a Gaussian.
    package var psfShape: VolumeShape
    /// Iterations that count, 1 to 10 000.
    package var timedIterationCount: Int
    /// Names the noise of the image.
    package var seed: UInt64
    /// Whether clFFT's own 3D plans are timed at the same job on every OpenCL device.
    package var measuresBaseline: Bool
    /// Where the image, the PSF and each device's result go as TIFF stacks, or nil.
    package var folder: String?
    /// Whether files there may be replaced.
    package var overwrite: Bool
    /// Devices, their FFT library, and boundary; `auto` without a device means all devices.
    package var options: DeconvolutionOptions

    package init(
        shape: VolumeShape,
        psfShape: VolumeShape,
        timedIterationCount: Int,
        seed: UInt64,
        measuresBaseline: Bool,
        folder: String?,
        overwrite: Bool,
        options: DeconvolutionOptions
    ) {
        self.shape = shape
        self.psfShape = psfShape
        self.timedIterationCount = timedIterationCount
        self.seed = seed
        self.measuresBaseline = measuresBaseline
        self.folder = folder
        self.overwrite = overwrite
        self.options = options
    }

    /// All iterations: those that count, the first, in which a device may still plan and compile, and the last, which need not
    /// prepare another one.
    var iterationCount: Int { timedIterationCount + 2 }

    /// Measures one device after the other.
    ///
    /// A device that is too small or fails is skipped and said to be, unless it is the only one.
    /// - Parameter progress: called after every iteration and at every change of stage.
    /// - Throws: `invalidArgument`; `outOfMemory` for a volume that no device holds; `deviceUnavailable`; `cancelled`.
    package func run(
        cancellation: Cancellation = Cancellation(),
        progress: @escaping (DeconvolutionProgress) -> Void = { _ in }
    ) throws(DeconvolutionError) -> BenchmarkReport {
        try validate()
        let numbers = try Devices.numbers(for: options)
        if numbers == [0] { try Devices.refuseLibrary(options, on: Devices.description(0)) }
        let psf = try pointSpreadFunction()
        let output = try folder.map { (folder) throws(DeconvolutionError) in
            try BenchmarkOutput(folder: folder, shape: shape, psf: psf, numbers: numbers, overwrite: overwrite)
        }
        var report = BenchmarkReport(
            shape: shape,
            psfShape: psfShape,
            boundary: options.boundary,
            seed: seed,
            iterationCount: iterationCount,
            timedIterationCount: timedIterationCount
        )
        var firstError: DeconvolutionError?
        for (position, number) in numbers.enumerated() {
            var done = position * iterationCount
            let name = Devices.description(number).name
            let tell = { (stage: DeconvolutionProgress.Stage, iterations: Int) in
                done += iterations
                progress(
                    DeconvolutionProgress(
                        stage: stage,
                        device: name,
                        completedIterations: done,
                        totalIterations: numbers.count * iterationCount,
                        volume: 1,
                        volumeCount: 1
                    )
                )
            }
            let run = DeviceRun(self, number, psf, output, cancellation, tell)
            do {
                var benchmark = try run.measure()
                do {
                    benchmark.baseline = try run.measureBaseline()
                } catch  where error.isOfDevice {
                    report.skip(.baseline, number, error)
                }
                report.devices.append(benchmark)
            } catch  where error.isOfDevice {
                firstError = firstError ?? error
                report.skip(.device, number, error)
            }
        }
        if report.devices.isEmpty, let firstError { throw firstError }
        try output?.finish(SyntheticVolume(shape: shape, seed: seed), psf)
        return report
    }

    private func validate() throws(DeconvolutionError) {
        guard (1...Self.mostIterations).contains(timedIterationCount) else {
            throw DeconvolutionError(
                .invalidArgument,
                "--iterations \(timedIterationCount): give 1 to \(Self.mostIterations)"
            )
        }
        try options.validate()
        // The image twice while it goes to the device, and the PSF in double and single precision.
        let needed = shape.axes.reduce(4.0) { $0 * Double($1) } + psfShape.axes.reduce(16.0) { $0 * Double($1) }
        let free = HostSystem.freeBytes
        guard needed > Double(free) else { return }
        throw DeconvolutionError(
            .outOfMemory,
            "--shape \(shape.inOption) with --psf-shape \(psfShape.inOption): takes more than "
                + "\(ByteCount(Int(min(needed, 9e18)))) but \(ByteCount(free)) are free; give smaller ones"
        )
    }

    /// A Gaussian whose standard deviation is an eighth of the box along each axis, sum 1.
    private func pointSpreadFunction() throws(DeconvolutionError) -> Volume {
        func deviation(_ axis: Int) -> Double { max(Double(psfShape[axis]) / 8, 0.5) }
        return try GaussianOptics(
            standardDeviation: VoxelSpacing(z: deviation(0), y: deviation(1), x: deviation(2))
        ).pointSpreadFunction(shape: psfShape, spacing: VoxelSpacing(z: 1, y: 1, x: 1)).volume
    }
}

extension BenchmarkReport {
    fileprivate mutating func skip(_ part: Skipped.Part, _ number: Int, _ error: DeconvolutionError) {
        let name = Devices.description(number).name
        skipped.append(Skipped(part: part, number: number, device: name, reason: "\(error)"))
    }
}

extension VolumeShape {
    /// The shape as a person gives it: `101,512,384`.
    fileprivate var inOption: String { "\(z),\(y),\(x)" }
}

// MARK: - One device

/// The measuring of one device.
private final class DeviceRun {
    private let job: BenchmarkJob
    private let number: Int
    private let psf: Volume
    private let output: BenchmarkOutput?
    private let cancellation: Cancellation
    private let tell: (DeconvolutionProgress.Stage, Int) -> Void
    private let clock = ContinuousClock()
    private var setup = DeviceBenchmark.Setup()
    /// What the baseline is measured on.
    private var measured: (backend: any ComputeBackend, plan: TilePlan)?
    /// The engine's result, where the baseline's is compared with it.
    private var result: [Float] = []

    init(
        _ job: BenchmarkJob,
        _ number: Int,
        _ psf: Volume,
        _ output: BenchmarkOutput?,
        _ cancellation: Cancellation,
        _ tell: @escaping (DeconvolutionProgress.Stage, Int) -> Void
    ) {
        self.job = job
        self.number = number
        self.psf = psf
        self.output = output
        self.cancellation = cancellation
        self.tell = tell
    }

    func measure() throws(DeconvolutionError) -> DeviceBenchmark {
        try cancellation.check()
        tell(.preparing, 0)
        HostSystem.resetPeakResidentBytes()
        let backend = try clock.measure(into: &setup.plans) { () throws(DeconvolutionError) in
            let backend = try Devices.backend(number: number, job.options)
            return (backend as? OpenCLBackend)?.takingTime ?? backend
        }
        let plan = try plan(on: backend)
        measured = (backend, plan)
        func measure(_ workspace: some Workspace) throws(DeconvolutionError) -> DeviceBenchmark {
            try self.measure(workspace, plan, backend)
        }
        var benchmark = try measure(makeWorkspace(plan, on: backend))
        // After the engine is gone, so that neither its memory nor the copies' count for the other.
        benchmark.copyBytesPerSecond = try backend.measureCopyRate()
        return benchmark
    }

    /// One piece that fits, or an error.
    private func plan(on backend: any ComputeBackend) throws(DeconvolutionError) -> TilePlan {
        let plan = try TilePlan(
            TilePlan.Request(
                imageShape: job.shape,
                pixelType: .uint16,
                psfShape: job.psfShape.limited(to: job.shape, job.options.boundary),
                boundary: job.options.boundary,
                transformBytes: backend.transformBytes,
                padding: backend.padding
            )
        )
        let name = backend.device.name
        guard plan.tile == nil else {
            throw DeconvolutionError(
                .deviceFailed,
                "\(name) has no transform of \(plan.whole.workShape): give another --shape or --boundary"
            )
        }
        var budget = backend.freeMemory
        // The image stays on the host until the device has it.
        let imageBytes = 2 * job.shape.voxelCount
        if budget.isHostMemory { budget.totalBytes -= imageBytes } else { budget.hostBytes -= imageBytes }
        guard plan.footprint.fits(budget) else {
            let isShared = budget.sharesHostMemory && plan.footprint.deviceBytes <= budget.totalBytes
            let needed = isShared ? plan.footprint.hostBytes(budget) : plan.footprint.deviceBytes
            let free = isShared ? budget.hostBytes : budget.totalBytes
            let limit =
                needed > free || plan.footprint.largestBufferBytes <= budget.largestBufferBytes
                ? "takes \(ByteCount(needed)) in one piece but \(ByteCount(max(free, 0))) are free"
                : "needs a buffer of \(ByteCount(plan.footprint.largestBufferBytes)) but "
                    + "\(ByteCount(budget.largestBufferBytes)) are the most"
            throw DeconvolutionError(
                .outOfMemory,
                "\(name) is too small: the work volume of \(plan.workShape) \(limit); give a smaller --shape"
            )
        }
        return plan
    }

    private func makeWorkspace(
        _ plan: TilePlan,
        on backend: any ComputeBackend
    ) throws(DeconvolutionError) -> any Workspace {
        try clock.measure(into: &setup.plans) { () throws(DeconvolutionError) in
            try backend.makeWorkspace(WorkspaceLayout(plan.whole, pixelType: .uint16))
        }
    }

    /// The whole volume's PSF, no longer than light travels.
    private var limitedPSF: Volume { psf.centralPart(psf.shape.limited(to: job.shape, job.options.boundary)) }

    private func frame(_ plan: TilePlan) throws(DeconvolutionError) -> (voxels: VoxelData, mean: Double) {
        let (voxels, mean) = SyntheticVolume(shape: job.shape, seed: job.seed).render()
        let reader = FrameReader(ArraySource(.uint16(voxels), shape: job.shape), boundary: job.options.boundary)
        return (try reader.read(plan.frameInImage, channel: 0, timepoint: 0), mean)
    }

    private func measure<W: Workspace>(
        _ workspace: W,
        _ plan: TilePlan,
        _ backend: any ComputeBackend
    ) throws(DeconvolutionError) -> DeviceBenchmark {
        let method = RichardsonLucy(iterationCount: job.iterationCount)
        var durations: [Double] = []
        var deviceTimes: [Double] = []
        var deviceBytes = 0
        var peakHostBytes = 0
        // In a scope of its own: the solver's fields go before others are made.
        do {
            let solver = try clock.measure(into: &setup.plans) { () throws(DeconvolutionError) in
                try RichardsonLucy.Solver(method, on: workspace)
            }
            try clock.measure(into: &setup.transferFunction) { () throws(DeconvolutionError) in
                try solver.setPSF(limitedPSF)
                try solver.prepare()
                try workspace.synchronize()
            }
            let mean = try upload(plan, to: workspace)
            try cancellation.check()
            tell(.computing, 0)
            var last = clock.now
            try solver.run(mean: mean, measuring: plan.imageInWhole) { (step) throws(DeconvolutionError) in
                let now = self.clock.now
                durations.append((now - last).inSeconds)
                if let time = step.deviceTime { deviceTimes.append(time) }
                last = now
                try self.cancellation.check()
                self.tell(.computing, 1)
            }
            deviceBytes = workspace.byteCount
            peakHostBytes = HostSystem.peakResidentBytes
            try keep(plan, solver.result)
        }
        let field = try workspace.makeField()
        // As bright as a field on average, so that no arithmetic is with denormal numbers.
        try workspace.fill(field, with: 1)
        let transforms = try workspace.measureTransforms(field, count: job.timedIterationCount) {
            () throws(DeconvolutionError) in try self.cancellation.check()
        }
        return DeviceBenchmark(
            number: number,
            device: backend.device,
            fft: workspace.fft,
            workShape: plan.workShape,
            cost: IterationCost(plan.whole, pixelType: .uint16, workspace.passStructure),
            setup: setup,
            firstIterationSeconds: durations[0],
            iterationSeconds: Array(durations.dropFirst().dropLast()),
            deviceIterationSeconds: deviceTimes.count == durations.count
                ? zip(deviceTimes.dropFirst(), deviceTimes).map(-).dropLast() : nil,
            transformSeconds: transforms,
            deviceBytes: deviceBytes,
            peakHostBytes: peakHostBytes,
            copyBytesPerSecond: 0,
            warnings: workspace.warnings
        )
    }

    /// Brings the image to the device, and gives its mean.
    private func upload(_ plan: TilePlan, to workspace: some Workspace) throws(DeconvolutionError) -> Double {
        let (voxels, mean) = try frame(plan)
        try clock.measure(into: &setup.upload) { () throws(DeconvolutionError) in
            try workspace.setObserved { (_) throws(DeconvolutionError) in voxels }
            try workspace.synchronize()
        }
        return mean
    }

    private func keep(
        _ plan: TilePlan,
        _ read: (Region) throws(DeconvolutionError) -> [Float]
    ) throws(DeconvolutionError) {
        let image = plan.imageInWhole
        try output?.append(number) { (z) throws(DeconvolutionError) in try read(image.plane(z)) }
        if job.measuresBaseline { result = try read(image) }
    }

    // MARK: The baseline

    /// The same job with clFFT's own 3D plans, after `measure`; nil where nobody asked or there is no clFFT.
    func measureBaseline() throws(DeconvolutionError) -> DeviceBenchmark.Baseline? {
        guard job.measuresBaseline, let measured, let backend = measured.backend as? OpenCLBackend else { return nil }
        let plan = measured.plan
        tell(.preparing, 0)
        let started = clock.now
        let baseline = try CLFFTVolumeBaseline(plan.whole, pixelType: .uint16, on: backend)
        try baseline.setPSF(limitedPSF)
        let setupSeconds = (clock.now - started).inSeconds
        let (voxels, mean) = try frame(plan)
        try baseline.setObserved(voxels)
        var durations: [Double] = []
        var last = clock.now
        try baseline.run(iterationCount: job.iterationCount, mean: mean) { () throws(DeconvolutionError) in
            let now = self.clock.now
            durations.append((now - last).inSeconds)
            last = now
            try self.cancellation.check()
            self.tell(.computing, 0)
        }
        let comparison = try ImageComparison(
            of: ArraySource(.float32(baseline.result(plan.imageInWhole)), shape: job.shape),
            with: ArraySource(.float32(result), shape: job.shape)
        )
        return DeviceBenchmark.Baseline(
            setupSeconds: setupSeconds,
            firstIterationSeconds: durations[0],
            iterationSeconds: Array(durations.dropFirst().dropLast()),
            deviceBytes: baseline.byteCount,
            nrmse: comparison.nrmse
        )
    }
}

extension Region {
    /// One plane of the box.
    fileprivate func plane(_ z: Int) -> Region {
        Region(
            origin: VolumeIndex(z: origin.z + z, y: origin.y, x: origin.x),
            shape: VolumeShape(z: 1, y: shape.y, x: shape.x)
        )
    }
}
