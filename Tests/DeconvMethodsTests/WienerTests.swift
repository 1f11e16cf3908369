import DeconvDevice
import DeconvMethods
import DeconvOptions
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Testing

/// The filter against its formula in double precision, and what a microscopist takes for granted.
@Suite struct WienerTests {
    static let boundaries: [BoundaryMode] = [.zero, .edge, .reflect, .periodic]

    @Test(arguments: TestBackend.all, boundaries)
    func resultIsThatOfTheFormula(backend: TestBackend, boundary: BoundaryMode) throws {
        for (snr, hasSensitivity) in [(20, false), (3, false), (20, true)] as [(Double, Bool)] {
            try check(backend, MethodCase(boundary, hasSensitivity: hasSensitivity), snr: snr)
        }
        try check(backend, MethodCase(boundary, isFlat: true), snr: 20)
    }

    @Test(arguments: TestBackend.withPasses)
    func resultInPassesIsThatOfTheFormula(backend: TestBackend) throws {
        try check(backend, MethodCase(.reflect, isFlat: true), snr: 20)
    }

    /// A PSF that is symmetric has a transfer function of real numbers.
    @Test(arguments: TestBackend.all)
    func aSymmetricPSFHasTheSameFormula(backend: TestBackend) throws {
        var item = MethodCase(.zero)
        item.psf = GaussianPSF.normalized(shape: VolumeShape(z: 5, y: 7, x: 7), sigma: [1, 1.5, 1.2])
        try check(backend, item, snr: 20)
    }

    private func check(_ backend: TestBackend, _ item: MethodCase, snr: Double) throws {
        let engine = try item.engine(backend)
        let result = try item.deconvolve(engine, item.method(.wiener, snr: snr)).estimate
        let noise = 1 / (snr * snr)
        let expected = LinearFilterReference.result(item, engine) { square, _ in (1 + noise) / (square + noise) }
        #expect(relativeRMSE(result, expected) <= 1e-5, "\(item.boundary), \(item.shape), snr \(snr)")
        #expect(result.allSatisfy { $0 >= 0 } && result.contains { $0 == 0 })
    }

    /// A volume of the same light everywhere stays as it is, at its borders too, whatever the noise.
    @Test(arguments: TestBackend.all, [BoundaryMode.extend, .edge, .reflect, .periodic])
    func evenLightStaysEven(backend: TestBackend, boundary: BoundaryMode) throws {
        let item = MethodCase(boundary == .extend ? .reflect : boundary)
        let observed = [Float](repeating: 110, count: item.shape.voxelCount)
        for snr in [1.0, 20] {
            let method = try item.method(.wiener, snr: snr)
            #expect(method.boundary(boundary) == item.boundary)
            let result = try item.engine(backend).deconvolve(.float32(observed), method).estimate
            #expect(result.allSatisfy { abs($0 - 100) < 1e-2 })
        }
    }
}
