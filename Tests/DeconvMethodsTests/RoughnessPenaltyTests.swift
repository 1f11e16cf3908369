import DeconvMethods
import DeconvOptions
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Testing

/// Richardson-Lucy with Good's roughness or that of Tikhonov and Miller against its formula in double precision, in one piece and
/// in tiles.
@Suite struct RoughnessPenaltyTests {
    private static let penalties = [
        RoughnessPenalty(.good, weight: 0.05, rates: SIMD3(0.4, 1, 1)),
        RoughnessPenalty(.tikhonovMiller, weight: 0.05, rates: SIMD3(0.4, 1, 1)),
    ]

    @Test(arguments: TestBackend.all, penalties)
    func estimateIsThatOfTheFormula(backend: TestBackend, penalty: RoughnessPenalty) throws {
        let cases = [(BoundaryMode.extend, false), (.extend, true), (.periodic, false)]
        for (boundary, hasSensitivity) in cases {
            let item = MethodCase(boundary, hasSensitivity: hasSensitivity)
            let engine = try item.engine(backend)
            for acceleration in [Acceleration.none, .heavyBall] {
                let expected = AccelerationTests.reference(item, engine, acceleration) { point, domain in
                    Self.weight(penalty, point, domain, light: item.light)
                }
                for core in [nil, VolumeShape(z: 6, y: 10, x: 12)] {
                    var method = AccelerationTests.method(item, acceleration)
                    method.penalty = penalty
                    let result = try item.deconvolve(item.engine(backend, core: core), method)
                    let error = relativeRMSE(result.estimate, expected)
                    #expect(error <= 1e-4, "\(core as Any), \(hasSensitivity), \(acceleration)")
                }
            }
        }
    }

    /// Neither knows in what unit the light is counted, and a finer sampling along an axis counts as much as the voxels are smaller.
    @Test(arguments: [RoughnessPenalty.Kind.good, .tikhonovMiller])
    func optionsSayWhichOneItIs(kind: RoughnessPenalty.Kind) throws {
        var options = DeconvolutionOptions()
        options.goodRoughness = kind == .good ? 0.02 : 0
        options.tikhonovMiller = kind == .tikhonovMiller ? 0.02 : 0
        options.spacing = VoxelSpacing(z: 0.4, y: 0.1, x: 0.1)
        #expect(RichardsonLucy(options).penalty == RoughnessPenalty(kind, weight: 0.02, rates: SIMD3(0.25, 1, 1)))
        #expect(RichardsonLucy(DeconvolutionOptions()).penalty == nil)
        let shape = VolumeShape(z: 10, y: 18, x: 15)
        let psf = TestImage.psf(VolumeShape(z: 5, y: 6, x: 7))
        let observed = TestImage.observed(shape, psf: psf, background: 0)
        (options.backend, options.psfAsIs) = (.cpu, true)
        let plain = try JobRun(Volume(shape: shape, voxels: observed), psf: psf, options)
        let brighter = try JobRun(Volume(shape: shape, voxels: observed.map { 8 * $0 }), psf: psf, options)
        #expect(relativeRMSE(brighter.voxels.map { $0 / 8 }, plain.voxels) <= 1e-6)
        options.spacing = nil
        let even = try JobRun(Volume(shape: shape, voxels: observed), psf: psf, options)
        #expect(relativeRMSE(even.voxels, plain.voxels) > 1e-4)
    }

    @Test func onePenaltyIsEnough() {
        var options = DeconvolutionOptions()
        (options.goodRoughness, options.tikhonovMiller) = (0.1, 0.1)
        let error = #expect(throws: DeconvolutionError.self) { try options.validate() }
        #expect(
            error?.text(.flag)
                == "--good-roughness and --tikhonov-miller both say how smooth the estimate is to be; give one of them"
        )
        (options.tikhonovMiller, options.totalVariation) = (0, 0.1)
        #expect(throws: DeconvolutionError.self) { try options.validate() }
    }

    private static func weight(
        _ penalty: RoughnessPenalty,
        _ point: [Double],
        _ domain: VolumeShape,
        light: Double
    ) -> [Double] {
        switch penalty.kind {
        case .good:
            CurvatureReference.weight(of: point, domain, strength: 0.1, floor: 1e-6 * light, rates: [0.4, 1, 1])
        case .tikhonovMiller:
            CurvatureReference.weight(of: point, domain, strength: 0.05 / light, rates: [0.4, 1, 1])
        }
    }
}
