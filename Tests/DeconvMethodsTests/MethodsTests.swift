import DeconvMethods
import DeconvOptions
import DeconvPipeline
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Testing

/// Whatever stands in the registry works from end to end and is told apart.
@Suite struct MethodsTests {
    static let names = Methods.all.map { $0.description.name }

    /// Whether a method takes a number of iterations; others refuse one.
    private static func iterates(_ name: MethodName) -> Bool {
        Methods.all.contains { $0.description.name == name && $0.description.options.contains(.iterations) }
    }

    /// Has a method take some iterations, if it takes a number of them.
    private static func fix(_ count: Int, of name: MethodName, in options: inout DeconvolutionOptions) {
        guard iterates(name) else { return }
        options.iterationCount = count
        let taken = Methods.all.filter { $0.description.name == name }.flatMap { $0.description.options }
        if taken.contains(.stop) { options.stop = .none }
    }

    @Test func namesAreUniqueAndSaidInALine() {
        #expect(Set(Self.names).count == Self.names.count)
        #expect(Self.names.first == .auto)
        for method in Methods.all {
            #expect(!method.description.help.isEmpty && method.description.options.contains(.boundary))
        }
    }

    @Test func aMethodThatThereIsNotIsRefusedByName() {
        var options = DeconvolutionOptions()
        options.method = MethodName(rawValue: "crystal-ball")
        let error = #expect(throws: DeconvolutionError.self) { try Methods.method(options) }
        #expect(error?.code == .invalidArgument)
        #expect(Self.names.allSatisfy { error?.message.contains($0.rawValue) == true })
    }

    @Test(arguments: names, BoundaryMode.allCases)
    func everyMethodRunsAJobAndReportsItsName(name: MethodName, boundary: BoundaryMode) throws {
        let shape = VolumeShape(z: 10, y: 18, x: 15)
        let psf = TestImage.psf(VolumeShape(z: 5, y: 6, x: 7))
        var options = DeconvolutionOptions()
        options.method = name
        options.backend = .cpu
        Self.fix(4, of: name, in: &options)
        options.boundary = boundary
        options.background = 10
        options.psfAsIs = true
        let job = DeconvolutionJob(
            source: ArraySource(Volume(shape: shape, voxels: TestImage.observed(shape, psf: psf, background: 12))),
            psfs: [MeasuredPSF(name: "psf.tif", volume: psf)],
            options: options
        )
        let plan = try #require(try job.plans().first)
        let sink = ArraySink()
        let report = try job.run(into: sink)
        #expect(report.method == name.rawValue && plan.method.name == name)
        #expect(report.iterationCount == report.tunings.first?.tuning.stepCount ?? plan.method.stepCount)
        #expect(report.tunings.isEmpty == (plan.method.tuningRequest == nil) && report.boundary == plan.boundary)
        #expect(sink.voxels.count == shape.voxelCount)
        #expect(sink.voxels.allSatisfy { $0 >= 0 && $0.isFinite } && sink.voxels.contains { $0 > 0 })
        #expect(JSONText.of(PlanDescription(plan, estimate: nil), .flag).contains("\"method\" : \"\(name)\""))
    }

    /// Volumes that overlap, on the host and on a device.
    @Test(arguments: [TestBackend.cpu] + TestBackend.openCL.prefix(1), names)
    func aSecondVolumeIsComputedWhileTheFirstIsWritten(backend: TestBackend, name: MethodName) throws {
        let shape = VolumeShape(z: 1, y: 29, x: 20)
        let psf = TestImage.psf(VolumeShape(z: 1, y: 6, x: 7))
        func run(overlaps: Bool) throws -> [Float] {
            var options = DeconvolutionOptions()
            (options.method, options.device, options.fft) = (name, "\(backend.number)", backend.fft)
            (options.boundary, options.psfAsIs) = (.reflect, true)
            Self.fix(3, of: name, in: &options)
            options.overlapsVolumes = overlaps
            let images = [5, 6, 7].map { TestImage.observed(shape, psf: psf, seed: $0) }
            let sink = ArraySink()
            let job = DeconvolutionJob(
                source: TestSeries(images.map { .float32($0) }, shape: shape),
                psfs: [MeasuredPSF(name: "psf.tif", volume: psf)],
                options: options
            )
            _ = try job.run(into: sink)
            return sink.voxels
        }
        #expect(try run(overlaps: true) == run(overlaps: false))
    }

    /// A method whose result at a voxel depends on all others says that it needs them, and how to go on.
    @Test func aMethodThatNeedsTheWholeVolumeRefusesTiles() throws {
        func plan(_ name: MethodName, tile: VolumeShape? = nil, bytes: Int = .max) throws -> TilePlan {
            var options = DeconvolutionOptions()
            options.method = name
            let method = try Methods.method(options)
            return try TilePlan(
                TilePlan.Request(
                    imageShape: VolumeShape(z: 48, y: 160, x: 150),
                    pixelType: .uint16,
                    psfShape: VolumeShape(z: 9, y: 20, x: 21),
                    boundary: .reflect,
                    demand: { method.demand($0, hasSensitivity: false) },
                    budget: MemoryBudget(totalBytes: bytes),
                    tileShape: tile
                )
            )
        }
        let tile = VolumeShape(z: 24, y: 80, x: 80)
        #expect(try plan(.landweber, tile: tile).tileCount > 1 && plan(.wiener).tileCount == 1)
        let asked = #expect(throws: DeconvolutionError.self) { try plan(.wiener, tile: tile) }
        #expect(asked?.code == .invalidArgument && asked?.text(.flag).contains("leave out --tile") == true)
        let cramped = #expect(throws: DeconvolutionError.self) { try plan(.wiener, bytes: 10_000_000) }
        #expect(cramped?.text(.flag).contains("raise --memory-limit") == true)
    }
}
