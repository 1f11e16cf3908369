import DeconvTestSupport
import DeconvVolume
import Glibc
import Testing

@testable import DeconvOptics

/// Modes of PSFs whose singular values are known.
@Suite struct PSFModesTests {
    private static let shape = VolumeShape(z: 7, y: 9, x: 11)

    private static func psf(_ volume: Volume) -> PointSpreadFunction {
        PointSpreadFunction(shape: volume.shape, voxels: volume.voxels, spacing: volume.spacing)
    }

    private static let narrow = GaussianPSF.normalized(shape: shape, sigma: [0.8, 1, 1])
    private static let wide = GaussianPSF.normalized(shape: VolumeShape(z: 5, y: 7, x: 11), sigma: [2, 2, 2.5])

    /// Mixtures of two PSFs differ in one direction, whatever their number.
    @Test func mixturesOfTwoPSFsHaveTwoModes() {
        let psfs = [0, 0.2, 0.7, 1].map { (part: Double) in
            let padded = PSFModes([Self.psf(Self.narrow), Self.psf(Self.wide)], count: 2)
            let ends = [0, 1].map { Self.made(of: padded, $0) }
            return PointSpreadFunction(
                shape: Self.shape,
                voxels: zip(ends[0], ends[1]).map { Float((1 - part) * Double($0) + part * Double($1)) }
            )
        }
        let modes = PSFModes(psfs)
        #expect(modes.variations.count == 1)
        #expect(modes.error <= 1e-6)
        for (number, psf) in psfs.enumerated() {
            #expect(relativeRMSE(Self.made(of: modes, number), psf.voxels) <= 1e-6)
        }
        #expect(abs(modes.mean.voxels.reduce(0) { $0 + Double($1) } - 1) <= 1e-6)
        let variation = modes.variations[0]
        #expect(abs(variation.psf.voxels.reduce(0) { $0 + Double($1) } * Double(variation.weights.max()!)) <= 1e-6)
    }

    /// A PSF of a smaller box is the same with 0 around it.
    @Test func smallerPSFsKeepTheirCenter() {
        let modes = PSFModes([Self.psf(Self.narrow), Self.psf(Self.wide)], count: 2)
        #expect(modes.mean.shape == Self.shape)
        let made = Volume(shape: Self.shape, voxels: Self.made(of: modes, 1))
        #expect(relativeRMSE(made.centralPart(Self.wide.shape).voxels, Self.wide.voxels) <= 1e-6)
        #expect(abs(made.voxels.reduce(0, +) - 1) <= 1e-5)
    }

    @Test func equalPSFsHaveOneMode() {
        let modes = PSFModes([Self.psf(Self.narrow), Self.psf(Self.narrow), Self.psf(Self.narrow)])
        #expect(modes.variations.isEmpty && modes.error <= 1e-7)
        #expect(relativeRMSE(modes.mean.voxels, Self.narrow.voxels) <= 1e-7)
    }

    /// What is left of a PSF is what the sum of its modes lacks, and less with each mode.
    @Test func errorIsThatOfThePSFThatIsDescribedWorst() {
        let psfs = (0..<9).map { number in
            let width = 0.7 + 0.2 * Double(number)
            return Self.psf(GaussianPSF.normalized(shape: Self.shape, sigma: [width, width, width]))
        }
        var last = Double.infinity
        for count in 1...6 {
            let modes = PSFModes(psfs, count: count)
            #expect(modes.variations.count == count - 1)
            let errors = psfs.indices.map { relativeRMSE(Self.made(of: modes, $0), psfs[$0].voxels) }
            #expect(abs(modes.error - errors.max()!) <= 1e-5)
            #expect(modes.error <= last)
            last = modes.error
        }
        let modes = PSFModes(psfs)
        #expect(modes.error <= PSFModes.largestError)
        #expect(PSFModes(psfs, count: modes.variations.count).error > PSFModes.largestError)
    }

    private static func made(of modes: PSFModes, _ number: Int) -> [Float] {
        modes.variations.reduce(modes.mean.voxels) { sum, mode in
            zip(sum, mode.psf.voxels).map { $0 + mode.weights[number] * $1 }
        }
    }

    /// The matrix of second differences has the eigenvalues 2 − 2 cos(k π / (n + 1)).
    @Test(arguments: [1, 2, 9]) func eigenvaluesAreThoseOfSecondDifferences(size: Int) {
        var matrix = SymmetricMatrix(size: size, values: [Double](repeating: 0, count: size * size))
        for index in 0..<size {
            matrix.values[index * size + index] = 2
            if index > 0 {
                matrix.values[index * size + index - 1] = -1
                matrix.values[(index - 1) * size + index] = -1
            }
        }
        let found = matrix.eigenvectors()
        for (number, (value, vector)) in found.enumerated() {
            let k = Double(size - number)
            #expect(abs(value - (2 - 2 * cos(k * .pi / Double(size + 1)))) <= 1e-12)
            for row in 0..<size {
                let product = (0..<size).reduce(0) { $0 + matrix.values[row * size + $1] * vector[$1] }
                #expect(abs(product - value * vector[row]) <= 1e-12)
            }
            #expect(abs(vector.reduce(0) { $0 + $1 * $1 } - 1) <= 1e-12)
        }
    }
}

/// Where the modes of PSFs hold.
@Suite struct PreparedBlurTests {
    private static let psfs = [0.8, 1.2, 1.6, 2].map { width in
        let volume = GaussianPSF.normalized(shape: VolumeShape(z: 5, y: 7, x: 7), sigma: [width, width, width])
        return PointSpreadFunction(shape: volume.shape, voxels: volume.voxels)
    }
    private static let spacing = VoxelSpacing(z: 0.5, y: 0.1, x: 0.1)

    /// Places in any order become nodes in ascending order, in voxels.
    @Test func placesBecomeNodes() throws {
        let places = [
            PSFPlace(z: 5, y: 0, x: 3), PSFPlace(z: 0, y: 0, x: 0), PSFPlace(z: 0, y: 0, x: 3),
            PSFPlace(z: 5, y: 0, x: 0),
        ]
        let prepared = try PreparedBlur(Self.psfs, at: places, spacing: Self.spacing, modeCount: 4)
        #expect(prepared.blur.modes.count == 4)
        for mode in prepared.blur.modes.dropFirst() {
            let grid = try #require(mode.weights)
            #expect(grid.nodes[0] == [0, 10] && grid.nodes[1] == [0])
            #expect(grid.nodes[2].count == 2 && abs(grid.nodes[2][1] - 30) <= 1e-12)
        }
        // The PSF of (0, 0, 0) µm, which was the second one, is that of the first node.
        for (node, number) in [1, 2, 3, 0].enumerated() {
            var psf = prepared.blur.modes[0].psf.voxels
            for mode in prepared.blur.modes.dropFirst() {
                psf = zip(psf, mode.psf.voxels).map { $0 + mode.weights!.values[node] * $1 }
            }
            #expect(relativeRMSE(psf, Self.psfs[number].voxels) <= 1e-6)
        }
        #expect(prepared.report?.modeCount == 4 && prepared.report?.warnings.isEmpty == true)
    }

    @Test func placesThatAreNoGridAreRefused() {
        let places = [
            PSFPlace(z: 0, y: 0, x: 0), PSFPlace(z: 5, y: 0, x: 0), PSFPlace(z: 5, y: 0, x: 3),
            PSFPlace(z: 9, y: 0, x: 0),
        ]
        let error = #expect(throws: DeconvolutionError.self) {
            try PreparedBlur(Self.psfs, at: places, spacing: Self.spacing)
        }
        #expect(error?.message.contains("4 places of 3 depths, 1 rows and 2 columns are no grid") == true)
        let unknown = #expect(throws: DeconvolutionError.self) {
            try PreparedBlur(Self.psfs, at: places, spacing: nil)
        }
        #expect(unknown?.message.contains("how large the voxels") == true)
    }

    @Test func modesThatLeaveMuchAreTold() throws {
        let places = (0..<4).map { PSFPlace(z: Double($0)) }
        let prepared = try PreparedBlur(Self.psfs, at: places, spacing: Self.spacing, modeCount: 1)
        #expect(prepared.report?.warnings.map(\.kind) == [.psfModesFew])
    }
}
