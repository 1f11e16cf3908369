import DeconvOptics
import DeconvVolume
import Testing

@Suite struct NyquistSamplingTests {
    private static func microscope(
        _ kind: Microscope.Kind,
        _ aperture: Double,
        _ index: Double,
        sheet: Double? = nil
    ) -> Microscope {
        var microscope = Microscope(
            kind: kind,
            numericalAperture: aperture,
            emissionWavelength: 520,
            excitationWavelength: 520,
            immersionIndex: index
        )
        microscope.sheet = sheet.map { .thickness($0) }
        return microscope
    }

    /// Calculated by hand: 520 nm / (4 NA), 520 nm / (2 n (1 − cos α)).
    @Test(arguments: [(1.4, 1.515, 92.9, 278.2), (1.2, 1.333, 108.3, 343.0), (0.4, 1.0, 325, 3113)])
    func anObjectiveHasALargestVoxel(aperture: Double, index: Double, across: Double, along: Double) {
        let largest = Self.microscope(.widefield, aperture, index).nyquistSpacing
        #expect(abs(largest.x * 1000 - across) < 0.01 * across)
        #expect(abs(largest.z * 1000 - along) < 0.01 * along)
    }

    @Test func aConfocalMicroscopeWithOneWavelengthAsksForHalf() {
        let wide = Self.microscope(.widefield, 1.4, 1.515).nyquistSpacing
        let confocal = Self.microscope(.confocal, 1.4, 1.515).nyquistSpacing
        #expect(abs(confocal.x - wide.x / 2) < 1e-12 && abs(confocal.z - wide.z / 2) < 1e-12)
    }

    @Test func aThinSheetWidensTheBandAlongTheAxis() {
        let wide = Self.microscope(.widefield, 1.0, 1.333).nyquistSpacing
        let thin = Self.microscope(.lightSheet, 1.0, 1.333, sheet: 0.4).nyquistSpacing
        let thick = Self.microscope(.lightSheet, 1.0, 1.333, sheet: 100).nyquistSpacing
        #expect(thin.z < 0.5 * wide.z && thin.x == wide.x)
        #expect(abs(thick.z - wide.z) < 0.02 * wide.z)
    }

    @Test func onlyVoxelsThatAreTooLargeAreSaidToBe() {
        let microscope = Self.microscope(.widefield, 1.4, 1.515)
        #expect(microscope.samplingWarning(of: VoxelSpacing(z: 0.25, y: 0.1, x: 0.1), "cell.tif") == nil)
        let warning = microscope.samplingWarning(of: VoxelSpacing(z: 1, y: 0.1, x: 0.2), "cell.tif")
        #expect(warning?.kind == .undersampled)
        #expect(warning?.figures?.text(.flag) == "z 1.0 µm, at most 0.278; x 0.2 µm, at most 0.093")
    }
}
