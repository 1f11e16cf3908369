import DeconvDevice
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Testing

/// The blur and its adjoint against sums without a transform.
@Suite struct ProjectionTests {
    /// An image size, a PSF size and a boundary.
    struct Case: Sendable, CustomStringConvertible {
        let image: VolumeShape
        let psf: VolumeShape
        let boundary: BoundaryMode
        var description: String { "\(image), PSF \(psf), \(boundary)" }

        init(_ image: [Int], _ psf: [Int], _ boundary: BoundaryMode) {
            self.image = VolumeShape { image[$0] }
            self.psf = VolumeShape { psf[$0] }
            self.boundary = boundary
        }
    }

    /// Odd, even, prime and single sizes, all of which fit the two work shapes that tests share.
    private static let sizes: [(image: [Int], psf: [Int])] = [
        ([10, 18, 15], [5, 6, 7]), ([9, 17, 20], [4, 5, 8]), ([8, 16, 13], [6, 7, 4]), ([7, 19, 21], [7, 4, 5]),
        ([2, 3, 5], [9, 14, 11]), ([11, 1, 16], [3, 9, 1]), ([1, 20, 1], [6, 1, 4]),
        ([1, 29, 20], [1, 6, 7]), ([1, 24, 19], [1, 11, 8]), ([1, 1, 17], [1, 1, 9]),
    ]

    static let padded = [BoundaryMode.extend, .zero, .edge, .reflect].flatMap { boundary in
        sizes.map { Case($0.image, $0.psf, boundary) }
    }

    /// A periodic image is transformed at exactly its size; a PSF longer than it wraps.
    static let periodic = [
        Case([14, 24, 28], [5, 6, 7], .periodic), Case([14, 24, 28], [16, 3, 4], .periodic),
        Case([14, 24, 28], [3, 2, 31], .periodic), Case([14, 24, 28], [2, 27, 3], .periodic),
        Case([1, 35, 28], [1, 4, 9], .periodic),
    ]

    /// Sizes whose transforms would have to be compiled for a device; `FFTAccuracyTests` has some of those.
    static let periodicOnCPU = [
        Case([5, 7, 11], [4, 5, 6], .periodic), Case([3, 4, 17], [7, 9, 5], .periodic),
        Case([1, 1, 13], [1, 1, 5], .periodic), Case([1, 13, 1], [1, 4, 1], .periodic),
        Case([13, 1, 1], [6, 1, 1], .periodic), Case([1, 1, 1], [3, 3, 3], .periodic),
    ]

    @Test(arguments: TestBackend.all, padded + periodic)
    func projectionsAreThoseOfPlainSums(backend: TestBackend, sizes: Case) throws {
        try checkProjections(backend, sizes)
    }

    @Test(arguments: periodicOnCPU)
    func projectionsOfAwkwardPeriodsAreThoseOfPlainSums(sizes: Case) throws {
        try checkProjections(.cpu, sizes)
    }

    private func checkProjections(_ backend: TestBackend, _ sizes: Case) throws {
        let psf = TestImage.psf(sizes.psf)
        let engine = try TestEngine(backend.make(), image: sizes.image, psf: psf, boundary: sizes.boundary)
        let direct = DirectConvolution(psf, frame: engine.geometry.frame.shape, boundary: sizes.boundary)
        #expect(engine.geometry.domain.shape == direct.domain)
        if sizes.boundary == .extend || sizes.boundary == .zero {
            #expect(engine.geometry.frame.shape == sizes.image)
        }

        let estimate = TestImage.random(direct.domain.voxelCount, seed: 1)
        let ratio = TestImage.random(direct.frame.voxelCount, seed: 2)
        let blurred = try engine.forwardProject(estimate)
        let spread = try engine.backProject(ratio)
        #expect(relativeRMSE(blurred, direct.forward(estimate.map { Double($0) }).map { Float($0) }) < 1e-6)
        #expect(relativeRMSE(spread, direct.backward(ratio.map { Double($0) }).map { Float($0) }) < 1e-6)

        let left = dot(blurred, ratio)
        let right = dot(estimate, spread)
        #expect(abs(left - right) <= 1e-5 * abs(left), "⟨Hx,y⟩ \(left), ⟨x,H'y⟩ \(right)")
    }

    private func dot(_ a: [Float], _ b: [Float]) -> Double { zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) } }
}
