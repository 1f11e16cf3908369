import DeconvMethods
import DeconvOptions
import DeconvPipeline
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

/// Images at the end of what there is: every method gives a result without a NaN, as it is and with all that it can find
/// out.
@Suite struct EdgeCaseTests {
    /// An image and what is known of its result.
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var shape = VolumeShape(z: 10, y: 18, x: 15)
        var psf = TestImage.psf(VolumeShape(z: 5, y: 6, x: 7))
        var voxels: [Float]
        var background: ImageBackground = 0
        var mask: [Float]?
        /// Light of the result over that of the image above its background; nil for none at all.
        var light: ClosedRange<Double>?
        /// Where it is brightest; nil for anywhere.
        var brightest: VolumeIndex?

        var testDescription: String { name }
    }

    private static let center = VolumeIndex(z: 5, y: 9, x: 7)

    /// Photons of a bead that a PSF of five planes blurs, with a little haze.
    private static func bead(_ photons: Double, in shape: VolumeShape, psf: Volume, at place: VolumeIndex) -> [Float] {
        var generator = SeededGenerator(seed: 4)
        var light = [Double](repeating: 0, count: shape.voxelCount)
        light[(place.z * shape.y + place.y) * shape.x + place.x] = photons
        return DirectConvolution(psf, frame: shape, boundary: .zero).forward(light)
            .map { Float(generator.poisson($0 + 2)) }
    }

    static let cases: [Case] = {
        let shape = VolumeShape(z: 10, y: 18, x: 15)
        let psf = TestImage.psf(VolumeShape(z: 5, y: 6, x: 7))
        let empty = [Float](repeating: 0, count: shape.voxelCount)
        let bright = bead(1e6, in: shape, psf: psf, at: center)
        var hole = [Float](repeating: 1, count: shape.voxelCount)
        for z in 4..<7 {
            for y in 8..<11 { for x in 6..<9 { hole[(z * shape.y + y) * shape.x + x] = 0 } }
        }
        let plane = VolumeShape(z: 1, y: 29, x: 20)
        let flat = TestImage.psf(VolumeShape(z: 1, y: 6, x: 7))
        let inPlane = VolumeIndex(z: 0, y: 14, x: 9)
        return [
            Case(name: "no counts at all", voxels: empty),
            Case(name: "no counts, with a background to be found", voxels: empty, background: .auto),
            Case(
                name: "all below the background",
                voxels: TestImage.observed(shape, psf: psf).map { $0 / 10 },
                background: 50
            ),
            Case(
                name: "a bead of a million photons",
                voxels: bright,
                background: 2,
                light: 0.8...1.5,
                brightest: center
            ),
            Case(
                name: "a PSF of one voxel",
                psf: Volume(shape: VolumeShape(z: 1, y: 1, x: 1), voxels: [1]),
                voxels: bead(2e4, in: shape, psf: psf, at: center),
                background: 2,
                light: 0.7...1.5
            ),
            Case(
                name: "a bead that is masked",
                voxels: bead(2e4, in: shape, psf: psf, at: center),
                background: 2,
                mask: hole,
                light: 0.5...3
            ),
            // Of all images the one with fewest frequencies: only that of 0.
            Case(name: "one voxel", shape: VolumeShape(z: 1, y: 1, x: 1), voxels: [50], light: 0...20),
            Case(
                name: "one plane",
                shape: plane,
                psf: flat,
                voxels: bead(2e4, in: plane, psf: flat, at: inPlane),
                background: 2,
                light: 0.8...1.5,
                brightest: inPlane
            ),
        ]
    }()

    /// What is tried of a method.
    enum Variant: String, CaseIterable, Sendable {
        /// As it is.
        case defaults
        /// Held-out photons, total variation by these, and steps that go on beyond updates, as far as it takes them.
        case heldOut
        /// The same with the other acceleration and whiteness, which needs no photons.
        case whiteness
    }

    private static func options(_ name: MethodName, _ variant: Variant) -> DeconvolutionOptions? {
        var options = DeconvolutionOptions()
        options.method = name
        let taken = Methods.all.filter { $0.description.name == name }.flatMap { $0.description.options }
        guard variant != .defaults else { return options }
        guard taken.contains(.stop) else { return nil }
        options.stop = variant == .heldOut ? .heldOut : .whiteness
        options.maximumIterationCount = 40
        if taken.contains(.accelerate) { options.acceleration = variant == .heldOut ? .heavyBall : .biggsAndrews }
        if taken.contains(.totalVariation) { options.totalVariation = variant == .heldOut ? .auto : 0.15 }
        return options
    }

    /// The result of a case.
    private static func run(
        _ edge: Case,
        _ options: DeconvolutionOptions
    ) throws(DeconvolutionError) -> [Float] {
        var options = options
        options.background = edge.background
        options.psfAsIs = true
        let job = DeconvolutionJob(
            source: ArraySource(Volume(shape: edge.shape, voxels: edge.voxels), name: "image.tif"),
            psfs: [MeasuredPSF(name: "psf.tif", volume: edge.psf)],
            sensitivity: Sensitivity(mask: edge.mask.map { Volume(shape: edge.shape, voxels: $0) }),
            options: options
        )
        let sink = ArraySink()
        _ = try job.run(into: sink)
        return sink.voxels
    }

    /// Filters, and methods that go back by one: what rings around a point is cut off at 0, which leaves more light, and few
    /// steps have not got all of it.
    private static let ringing: Set<MethodName> = [.wiener, .tikhonov, .wienerButterworth, .maskedWiener]

    private static func check(_ edge: Case, _ name: MethodName, _ voxels: [Float], _ comment: Comment) {
        #expect(voxels.count == edge.shape.voxelCount && voxels.allSatisfy { $0 >= 0 && $0.isFinite }, comment)
        let sum = voxels.reduce(0) { $0 + Double($1) }
        guard let light = edge.light else {
            #expect(sum == 0, comment)
            return
        }
        let observed = zip(edge.voxels, edge.mask ?? edge.voxels.map { _ in 1 })
            .reduce(0) { $0 + (Double($1.0) - edge.background.first) * Double($1.1) }
        let (least, most) = (light.lowerBound, light.upperBound)
        let expected = ringing.contains(name) ? 0.3 * least...4 * most : least...most
        #expect(expected.contains(sum / observed), "\(comment): light \(sum / observed)")
        guard let brightest = edge.brightest, let peak = voxels.indices.max(by: { voxels[$0] < voxels[$1] }) else {
            return
        }
        let place = VolumeIndex(
            z: peak / edge.shape.planeVoxelCount,
            y: peak / edge.shape.x % edge.shape.y,
            x: peak % edge.shape.x
        )
        // A few steps leave a point as wide as a PSF without symmetry makes it.
        #expect((0..<3).allSatisfy { abs(place[$0] - brightest[$0]) <= 1 }, "\(comment): brightest at \(place)")
    }

    @Test(arguments: MethodsTests.names)
    func everyMethodStaysSound(name: MethodName) throws {
        for edge in Self.cases {
            for variant in Variant.allCases {
                guard var options = Self.options(name, variant) else { continue }
                options.backend = .cpu
                let comment: Comment = "\(name), \(variant.rawValue): \(edge.name)"
                do throws(DeconvolutionError) {
                    Self.check(edge, name, try Self.run(edge, options), comment)
                } catch {
                    // A method may say that this is none of its images.
                    #expect(error.code == .invalidData || error.code == .invalidArgument, "\(comment): \(error)")
                }
            }
        }
    }
}
