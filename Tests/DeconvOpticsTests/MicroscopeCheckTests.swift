import DeconvOptics
import DeconvVolume
import Testing

/// Figures that no microscope has are refused, and the message names the option that is wrong.
@Suite struct MicroscopeCheckTests {
    private typealias Change = @Sendable (inout Microscope) -> Void

    private static let widefield: [(OptionName, Change)] = [
        (.na, { $0.numericalAperture = 1.33 }), (.na, { $0.numericalAperture = 0 }),
        (.na, { $0.numericalAperture = .nan }),
        (.na, { $0.immersionDesignIndex = 1 }), (.na, { $0.coverGlass.index = 1.1 }),
        (.emission, { $0.emissionWavelength = 0.52 }), (.emission, { $0.emissionWavelength = 2001 }),
        (.immersion, { $0.immersionIndex = 0.9 }), (.immersion, { $0.immersionIndex = 3 }),
        (.sampleIndex, { $0.sampleIndex = 0.5 }), (.coverGlass, { $0.coverGlass.thickness = -1 }),
        (.depth, { $0.depth = -3 }), (.depth, { $0.depth = .infinity }), (.pinhole, { $0.pinhole = .airyUnits(1) }),
        (.sheetThickness, { $0.sheet = .thickness(2) }), (.sheetNA, { $0.sheet = .numericalAperture(0.1) }),
    ]
    private static let confocal: [(OptionName, Change)] = [
        (.excitation, { $0.excitationWavelength = nil }), (.excitation, { $0.excitationWavelength = 100 }),
        (.excitation, { $0.excitationWavelength = 900 }), (.pinhole, { $0.pinhole = .airyUnits(0) }),
        (.pinhole, { $0.pinhole = .airyUnits(101) }), (.pinhole, { $0.pinhole = .micrometers(1000) }),
        (.excitation, { $0.kind = .twoPhoton }),
        (.microscope, { $0.kind = .lightSheet }),
        (
            .sheetThickness,
            {
                $0.kind = .lightSheet
                $0.sheet = .thickness(0)
            }
        ),
        (
            .sheetNA,
            {
                $0.kind = .lightSheet
                $0.sheet = .numericalAperture(1.1)
            }
        ),
        (
            .excitation,
            {
                $0.kind = .lightSheet
                $0.sheet = .numericalAperture(0.1)
                $0.excitationWavelength = nil
            }
        ),
    ]

    @Test func messagesNameTheOption() throws {
        for (kind, changes) in [(Microscope.Kind.widefield, Self.widefield), (.confocal, Self.confocal)] {
            let good = microscope(kind)
            try good.validate()
            for (option, change) in changes {
                var bad = good
                change(&bad)
                let error = #expect(throws: DeconvolutionError.self) { try bad.validate() }
                #expect(error?.code == .invalidArgument)
                #expect(error?.options.first == option, "\(error?.message ?? "")")
            }
        }
    }

    @Test func gridsThatAreNoneAreRefused() {
        let spacing = VoxelSpacing(z: 0.1, y: 0.1, x: 0.1)
        let grids = [
            (VolumeShape(z: 0, y: 3, x: 3), spacing), (VolumeShape(z: 1 << 40, y: 1 << 40, x: 3), spacing),
            (VolumeShape(z: 3, y: 3, x: 3), VoxelSpacing(z: 0.1, y: -1, x: 0.1)),
            (VolumeShape(z: 3, y: 3, x: 3), VoxelSpacing(z: 1e12, y: 1, x: 1)),
            (VolumeShape(z: 3, y: 3, x: 3), VoxelSpacing(z: 1, y: 1e12, x: 1)),
        ]
        for (shape, spacing) in grids {
            let error = #expect(throws: DeconvolutionError.self) {
                try microscope(.widefield).pointSpreadFunction(shape: shape, spacing: spacing)
            }
            #expect(error?.code == .invalidArgument)
        }
    }

    private func microscope(_ kind: Microscope.Kind) -> Microscope {
        Microscope(
            kind: kind,
            numericalAperture: 1.2,
            emissionWavelength: 520,
            excitationWavelength: kind == .widefield ? nil : 488,
            immersionIndex: 1.33
        )
    }
}
