import DeconvOptics
import DeconvVolume
import Foundation
import Testing

/// A PSF that another program computed; Tests/Fixtures/PSF/make_microscopes.py says how.
struct MicroscopeFixture: CustomTestStringConvertible, Sendable {
    let program: String
    let microscope: Microscope
    let shape: VolumeShape
    let spacing: VoxelSpacing
    /// Position of the objective for plane n/2, µm.
    let middle: Double
    let voxels: [Float]
    let testDescription: String

    /// All of them, in the order of the file.
    static func all() throws -> [MicroscopeFixture] {
        let data = try Data(contentsOf: PSFFixture.url("microscopes.raw"))
        var offset = 0
        return try PSFFixture.words("microscopes.txt").map { words in
            let figures = words.compactMap(Double.init)
            var microscope = Microscope(
                kind: Microscope.Kind(rawValue: words[1])!,
                numericalAperture: figures[0],
                emissionWavelength: figures[1],
                excitationWavelength: figures[2],
                immersionIndex: figures[3]
            )
            microscope.model = Microscope.Model(rawValue: words[2])!
            microscope.sampleIndex = figures[4]
            microscope.depth = figures[5]
            if microscope.kind.hasPinhole { microscope.pinhole = .airyUnits(figures[6]) }
            let shape = VolumeShape(z: Int(figures[7]), y: Int(figures[8]), x: Int(figures[9]))
            let voxels = (0..<shape.voxelCount).map { i in
                Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(data[offset + 4 * i + $1]) << UInt32(8 * $1) })
            }
            offset += 4 * shape.voxelCount
            return MicroscopeFixture(
                program: words[0],
                microscope: microscope,
                shape: shape,
                spacing: VoxelSpacing(z: figures[10], y: figures[11], x: figures[12]),
                middle: figures[13],
                voxels: voxels,
                testDescription: words.prefix(10).joined(separator: " ")
            )
        }
    }
}
