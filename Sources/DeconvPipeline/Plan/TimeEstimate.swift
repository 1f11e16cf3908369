import DeconvDevice
import DeconvMethods
package import DeconvOptions
import DeconvPlan
package import DeconvVolume

/// How long a job will take, from a few iterations on a small volume where it is to run.
package struct TimeEstimate: Sendable, Hashable {
    /// Seconds of a step on one volume.
    package let secondsPerIteration: Double
    /// Seconds of all steps on all volumes, over all devices; reading and writing go on meanwhile. Where the number of steps is found,
    /// those of the most there may be, without what it takes to find it.
    package let seconds: Double

    /// The volume that is measured: larger than caches, and quick.
    private static let shape = VolumeShape(z: 64, y: 128, x: 128)

    /// Measures and scales by the work on paper: operations of transforms on the cores of a CPU, bytes on a device.
    /// - Parameters:
    ///   - plans: one a device.
    ///   - options: those of the job.
    /// - Returns: nil for an OpenCL device of type CPU, whose compiler would take longer than many jobs.
    /// - Throws: `outOfMemory`, `deviceFailed` that name the device.
    package init?(_ plans: [JobPlan], _ options: DeconvolutionOptions) throws(DeconvolutionError) {
        let plan = plans[0]
        let isOnCores = plan.backend.device.backend == .cpu
        guard isOnCores || plan.backend.device.type != "CPU" else { return nil }
        let method = plan.method
        let request = TilePlan.Request(
            imageShape: Self.shape,
            pixelType: plan.image.pixelType,
            psfShape: VolumeShape(z: 1, y: 1, x: 1),
            boundary: method.boundary(.zero),
            demand: { method.demand($0, hasSensitivity: false) },
            transformBytes: plan.backend.transformBytes,
            padding: plan.backend.padding
        )
        let small = try TilePlan(request)
        func cost(_ geometry: WorkGeometry) -> Double {
            let demand = method.demand(geometry, hasSensitivity: false)
            let cost = IterationCost(geometry, pixelType: plan.image.pixelType, .slabs, demand)
            return isOnCores ? cost.nominalFlopCount : cost.leastByteCount
        }
        let measured = try Self.measure(small, plan, options)
        let projections = Double(plan.tiles.tileCount * plan.tiles.demand.modeCount * plan.tiles.demand.viewCount)
        let work = cost(plan.tiles.tile ?? plan.tiles.whole) * projections
        secondsPerIteration = measured * work / cost(small.whole)
        let volumes = Double(plan.image.volumeCount)
        seconds = secondsPerIteration * Double(method.stepCount) * (volumes / Double(plans.count)).rounded(.up)
    }

    /// Seconds of an iteration on the small volume: the fastest of a few.
    private static func measure(
        _ small: TilePlan,
        _ plan: JobPlan,
        _ options: DeconvolutionOptions
    ) throws(DeconvolutionError) -> Double {
        var options = options
        (options.iterationCount, options.maximumIterationCount) = (5, 5)
        options.divergenceInterval = 0
        let method = try Methods.method(options)
        func run(_ workspace: some Workspace) throws(DeconvolutionError) -> Double {
            let solver = try method.makeSolver(on: workspace)
            try solver.setPSF(Volume(shape: VolumeShape(z: 1, y: 1, x: 1), voxels: [1]))
            solver.background = 0
            if let tuning = method.tuningToTime { solver.tuning = tuning }
            let level: Float = 100
            try workspace.setObserved { region in .float32([Float](repeating: level, count: region.shape.voxelCount)) }
            let clock = ContinuousClock()
            var last = clock.now
            var fastest = Double.infinity
            try solver.run(mean: Double(level), measuring: small.whole.frame) { _ in
                let now = clock.now
                fastest = min(fastest, (now - last) / .seconds(1))
                last = now
            }
            return fastest
        }
        return try run(plan.backend.makeWorkspace(WorkspaceLayout(small.whole, pixelType: .float32)))
    }
}
