import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

@testable import DeconvOptics

@Suite struct BeadMeasurementTests {
    /// Sixty beads.
    private static let mixed: [(BeadScene.Kind, Int)] = [(.single, 32), (.clump, 7), (.dim, 7), (.clipped, 7)]

    /// Root mean square of the difference over the maximum of the truth.
    private static func error(_ psf: PointSpreadFunction) -> Double {
        let truth = BeadScene.psf(psf.shape)
        let squares = zip(psf.voxels, truth).reduce(0.0) { $0 + pow(Double($1.0 - $1.1), 2) }
        return (squares / Double(truth.count)).squareRoot() / Double(truth.max()!)
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func sixtyBeadsOfFiveHundredPhotonsGiveThePSF(seed: UInt64) throws {
        let scene = BeadScene(Self.mixed, photons: 500, seed: seed)
        let result = try BeadMeasurement().measure([BeadField(try scene.recorded(seed: seed))])
        #expect(Self.error(result.psf) < 0.03, "\(Self.error(result.psf))")
        #expect(result.report.used >= 29, "\(result.report.rejected)")
        // Every bead of the mean is one of the single ones.
        for spot in result.spots where spot.verdict == .used {
            let nearest = scene.places.min { distance($0.place, spot) < distance($1.place, spot) }!
            #expect(nearest.kind == .single && distance(nearest.place, spot) < 2, "\(spot.position): \(nearest)")
        }
        #expect(result.report.rejected["crowded"]! >= 8)
        #expect(result.report.rejected["clipped"]! >= 4)
        // The wide part makes the sum a little wider than the Gaussian's 2√(2 ln 2) σ.
        for (width, sigma) in zip(result.report.fullWidthAtHalfMaximum, [1.8, 1.25, 1.25]) {
            #expect(abs(width! / (2.354820045 * sigma) - 1.03) < 0.08)
        }
        for (mean, width) in zip(result.report.beadWidths, result.report.fullWidthAtHalfMaximum) {
            #expect(abs(mean! / width! - 1) < 0.12)
        }
    }

    private func distance(_ place: [Double], _ spot: BeadSpot) -> Double {
        (0..<3).reduce(0) { $0 + pow(place[$1] - Double(spot.position[$1]), 2) }.squareRoot()
    }

    @Test(arguments: [0.2, 0.35])
    func theBeadsOwnSizeIsTakenOut(diameter: Double) throws {
        let scene = BeadScene(Self.mixed, photons: 500, diameter: diameter, seed: 5)
        let field = BeadField(try scene.recorded(seed: 5))
        var measurement = BeadMeasurement()
        let withBead = try measurement.measure([field])
        measurement.beadDiameter = diameter
        let without = try measurement.measure([field])
        #expect(Self.error(without.psf) < 0.03, "\(Self.error(without.psf))")
        #expect(Self.error(without.psf) < 0.8 * Self.error(withBead.psf))
        #expect(without.report.fullWidthAtHalfMaximum[2]! < withBead.report.fullWidthAtHalfMaximum[2]!)
        #expect(without.report.warnings.map(\.kind) == (diameter > 0.3 ? [.beadsLarge] : []))
    }

    @Test func fieldsOfSeveralStacksArePooled() throws {
        let fields = try [1, 2].map { seed in
            BeadField(try BeadScene([(.single, 8)], photons: 500, seed: seed).recorded(seed: seed))
        }
        let one = try BeadMeasurement().measure([fields[0]])
        let both = try BeadMeasurement().measure(fields)
        #expect(both.report.stackCount == 2 && both.report.used >= 15)
        #expect(Self.error(both.psf) < Self.error(one.psf))
    }

    @Test func oneBeadGivesAPSFWithAWarning() throws {
        let scene = BeadScene([(.single, 1)], photons: 20000, seed: 4)
        let result = try BeadMeasurement().measure([BeadField(try scene.recorded(seed: 4))])
        #expect(result.report.used == 1 && result.report.found == 1)
        #expect(result.report.warnings.map(\.kind) == [.beadsFew])
        #expect(result.report.beadWidthDeviations == [nil, nil, nil])
        #expect(Self.error(result.psf) < 0.02)
    }

    @Test func saturatedBeadsAreRefusedWithTheirNumber() throws {
        let scene = BeadScene([(.single, 5)], photons: 20000, seed: 6)
        let whole = try scene.recorded(seed: 6)
        let top = try whole.readVolume().floats.map { min($0, 300) }
        let clipped = ArraySource(.float32(top), shape: BeadScene.shape, spacing: BeadScene.spacing, name: "beads.tif")
        let error = try #require(throws: DeconvolutionError.self) {
            try BeadMeasurement().measure([BeadField(clipped)])
        }
        #expect(error.code == .invalidData)
        #expect(
            error.text(.flag)
                == "beads.tif: no bead can be used: of 5 spots 5 saturated; record single, bright, unsaturated beads"
        )
        let bytes = try whole.readVolume().floats.map { UInt8(min($0 - 90, 255)) }
        let ended = ArraySource(.uint8(bytes), shape: BeadScene.shape, spacing: BeadScene.spacing)
        #expect(throws: DeconvolutionError.self) { try BeadMeasurement().measure([BeadField(ended)]) }
    }

    @Test func noiseAloneHasNoBeads() throws {
        let scene = BeadScene([], photons: 0, seed: 7)
        let error = try #require(throws: DeconvolutionError.self) {
            try BeadMeasurement().measure([BeadField(try scene.recorded(seed: 7))])
        }
        #expect(error.code == .invalidData)
        #expect(error.text(.flag).hasPrefix("beads: no bead stands out of the background of 100."), "\(error)")
    }

    @Test func hotPixelsAreNotBeads() throws {
        let scene = BeadScene([(.single, 6)], photons: 2000, seed: 8)
        var voxels = try scene.recorded(seed: 8).readVolume().floats
        for number in 0..<40 { voxels[(number * 65_001 + 900_017) % voxels.count] = 4000 }
        let source = ArraySource(.float32(voxels), shape: BeadScene.shape, spacing: BeadScene.spacing)
        let result = try BeadMeasurement().measure([BeadField(source)])
        #expect(result.report.used >= 4 && result.report.used <= 6, "\(result.report.rejected)")
        #expect(result.report.rejected["narrow"]! >= 20)
    }

    @Test func stacksOfOneMeasurementHaveOneVoxelSize() throws {
        let source = try BeadScene([(.single, 2)], photons: 500, seed: 9).recorded(seed: 9)
        let other = ArraySource(
            try source.readVolume(),
            shape: BeadScene.shape,
            spacing: VoxelSpacing(z: 0.3, y: 0.1, x: 0.1),
            name: "other.tif"
        )
        let error = try #require(throws: DeconvolutionError.self) {
            try BeadMeasurement().measure([BeadField(source), BeadField(other)])
        }
        #expect(error.text(.flag).hasPrefix("other.tif: has voxels of 0.3, 0.1, 0.1 µm, and beads of 0.2, 0.1, 0.1 µm"))
        #expect(error.text(.flag).hasSuffix("or give --spacing"))
    }

    @Test func valuesOutsideTheirRangeAreRefused() throws {
        let source = try BeadScene([(.single, 2)], photons: 500, seed: 10).recorded(seed: 10)
        let unknown = ArraySource(try source.readVolume(), shape: BeadScene.shape, name: "beads.tif")
        func message(_ source: ArraySource, _ change: (inout BeadMeasurement) -> Void) -> String? {
            var measurement = BeadMeasurement()
            change(&measurement)
            let error = #expect(throws: DeconvolutionError.self) { try measurement.measure([BeadField(source)]) }
            return error?.text(.flag)
        }
        #expect(message(source) { $0.beadDiameter = 0 }?.hasPrefix("--bead-diameter 0.0: give the diameter") == true)
        #expect(
            message(unknown) { $0.beadDiameter = 0.2 }
                == "--bead-diameter 0.2: beads.tif does not say how large its voxels are; give --spacing"
        )
        #expect(
            message(source) { $0.box = VolumeShape(z: 41, y: 21, x: 21) }?
                .hasPrefix("--box 41,21,21: does not fit into beads, which is 40x256x256") == true
        )
        #expect(
            message(source) { $0.spacing = VoxelSpacing(z: 0, y: 1, x: 1) }?.hasPrefix("--spacing 0.0,1.0,1.0") == true
        )
    }

    @Test func theBoxIsWhatWasAskedFor() throws {
        let source = try BeadScene([(.single, 6)], photons: 500, seed: 11).recorded(seed: 11)
        var measurement = BeadMeasurement()
        measurement.box = VolumeShape(z: 16, y: 11, x: 12)
        let result = try measurement.measure([BeadField(source)])
        #expect(result.psf.shape == VolumeShape(z: 16, y: 11, x: 12))
        #expect(Self.error(result.psf) < 0.1)
    }
}
