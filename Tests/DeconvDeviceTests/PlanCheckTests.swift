import COpenCL
import DeconvMethods
import DeconvOptions
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Testing

@testable import DeconvDevice

/// What plans compute is looked at wherever they are used for the first time, also where the library was proven before.
@Suite struct PlanCheckTests {
    static let devices = OpenCLDevice.all.indices

    private static let contexts = OpenCLDevice.all.map { device in Result { try OpenCLContext(device) } }

    private func context(_ device: Int) throws -> OpenCLContext { try Self.contexts[device].get() }

    /// - Parameter extends: whether more is estimated than is seen.
    private static func layout(isFlat: Bool, extends: Bool = true, isTile: Bool = false) -> WorkspaceLayout {
        let shape = TestEngine.sharedWorkShape(isFlat: isFlat)
        let frame = Region(
            origin: VolumeIndex { min(2, shape[$0] - 1) },
            shape: VolumeShape { max(1, shape[$0] - 7) }
        )
        var geometry = WorkGeometry(
            workShape: shape,
            frame: frame,
            domain: Region(VolumeShape { max(1, shape[$0] - 3) }),
            wraps: false
        )
        if !extends {
            geometry.domain = Region(frame.shape)
            geometry.frame = geometry.domain
        }
        geometry.isOnlyProjected = isTile
        return WorkspaceLayout(geometry, pixelType: .float32)
    }

    private static func psf(isFlat: Bool) -> Volume {
        GaussianPSF.normalized(shape: VolumeShape(z: isFlat ? 1 : 3, y: 3, x: 5), sigma: [0.7, 0.8, 1.2])
    }

    private func selection(
        _ engine: any TransformEngine,
        _ memory: TransformMemory,
        usesPasses: Bool
    ) -> TransformSelection {
        var selection = TransformSelection(.auto)
        selection.memory = memory
        selection.engines[0] = engine
        selection.measures = false
        selection.usesPasses = usesPasses
        return selection
    }

    /// Two iterations on noise, whose ratios have all frequencies.
    @discardableResult
    private func deconvolve(
        _ workspace: OpenCLWorkspace,
        background: Double = 0,
        sensitivity: Bool = false,
        iterationCount: Int = 2,
        hotPixel: Float? = nil
    ) throws -> [Float] {
        let layout = workspace.layout
        let method = RichardsonLucy(
            iterationCount: iterationCount,
            background: background,
            start: background > 0 ? .light : .flat
        )
        let solver = try method.makeSolver(on: workspace)
        try solver.setPSF(Self.psf(isFlat: layout.workShape.z == 1))
        let count = layout.frame.shape.voxelCount
        var image = TestImage.random(count, seed: 3).map { 100 + 50 * $0 }
        if let hotPixel { image[count / 3] = hotPixel }
        let values = image
        try workspace.setObserved { _ in .float32(values) }
        if sensitivity {
            try solver.setSensitivity { _ in (0..<count).map { $0 % 7 == 0 ? 0 : 0.9 + 0.01 * Float($0 % 10) } }
        }
        try solver.run(mean: 125, measuring: Region(layout.frame.shape)) { _ in }
        return try solver.result(Region(layout.domain.shape))
    }

    @Test(arguments: devices, ForgetfulEngine.Fault.allCases)
    func constantsThatCeaseToArriveAreFoundAndTheOtherLibraryIsNext(
        device: Int,
        fault: ForgetfulEngine.Fault
    ) throws {
        let isOfPasses = fault == .lastRowOfRatio || fault == .lastRowOfUpdate
        let layout = Self.layout(isFlat: isOfPasses)
        let engine = ForgetfulEngine(CLFFTEngine(), fault)
        let memory = TransformMemory(path: nil)
        let selection = selection(engine, memory, usesPasses: isOfPasses)
        let proven = try selection.makeWorkspace(layout, in: context(device))
        #expect(proven.fft == .clfft && proven.warnings.isEmpty)
        let right = try deconvolve(proven)

        engine.forget()
        let wrong = try selection.makeWorkspace(layout, in: context(device))
        #expect(wrong.fft == .clfft && wrong.usesPasses == isOfPasses)
        let error = #expect(throws: DeconvolutionError.self) { try deconvolve(wrong) }
        #expect(error?.code == .deviceFailed && error?.remedy == .otherTransforms)
        #expect(error?.text(.flag).contains("--fft vkfft") == true)
        #expect(error?.description.contains(" is right, at ") == true)

        let next = try selection.makeWorkspace(layout, in: context(device))
        #expect(next.fft == .vkfft)
        #expect(relativeRMSE(try deconvolve(next), right) < 2e-6)
    }

    /// Tiles only project.
    @Test(arguments: devices, [ForgetfulEngine.Fault.columns, .products, .inversePlanes])
    func tilesAreLookedAtToo(device: Int, fault: ForgetfulEngine.Fault) throws {
        let layout = Self.layout(isFlat: false, isTile: true)
        let engine = ForgetfulEngine(CLFFTEngine(), fault)
        let selection = selection(engine, TransformMemory(path: nil), usesPasses: false)
        let psf = Self.psf(isFlat: false)
        func project(_ workspace: OpenCLWorkspace, adjoint: Bool) throws {
            try workspace.setPSF(psf.voxels, shape: psf.shape)
            let field = try workspace.makeField()
            try workspace.upload(TestImage.random(layout.domain.shape.voxelCount, seed: 5), to: field)
            if adjoint { try workspace.backProject(field) } else { try workspace.forwardProject(field) }
            _ = try workspace.downloadWork(adjoint ? layout.mirroredFrame : layout.frame)
        }
        let proven = try selection.makeWorkspace(layout, in: context(device))
        for adjoint in [false, true] { try project(proven, adjoint: adjoint) }
        engine.forget()
        for adjoint in [false, true] {
            let wrong = try OpenCLWorkspace(layout, engine, fuses: true, in: context(device))
            wrong.checkPlans { _ in }
            let error = #expect(throws: DeconvolutionError.self) { try project(wrong, adjoint: adjoint) }
            #expect(error?.remedy == .otherTransforms)
        }
    }

    /// Every way in which a volume can be computed is looked at, and nothing that is right is refused.
    @Test(arguments: devices, [[false, false], [false, true], [true, false], [true, true]])
    func whatIsRightIsSeenAndPasses(device: Int, kind: [Bool]) throws {
        let (usesPasses, extends) = (kind[0], kind[1])
        let layout = Self.layout(isFlat: usesPasses, extends: extends)
        let workspace = try OpenCLWorkspace(
            layout,
            CLFFTEngine(),
            fuses: true,
            usesPasses: usesPasses,
            in: context(device)
        )
        workspace.checkPlans { _ in Issue.record("what is right is refused") }
        let check = try #require(workspace.check)
        try deconvolve(workspace)
        // Forward and back, and the normalization where there is one.
        #expect(check.count >= 2 && check.seenUpdates == [extends])
        let plain = check.count
        try deconvolve(workspace, sensitivity: true)
        #expect(extends || check.count > plain)
        #expect(check.seenUpdates == [extends, true])
        try workspace.setSensitivity(reading: nil)
        try deconvolve(workspace, background: 20, iterationCount: 5)
        // Light that is far brighter than all else leaves its rounding everywhere.
        for value in [Float(1e5), 1e7] { try deconvolve(workspace, hotPixel: value) }
    }

    /// Other methods compare, update and filter in other ways.
    @Test(arguments: devices, Methods.all.map { $0.description.name })
    func everyMethodIsLookedAt(device: Int, name: MethodName) throws {
        let layout = Self.layout(isFlat: false, extends: false)
        var options = DeconvolutionOptions()
        (options.method, options.iterationCount) = (name, 3)
        let method = try Methods.method(options)
        let observed = TestImage.random(layout.frame.shape.voxelCount, seed: 3).map { 100 + 50 * $0 }
        func run(_ engine: any TransformEngine, _ failed: @escaping (DeconvolutionError) -> Void) throws -> PlanCheck {
            let workspace = try OpenCLWorkspace(layout, engine, fuses: true, in: context(device))
            workspace.checkPlans(failed: failed)
            let solver = try method.makeSolver(on: workspace)
            if let tuning = method.tuningToTime { solver.tuning = tuning }
            try solver.setPSF(Self.psf(isFlat: false))
            try workspace.setObserved { _ in .float32(observed) }
            try solver.run(mean: 125, measuring: Region(layout.frame.shape)) { _ in }
            return try #require(workspace.check)
        }
        let check = try run(CLFFTEngine()) { _ in Issue.record("what is right is refused") }
        #expect(check.count > 0)
        let engine = ForgetfulEngine(CLFFTEngine(), .columns)
        engine.forget()
        let error = #expect(throws: DeconvolutionError.self) { _ = try run(engine) { _ in } }
        #expect(error?.remedy == .otherTransforms)
    }

    /// What was seen once is not looked at again.
    @Test(arguments: devices)
    func laterIterationsCostNothing(device: Int) throws {
        let workspace = try OpenCLWorkspace(
            Self.layout(isFlat: false),
            VkFFTEngine(),
            fuses: false,
            in: context(device)
        )
        workspace.checkPlans { _ in }
        let check = try #require(workspace.check)
        try deconvolve(workspace, iterationCount: 3)
        let few = check.count
        try deconvolve(workspace, iterationCount: 12)
        #expect(few >= 2 && check.count == few)
    }

    @Test func uploadsOfCLFFTCanBeWatchedHere() {
        #expect(UploadWatch.isPossible)
        #expect(UploadWatch.during { 3 }.result == 3)
        #expect(UploadWatch.during { 3 }.failure == nil)
    }
}
