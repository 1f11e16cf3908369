import DeconvMethods
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Testing

@testable import DeconvDevice

/// Iterations that are given to a device before the last one is done.
@Suite struct WorkingAheadTests {
    private func workspace(_ device: OpenCLDevice, worksAhead: Bool, takesTime: Bool = false) throws -> OpenCLWorkspace
    {
        let plan = try TilePlan(
            TilePlan.Request(
                imageShape: VolumeShape(z: 1, y: 29, x: 20),
                pixelType: .float32,
                psfShape: VolumeShape(z: 1, y: 6, x: 7),
                boundary: .extend,
                workShape: TestEngine.sharedWorkShape(isFlat: true)
            )
        )
        // VkFFT has every compiler build its kernels.
        var selection = TransformSelection(.vkfft)
        selection.memory = TransformMemory(path: nil)
        selection.worksAhead = worksAhead
        selection.takesTime = takesTime
        let layout = WorkspaceLayout(plan.whole, pixelType: .float32)
        return try selection.makeWorkspace(layout, in: OpenCLContext(device))
    }

    private func solver(_ workspace: OpenCLWorkspace) throws -> any Solver<OpenCLWorkspace> {
        let method = RichardsonLucy(iterationCount: 5, divergenceInterval: 2)
        let solver = try method.makeSolver(on: workspace)
        try solver.setPSF(TestImage.psf(VolumeShape(z: 1, y: 6, x: 7)))
        let frame = workspace.layout.frame.shape
        try workspace.setObserved { _ in .float32(TestImage.random(frame.voxelCount, seed: 3).map { 100 * abs($0) }) }
        return solver
    }

    @Test(arguments: OpenCLDevice.all.indices)
    func theResultAndWhatIsToldAreTheSame(device: Int) throws {
        func run(worksAhead: Bool) throws -> (estimate: [Float], steps: [SolverStep]) {
            let workspace = try workspace(OpenCLDevice.all[device], worksAhead: worksAhead, takesTime: true)
            let solver = try solver(workspace)
            var steps: [SolverStep] = []
            try solver.run(mean: 50, measuring: workspace.layout.frame) { steps.append($0) }
            return (try solver.result(Region(workspace.layout.domain.shape)), steps)
        }
        let (ahead, one) = try (run(worksAhead: true), run(worksAhead: false))
        #expect(ahead.estimate == one.estimate)
        #expect(ahead.steps.map(\.iteration) == [1, 2, 3, 4, 5])
        #expect(ahead.steps.map(\.poissonDivergence) == one.steps.map(\.poissonDivergence))
        for steps in [ahead.steps, one.steps] {
            let times = steps.compactMap(\.deviceTime)
            #expect(times.count == 5 && times == times.sorted())
        }
    }

    /// What was given ahead does no harm to the next volume.
    @Test(arguments: OpenCLDevice.all.indices)
    func whoStopsIsNotAskedAgain(device: Int) throws {
        let workspace = try workspace(OpenCLDevice.all[device], worksAhead: true)
        let solver = try solver(workspace)
        let domain = Region(workspace.layout.domain.shape)
        try solver.run(mean: 50, measuring: workspace.layout.frame) { _ in }
        let whole = try solver.result(domain)
        var told: [Int] = []
        let stop = DeconvolutionError(.cancelled, "stopped")
        let error = #expect(throws: DeconvolutionError.self) {
            try solver.run(mean: 50, measuring: workspace.layout.frame) { (step) throws(DeconvolutionError) in
                told.append(step.iteration)
                if step.iteration == 3 { throw stop }
            }
        }
        #expect(error?.code == .cancelled)
        #expect(told == [1, 2, 3])
        try solver.run(mean: 50, measuring: workspace.layout.frame) { _ in }
        #expect(try solver.result(domain) == whole)
    }
}
