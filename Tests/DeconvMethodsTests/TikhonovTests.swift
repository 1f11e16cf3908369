import DeconvMethods
import DeconvOptions
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Glibc
import Testing

/// The filter against its formula in double precision.
@Suite struct TikhonovTests {
    @Test(arguments: TestBackend.all, WienerTests.boundaries)
    func resultIsThatOfTheFormula(backend: TestBackend, boundary: BoundaryMode) throws {
        for (weight, hasSensitivity) in [(0.05, false), (1, false), (0.05, true)] {
            try check(backend, MethodCase(boundary, hasSensitivity: hasSensitivity), weight)
        }
        try check(backend, MethodCase(boundary, isFlat: true), 0.05)
    }

    @Test(arguments: TestBackend.withPasses)
    func resultInPassesIsThatOfTheFormula(backend: TestBackend) throws {
        try check(backend, MethodCase(.reflect, isFlat: true), 0.05)
    }

    /// A PSF that is symmetric has a transfer function of real numbers.
    @Test(arguments: TestBackend.all)
    func aSymmetricPSFHasTheSameFormula(backend: TestBackend) throws {
        var item = MethodCase(.zero)
        item.psf = GaussianPSF.normalized(shape: VolumeShape(z: 5, y: 7, x: 7), sigma: [1, 1.5, 1.2])
        try check(backend, item, 0.05)
    }

    @Test func withoutAWeightThereIsNoInverse() {
        var options = DeconvolutionOptions()
        (options.method, options.regularization) = (.tikhonov, 0)
        let error = #expect(throws: DeconvolutionError.self) { try options.validate() }
        #expect(error?.text(.flag).hasPrefix("--regularization 0: --method tikhonov") == true)
        options.method = .fista
        #expect(throws: Never.self) { try options.validate() }
    }

    private func check(_ backend: TestBackend, _ item: MethodCase, _ weight: Double) throws {
        var options = DeconvolutionOptions()
        (options.method, options.background, options.regularization) = (.tikhonov, .value(item.background), weight)
        options.spacing = VoxelSpacing(z: 0.25, y: 0.1, x: 0.1)
        let engine = try item.engine(backend)
        let result = try item.deconvolve(engine, Methods.method(options)).estimate
        let work = engine.geometry.workShape
        let expected = LinearFilterReference.result(item, engine) { square, place in
            let curvature = (0..<3).reduce(0.0) { sum, axis in
                let rate = [0.4, 1, 1][axis]
                return sum + rate * rate * (2 - 2 * cos(2 * Double.pi * Double(place[axis]) / Double(work[axis])))
            }
            return 1 / (square + weight * curvature * curvature)
        }
        #expect(relativeRMSE(result, expected) <= 1e-5, "\(item.boundary), \(item.shape), \(weight)")
        #expect(result.allSatisfy { $0 >= 0 })
    }
}
