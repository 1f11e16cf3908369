import DeconvOptics
import DeconvOptions
import DeconvPipeline
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

/// Jobs whose PSF varies with depth, from PSFs and their places to result and report.
@Suite struct VaryingPSFJobTests {
    private static let shape = VolumeShape(z: 24, y: 28, x: 28)
    private static let spacing = VoxelSpacing(z: 0.5, y: 0.1, x: 0.1)
    private static let psfShape = VolumeShape(z: 9, y: 13, x: 13)
    /// Planes of which there is a PSF.
    private static let planes = [0, 6, 12, 18, 23]

    /// The PSF of a depth: Gaussians that widen from 0.8 to 2 voxels.
    private static func psf(plane: Int) -> Volume {
        let width = 0.8 + 1.2 * Double(plane) / Double(shape.z - 1)
        return GaussianPSF.normalized(shape: psfShape, sigma: [width, width, width], spacing: spacing)
    }

    private static func places(_ planes: [Int]) -> [PSFPlace] { planes.map { PSFPlace(z: Double($0) * spacing.z) } }

    /// Soft beads, and what the PSF of each plane makes of its light.
    private static let phantom: (truth: [Float], image: Volume) = {
        var generator = SeededGenerator(seed: 7)
        var truth = [Double](repeating: 0, count: shape.voxelCount)
        for _ in 0..<40 {
            let center = shape.axes.map { generator.uniform() * Double($0) }
            let bead = GaussianPSF.voxels(shape: shape, center: center, sigma: [1, 1.2, 1.2], peak: 3000)
            for index in truth.indices { truth[index] += bead[index] }
        }
        var image = [Double](repeating: 0, count: shape.voxelCount)
        let planeCount = shape.planeVoxelCount
        for plane in 0..<shape.z {
            // The light of one plane, blurred onto those that its PSF reaches.
            let slab = VolumeShape(z: psfShape.z, y: shape.y, x: shape.x)
            var light = [Double](repeating: 0, count: slab.voxelCount)
            let middle = psfShape.z / 2
            light.replaceSubrange(
                middle * planeCount..<(middle + 1) * planeCount,
                with: truth[plane * planeCount..<(plane + 1) * planeCount]
            )
            let blurred = DirectConvolution(psf(plane: plane), frame: slab, boundary: .zero).forward(light)
            for (offset, value) in blurred.enumerated() {
                let target = (plane - middle) * planeCount + offset
                if image.indices.contains(target) { image[target] += value }
            }
        }
        let noisy = image.map { Float(generator.poisson($0 + 5)) }
        return (truth.map { Float($0) }, Volume(shape: shape, voxels: noisy, spacing: spacing))
    }()

    private static func job(
        _ planes: [Int],
        _ change: (inout DeconvolutionOptions) -> Void = { _ in }
    ) -> DeconvolutionJob {
        var options = DeconvolutionOptions()
        options.backend = .cpu
        options.background = 5
        options.iterationCount = 50
        options.psfAsIs = true
        if planes.count > 1 { options.psfPlaces = places(planes) }
        change(&options)
        return DeconvolutionJob(
            source: ArraySource(phantom.image, name: "image.tif"),
            psfs: planes.map { MeasuredPSF(name: "plane \($0)", volume: psf(plane: $0)) },
            options: options
        )
    }

    private static func deconvolved(
        _ planes: [Int],
        _ change: (inout DeconvolutionOptions) -> Void = { _ in }
    ) throws -> (voxels: [Float], report: RunReport) {
        let sink = ArraySink()
        let report = try job(planes, change).run(into: sink)
        return (sink.voxels, report)
    }

    private static func error(_ voxels: [Float], planes: Range<Int>? = nil) -> Double {
        let planes = planes ?? 0..<shape.z
        let part = planes.lowerBound * shape.planeVoxelCount..<planes.upperBound * shape.planeVoxelCount
        return relativeRMSE(Array(voxels[part]), Array(phantom.truth[part]))
    }

    /// 2 dB, and no plane of a PSF stands out among those between.
    @Test func depthsOfPSFsAreTakenIntoAccount() throws {
        let best = try Self.planes.map { try Self.error(Self.deconvolved([$0]).voxels) }.min()!
        let result = try Self.deconvolved(Self.planes)
        let error = Self.error(result.voxels)
        #expect(20 * log10(best / error) >= 2, "\(best) by one PSF, \(error) by several")
        let errors = (0..<Self.shape.z).map { Self.error(result.voxels, planes: $0..<$0 + 1) }
        // Those at the ends lie beside what is not seen.
        let inner = Self.planes.dropFirst().dropLast()
        let seams = inner.map { errors[$0] }.max()!
        let others = (3..<Self.shape.z - 3).filter { !inner.contains($0) }.map { errors[$0] }.max()!
        #expect(seams <= 1.2 * others)
        let modes = try #require(result.report.psfModes.first)
        #expect(modes.modeCount > 1 && modes.modeCount <= Self.planes.count && modes.error <= PSFModes.largestError)
        #expect(modes.places == Self.places(Self.planes))
        #expect(result.report.psfs.count == Self.planes.count)
    }

    /// Tiles see the weights where they lie in the whole volume.
    @Test func tilesAreAsOnePiece() throws {
        let whole = try Self.deconvolved(Self.planes) { $0.iterationCount = 10 }.voxels
        let tiles = try Self.deconvolved(Self.planes) {
            $0.iterationCount = 10
            $0.tileShape = VolumeShape(z: 13, y: 20, x: 28)
        }
        #expect(tiles.report.tileCount > 1)
        #expect(relativeRMSE(tiles.voxels, whole) <= 1e-5)
    }

    @Test func equalPSFsAreAsOne() throws {
        let one = try Self.deconvolved([12])
        let three = try Self.deconvolved([12, 12, 12]) { $0.psfPlaces = Self.places([0, 12, 23]) }
        #expect(three.report.psfModes.map(\.modeCount) == [1])
        #expect(relativeRMSE(three.voxels, one.voxels) <= 1e-6)
    }

    /// Each mode has a transfer function, and their sums take two fields.
    @Test func modesAreCountedInMemory() throws {
        func footprint(_ modeCount: Int) throws -> Footprint {
            try Self.job(Self.planes) { $0.psfModeCount = modeCount }.plans()[0].tiles.footprint
        }
        let (one, four) = try (footprint(1), footprint(4))
        #expect(four.otfBytes == 4 * one.otfBytes)
        #expect(four.fieldBytes == one.fieldBytes + 2 * one.largestFieldBytes)
        let report = try Self.deconvolved(Self.planes) { $0.psfModeCount = 4 }.report
        #expect(report.peakDeviceBytes <= four.deviceBytes)
    }

    @Test func whatDoesNotGoTogetherIsRefused() throws {
        let filter = #expect(throws: DeconvolutionError.self) {
            try Self.deconvolved(Self.planes) {
                $0.method = MethodName(rawValue: "wiener")
                $0.iterationCount = DeconvolutionOptions().iterationCount
            }
        }
        #expect(filter?.message.contains("wiener is a filter of one PSF") == true)
        let count = #expect(throws: DeconvolutionError.self) {
            try Self.deconvolved(Self.planes) { $0.psfPlaces = Self.places([0, 5, 7]) }
        }
        #expect(count?.message.contains("3 places, but 5 PSFs are given") == true)
        let order = #expect(throws: DeconvolutionError.self) {
            try Self.deconvolved(Self.planes) { $0.psfPlaces = Self.places([0, 5, 7, 8, 8]) }
        }
        #expect(order?.message.contains("are no grid") == true)
    }

    /// What a session keeps goes with places as well as with PSFs.
    @Test func sessionsTellPlacesApart() throws {
        let session = DeconvolutionSession()
        func run(_ places: [PSFPlace]) throws -> [Float] {
            let collection = TestCollection()
            let job = Self.job([0, 23]) {
                $0.iterationCount = 3
                $0.psfPlaces = places
            }
            _ = try session.run(job, into: collection)
            return try #require(collection.volumes[[0, 0]])
        }
        let (forward, back) = (Self.places([0, 23]), Self.places([23, 0]))
        let first = try run(forward)
        #expect(try run(back) != first)
        #expect(try run(forward) == first)
    }
}
