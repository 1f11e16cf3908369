import DeconvComparison
package import DeconvDevice
import DeconvIO
import DeconvMethods
import DeconvOptics
package import DeconvOptions
package import DeconvPipeline
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

    /// Longer than any device has room for.
    private static let mostVoxelsOfSide = 1 << 16

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
    /// The largest side of a cube that is measured instead of `shape`: the largest that fits whose side is a power of two.
    package var largestSide: Int?
    /// Whether OpenCL devices are measured with one FFT library after the other, whatever the options say.
    package var comparesLibraries = false
    /// Whether each device's result is held against that of the CPU back end.
    package var checksResults = false
    /// Whether iterations are run again to take the time of their passes.
    package var measuresPasses = false
    /// Whether it is measured how fast voxels come to each device and leave it.
    package var measuresTransfers = false
    /// Makes the back end of a device by its number.
    package var makeBackend:
        @Sendable (_ number: Int, DeconvolutionOptions) throws(DeconvolutionError) -> any ComputeBackend =
            Devices.backend

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

    /// Measures one device after the other, or one at the largest cube that it has room for.
    ///
    /// A device that is too small or fails is skipped and said to be, unless it is the only one.
    /// - Parameter progress: called after every iteration and at every change of stage.
    /// - Throws: `invalidArgument`; `outOfMemory` for a volume that no device holds; `deviceUnavailable`; `cancelled`.
    package func run(
        cancellation: Cancellation = Cancellation(),
        progress: @escaping (DeconvolutionProgress) -> Void = { _ in }
    ) throws(DeconvolutionError) -> BenchmarkReport {
        guard let largestSide else { return try measure(cancellation, progress) }
        guard (1...Self.mostVoxelsOfSide).contains(largestSide) else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.largest, largestSide): give 1 to \(Self.mostVoxelsOfSide)"
            )
        }
        let count = try Devices.numbers(for: options).count
        guard count == 1 else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.largest) is for one device, and \(count) are here: name one by \(.device)"
            )
        }
        var job = self
        var side = 1
        while side <= largestSide / 2 { side *= 2 }
        while true {
            job.shape = VolumeShape(z: side, y: side, x: side)
            do {
                return try job.measure(cancellation, progress)
            } catch  where error.code == .outOfMemory && side > 1 {
                // What a plan refuses costs no time, and only a device knows what it has free.
                side /= 2
            }
        }
    }

    private func measure(
        _ cancellation: Cancellation,
        _ progress: @escaping (DeconvolutionProgress) -> Void
    ) throws(DeconvolutionError) -> BenchmarkReport {
        try validate()
        let turns = try turns()
        let psf = try pointSpreadFunction()
        let output = try folder.map { (folder) throws(DeconvolutionError) in
            let names = turns.map(\.name)
            return try BenchmarkOutput(folder: folder, shape: shape, psf: psf, names: names, overwrite: overwrite)
        }
        var report = BenchmarkReport(
            method: try method().name,
            shape: shape,
            psfShape: psfShape,
            boundary: try method().boundary(options.boundary),
            seed: seed,
            iterationCount: iterationCount,
            timedIterationCount: timedIterationCount
        )
        var firstError: DeconvolutionError?
        var reference: [Float]?
        for (position, turn) in turns.enumerated() {
            var done = position * iterationCount
            let name = Devices.description(turn.number).name
            let tell = { (stage: DeconvolutionProgress.Stage, iterations: Int) in
                done += iterations
                progress(
                    DeconvolutionProgress(
                        stage: stage,
                        device: name,
                        completedIterations: done,
                        totalIterations: turns.count * iterationCount,
                        volume: 1,
                        volumeCount: 1
                    )
                )
            }
            if checksResults, reference == nil, turn.number != 0 {
                reference = try DeviceRun(self, .cpu(options), psf, nil, cancellation, { tell($0, 0 * $1) }).result()
            }
            let run = DeviceRun(self, turn, psf, output, cancellation, tell)
            do {
                var benchmark = try run.measure()
                do {
                    benchmark.baseline = try run.measureBaseline()
                } catch  where error.isOfDevice {
                    report.skip(.baseline, turn, error)
                }
                if let error = run.transferError { report.skip(.transfers, turn, error) }
                if checksResults {
                    if let reference { benchmark.check = run.check(with: reference) }
                    if turn.number == 0 { reference = run.keptResult }
                }
                report.devices.append(benchmark)
            } catch  where error.isOfDevice {
                firstError = firstError ?? error
                report.skip(.device, turn, error)
            }
        }
        if report.devices.isEmpty, let firstError { throw firstError }
        try output?.finish(SyntheticVolume(shape: shape, seed: seed), psf)
        return report
    }

    /// The method with all iterations.
    ///
    /// The image's mean is far above any background, and where it starts costs nothing: what is timed is its steps.
    fileprivate func method() throws(DeconvolutionError) -> any DeconvolutionMethod {
        var options = DeconvolutionOptions()
        options.method = self.options.method ?? .richardsonLucy
        (options.iterationCount, options.maximumIterationCount) = (iterationCount, iterationCount)
        options.divergenceInterval = 0
        return try Methods.method(options)
    }

    /// The devices to measure, those with two libraries twice.
    private func turns() throws(DeconvolutionError) -> [Turn] {
        let numbers = try Devices.numbers(for: options)
        if numbers == [0] {
            try Devices.refuseLibrary(options, comparesLibraries ? "both" : nil, on: Devices.description(0))
        }
        return numbers.flatMap { number in
            guard comparesLibraries, number != 0 else { return [Turn(number: number, options: options)] }
            return [FFTChoice.clfft, .vkfft].map { library in
                var options = options
                options.fft = library
                return Turn(number: number, options: options, library: library)
            }
        }
    }

    private func validate() throws(DeconvolutionError) {
        guard (1...Self.mostIterations).contains(timedIterationCount) else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.iterations, timedIterationCount): give 1 to \(Self.mostIterations)"
            )
        }
        try options.validate()
        // The image twice while it goes to the device, and the PSF in double and single precision.
        let needed = shape.axes.reduce(4.0) { $0 * Double($1) } + psfShape.axes.reduce(16.0) { $0 * Double($1) }
        let free = HostSystem.freeBytes
        guard needed > Double(free) else { return }
        throw DeconvolutionError(
            .outOfMemory,
            "\(.shape, shape.inOption) with \(.psfShape, psfShape.inOption): takes more than "
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
    fileprivate mutating func skip(_ part: Skipped.Part, _ turn: Turn, _ error: DeconvolutionError) {
        let name = Devices.description(turn.number).name
        skipped.append(
            Skipped(part: part, number: turn.number, device: name, fft: turn.library?.rawValue, reason: error.wholeLine)
        )
    }
}

/// One device with one choice of FFT library.
private struct Turn {
    let number: Int
    let options: DeconvolutionOptions
    /// The library, where each is to be measured.
    var library: FFTChoice?

    /// What its result is called.
    var name: String { library.map { "\(number)-\($0.rawValue)" } ?? "\(number)" }

    static func cpu(_ options: DeconvolutionOptions) -> Turn { Turn(number: 0, options: options) }
}

// MARK: - One device

/// The measuring of one device.
private final class DeviceRun {
    private let job: BenchmarkJob
    private let turn: Turn
    private let psf: Volume
    private let output: BenchmarkOutput?
    private let cancellation: Cancellation
    private let tell: (DeconvolutionProgress.Stage, Int) -> Void
    private let clock = ContinuousClock()
    private var setup = DeviceBenchmark.Setup()
    /// What the baseline is measured on.
    private var measured: (backend: any ComputeBackend, plan: TilePlan)?
    /// The engine's result, where another is compared with it.
    private(set) var keptResult: [Float] = []
    /// Why transfers were not measured.
    private(set) var transferError: DeconvolutionError?

    init(
        _ job: BenchmarkJob,
        _ turn: Turn,
        _ psf: Volume,
        _ output: BenchmarkOutput?,
        _ cancellation: Cancellation,
        _ tell: @escaping (DeconvolutionProgress.Stage, Int) -> Void
    ) {
        self.job = job
        self.turn = turn
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
            let backend = try job.makeBackend(turn.number, turn.options)
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

    /// The result of the same job, of which nothing is measured.
    func result() throws(DeconvolutionError) -> [Float] {
        tell(.preparing, 0)
        let backend = try job.makeBackend(turn.number, turn.options)
        let plan = try plan(on: backend)
        func compute<W: Workspace>(_ workspace: W) throws(DeconvolutionError) -> [Float] {
            let solver = try job.method().makeSolver(on: workspace)
            try solver.setPSF(limitedPSF())
            let mean = try upload(plan, to: workspace)
            try run(solver, plan, mean: mean) { (_) throws(DeconvolutionError) in
                try self.cancellation.check()
                self.tell(.computing, 0)
            }
            return try solver.result(plan.imageInWhole)
        }
        return try compute(makeWorkspace(plan, on: backend))
    }

    /// How the result differs from that of the CPU.
    func check(with reference: [Float]) -> DeviceBenchmark.Check {
        var comparison = ImageComparison.Accumulator(rowLength: job.shape.x)
        comparison.add(keptResult, reference)
        return DeviceBenchmark.Check(nrmse: comparison.comparison.nrmse.flatMap { $0.isFinite ? $0 : nil })
    }

    /// One piece that fits, or an error.
    private func plan(on backend: any ComputeBackend) throws(DeconvolutionError) -> TilePlan {
        let (method, boundary) = try (job.method(), boundary())
        let plan = try TilePlan(
            TilePlan.Request(
                imageShape: job.shape,
                pixelType: .uint16,
                psfShape: job.psfShape.limited(to: job.shape, boundary),
                boundary: boundary,
                demand: { method.demand($0, hasSensitivity: false) },
                transformBytes: backend.transformBytes,
                padding: backend.padding
            )
        )
        let name = backend.device.name
        guard plan.tile == nil else {
            throw DeconvolutionError(
                .deviceFailed,
                "\(name) has no transform of \(plan.whole.workShape): give another \(.shape) or \(.boundary)"
            )
        }
        var budget = backend.freeMemory
        // The image stays on the host until the device has it.
        var imageBytes = 2 * job.shape.voxelCount
        // As do two results where they are compared.
        if job.checksResults { imageBytes += 8 * job.shape.voxelCount }
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
                "\(name) is too small: the work volume of \(plan.workShape) \(limit); give a smaller \(.shape)"
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

    /// What lies outside the image.
    private func boundary() throws(DeconvolutionError) -> BoundaryMode {
        try job.method().boundary(job.options.boundary)
    }

    /// The whole volume's PSF, no longer than light travels.
    private func limitedPSF() throws(DeconvolutionError) -> Volume {
        psf.centralPart(psf.shape.limited(to: job.shape, try boundary()))
    }

    private func frame(_ plan: TilePlan) throws(DeconvolutionError) -> (voxels: VoxelData, mean: Double) {
        let (voxels, mean) = SyntheticVolume(shape: job.shape, seed: job.seed).render()
        let reader = FrameReader(ArraySource(.uint16(voxels), shape: job.shape), boundary: try boundary())
        return (try reader.read(plan.frameInImage, channel: 0, timepoint: 0), mean)
    }

    private func measure<W: Workspace>(
        _ workspace: W,
        _ plan: TilePlan,
        _ backend: any ComputeBackend
    ) throws(DeconvolutionError) -> DeviceBenchmark {
        let method = try job.method()
        var durations: [Double] = []
        var deviceTimes: [Double] = []
        var deviceBytes = 0
        var peakHostBytes = 0
        var passes: [[PassDuration]]?
        // In a scope of its own: the solver's fields go before others are made.
        do {
            let solver = try clock.measure(into: &setup.plans) { () throws(DeconvolutionError) in
                try method.makeSolver(on: workspace)
            }
            try clock.measure(into: &setup.transferFunction) { () throws(DeconvolutionError) in
                try solver.setPSF(limitedPSF())
                try solver.prepare()
                try workspace.synchronize()
            }
            let mean = try upload(plan, to: workspace)
            try cancellation.check()
            tell(.computing, 0)
            var last = clock.now
            try run(solver, plan, mean: mean) { (step) throws(DeconvolutionError) in
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
            if job.measuresPasses {
                passes = try workspace.measurePasses { () throws(DeconvolutionError) in
                    try run(solver, plan, mean: mean) { (_) throws(DeconvolutionError) in
                        try self.cancellation.check()
                        self.tell(.computing, 0)
                    }
                }
            }
        }
        let field = try workspace.makeField()
        // As bright as a field on average, so that no arithmetic is with denormal numbers.
        try workspace.fill(field, with: 1)
        let transforms = try workspace.measureTransforms(field, count: job.timedIterationCount) {
            () throws(DeconvolutionError) in try self.cancellation.check()
        }
        let transfers = try measureTransfers(workspace, field, plan, backend)
        let cost = IterationCost(plan.whole, pixelType: .uint16, workspace.passStructure, plan.demand)
        // What is measured are the transforms of two projections.
        let projections = Double(plan.demand.projectionCount) / 2
        return DeviceBenchmark(
            number: turn.number,
            device: backend.device,
            fft: workspace.fft,
            workShape: plan.workShape,
            cost: cost,
            setup: setup,
            firstIterationSeconds: durations[0],
            iterationSeconds: Array(durations.dropFirst().dropLast()),
            deviceIterationSeconds: deviceTimes.count == durations.count
                ? zip(deviceTimes.dropFirst(), deviceTimes).map(-).dropLast() : nil,
            transformSeconds: transforms.map { $0 * projections },
            deviceBytes: deviceBytes,
            peakHostBytes: peakHostBytes,
            copyBytesPerSecond: 0,
            warnings: workspace.warnings,
            passes: passes.map { Self.medians(of: $0, cost) },
            transfers: transfers
        )
    }

    /// Runs all iterations, or a method without a loop as often.
    private func run<W: Workspace>(
        _ solver: any Solver<W>,
        _ plan: TilePlan,
        mean: Double,
        step: (SolverStep) throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) {
        let method = try job.method()
        if let tuning = method.tuningToTime { solver.tuning = tuning }
        for _ in 0..<job.iterationCount / method.stepCount {
            try solver.run(mean: mean, measuring: plan.imageInWhole, step: step)
        }
    }

    /// What each pass took in the iterations that count: of all but the first and the last.
    private static func medians(of iterations: [[PassDuration]], _ cost: IterationCost) -> [DeviceBenchmark.Pass] {
        let counted = iterations.dropFirst().dropLast()
        var passes: [IterationPass] = []
        for duration in counted.first ?? [] where !passes.contains(duration.pass) { passes.append(duration.pass) }
        return passes.map { pass in
            let seconds = counted.map { iteration in
                iteration.reduce(0) { $1.pass == pass ? $0 + $1.seconds : $0 }
            }
            return DeviceBenchmark.Pass(pass: pass, byteCount: cost.byteCount(of: pass), seconds: seconds.median)
        }
    }

    /// How fast voxels come and go, where that was asked for and there is room for it.
    private func measureTransfers<W: Workspace>(
        _ workspace: W,
        _ field: W.Field,
        _ plan: TilePlan,
        _ backend: any ComputeBackend
    ) throws(DeconvolutionError) -> DeviceBenchmark.Transfers? {
        guard job.measuresTransfers else { return nil }
        tell(.preparing, 0)
        let (voxels, _) = try frame(plan)
        do {
            guard let volumes = try workspace.measureTransfers(of: voxels, field, in: plan.imageInWhole) else {
                return nil
            }
            return DeviceBenchmark.Transfers(volumes: volumes, bus: try backend.measureBusRates())
        } catch  where error.isOfDevice {
            transferError = error
            return nil
        }
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
        try output?.append(turn.name) { (z) throws(DeconvolutionError) in try read(image.plane(z)) }
        if job.measuresBaseline || job.checksResults { keptResult = try read(image) }
    }

    // MARK: The baseline

    /// The same job with clFFT's own 3D plans, after `measure`; nil where nobody asked or there is no clFFT.
    func measureBaseline() throws(DeconvolutionError) -> DeviceBenchmark.Baseline? {
        guard job.measuresBaseline, let measured, let backend = measured.backend as? OpenCLBackend else { return nil }
        let plan = measured.plan
        tell(.preparing, 0)
        let started = clock.now
        let baseline = try CLFFTVolumeBaseline(plan.whole, pixelType: .uint16, on: backend)
        try baseline.setPSF(limitedPSF())
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
            with: ArraySource(.float32(keptResult), shape: job.shape)
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
