import DeconvVolume
import Glibc
import Testing

@testable import DeconvSimulation

@Suite struct CellPhantomTests {
    @Test(arguments: [
        VolumeShape(z: 20, y: 40, x: 48), VolumeShape(z: 1, y: 64, x: 50), VolumeShape(z: 9, y: 14, x: 21),
        VolumeShape(z: 2, y: 3, x: 2), VolumeShape(z: 5, y: 1, x: 1), VolumeShape(z: 1, y: 1, x: 1),
        VolumeShape(z: 30, y: 1, x: 30),
    ])
    func theBrightestVoxelHasThePeakAndNoneIsNegative(shape: VolumeShape) throws {
        let truth = try CellPhantom(shape: shape, seed: 4, peakPhotons: 500).render()
        #expect(truth.shape == shape)
        #expect(truth.voxels.allSatisfy { $0 >= 0 && $0.isFinite })
        #expect(abs(truth.voxels.max()! - 500) < 1e-3)
    }

    @Test func sameSeedSameCell() throws {
        let shape = VolumeShape(z: 12, y: 40, x: 44)
        let first = try CellPhantom(shape: shape, seed: 1).render().voxels
        #expect(try CellPhantom(shape: shape, seed: 1).render().voxels == first)
        #expect(try CellPhantom(shape: shape, seed: 2).render().voxels != first)
    }

    /// The same cell in voxels of half the size: each block of 2x2x2 small voxels holds the light of one large voxel.
    @Test func finerVoxelsShowTheSameBlob() {
        let coarseShape = VolumeShape(z: 10, y: 12, x: 14)
        let fineShape = VolumeShape(z: 20, y: 24, x: 28)
        var coarse = PhantomCanvas(shape: coarseShape, spacing: SIMD3(0.6, 0.2, 0.2))
        var fine = PhantomCanvas(shape: fineShape, spacing: SIMD3(0.3, 0.1, 0.1))
        coarse.addBlob(center: SIMD3(2.9, 1.3, 1.5), sigma: SIMD3(repeating: 0.15), light: 100)
        fine.addBlob(center: SIMD3(2.9, 1.3, 1.5), sigma: SIMD3(repeating: 0.15), light: 100)
        for z in 0..<10 {
            for y in 0..<12 {
                for x in 0..<14 {
                    var sum: Float = 0
                    for k in 0..<2 {
                        for j in 0..<2 {
                            for i in 0..<2 { sum += fine.voxels[((2 * z + k) * 24 + 2 * y + j) * 28 + 2 * x + i] }
                        }
                    }
                    #expect(abs(sum - coarse.voxels[(z * 12 + y) * 14 + x]) < 5e-3)
                }
            }
        }
    }

    @Test func aBlobKeepsItsLightItsPlaceAndItsWidth() {
        let shape = VolumeShape(z: 24, y: 40, x: 44)
        let spacing = SIMD3(0.3, 0.1, 0.12)
        var canvas = PhantomCanvas(shape: shape, spacing: spacing)
        let center = SIMD3(3.71, 2.03, 2.55)
        canvas.addBlob(center: center, sigma: SIMD3(repeating: 0.25), light: 1000)
        var sum = 0.0
        var first = SIMD3<Double>()
        var second = SIMD3<Double>()
        for (index, value) in canvas.voxels.enumerated() {
            let (row, x) = index.quotientAndRemainder(dividingBy: shape.x)
            let (z, y) = row.quotientAndRemainder(dividingBy: shape.y)
            let offset = (SIMD3(Double(z), Double(y), Double(x)) + 0.5) * spacing - center
            sum += Double(value)
            first += Double(value) * offset
            second += Double(value) * offset * offset
        }
        #expect(abs(sum - 1000) < 0.2)
        for axis in 0..<3 {
            #expect(abs(first[axis] / sum) < 1e-4)
            // A voxel's box adds its own variance, size²/12: the blob is round in µm whatever the voxels.
            #expect(abs(second[axis] / sum - (0.0625 + spacing[axis] * spacing[axis] / 12)) < 5e-4)
        }
    }

    @Test func aSphereHasItsVolumeInMicrometres() {
        let spacing = SIMD3(0.3, 0.1, 0.12)
        var canvas = PhantomCanvas(shape: VolumeShape(z: 24, y: 60, x: 50), spacing: spacing)
        let sphere = Ellipsoid(center: SIMD3(3.6, 3.01, 2.97), semiAxes: SIMD3(repeating: 1.5))
        canvas.addSolid(density: 2, within: sphere, where: -Double.infinity...0) { sphere.distance(to: $0) }
        let volume = canvas.voxels.reduce(0) { $0 + Double($1) } / 2 * 0.3 * 0.1 * 0.12
        #expect(abs(volume / (4.0 / 3 * Double.pi * 1.5 * 1.5 * 1.5) - 1) < 5e-3)
    }

    @Test func aShellOfATurnedEllipsoidIsEquallyThickAllAround() {
        let ellipsoid = Ellipsoid(center: SIMD3(), semiAxes: SIMD3(2, 3, 5), angle: 0.7)
        for direction in [SIMD3(1.0, 0, 0), SIMD3(0, 1, 0), SIMD3(0, 0, 1), SIMD3(1, -2, 0.5)] {
            let surface = ellipsoid.surfacePoint(towards: direction)
            let outward = ellipsoid.outward(at: surface)
            #expect(abs(ellipsoid.level(at: surface) - 1) < 1e-12)
            for distance in [-0.1, 0, 0.1] {
                #expect(abs(ellipsoid.distance(to: surface + distance * outward) - distance) < 0.01)
            }
        }
    }

    @Test func filamentsAreSmoothAndStayInsideTheImage() throws {
        let shape = VolumeShape(z: 40, y: 160, x: 200)
        let spacing = VoxelSpacing(z: 0.3, y: 0.1, x: 0.1)
        let phantom = try CellPhantom(shape: shape, spacing: spacing, seed: 6)
        #expect(phantom.filaments.count > 10)
        for filament in phantom.filaments {
            #expect(filament.allSatisfy { shape.contains($0) })
            let points = filament.map { SIMD3($0.z * 0.3, $0.y * 0.1, $0.x * 0.1) }
            for (a, (b, c)) in zip(points, zip(points.dropFirst(), points.dropFirst(2))) {
                let (before, after) = (b - a, c - b)
                let lengths = ((before * before).sum() * (after * after).sum()).squareRoot()
                // No kink: less than about 50 degrees at any of the hundreds of joints.
                #expect((before * after).sum() > 0.64 * lengths)
            }
        }
    }

    @Test func beadsAreBrightWhereTheyAreSaidToBe() throws {
        let shape = VolumeShape(z: 24, y: 96, x: 96)
        let phantom = try CellPhantom(shape: shape, spacing: VoxelSpacing(z: 0.3, y: 0.1, x: 0.1), seed: 2)
        let truth = phantom.render()
        #expect(phantom.beads.contains { $0.radius == 0 } && phantom.beads.contains { $0.radius > 0 })
        for bead in phantom.beads {
            #expect(shape.contains(bead.position))
            let here = truth[
                Int(bead.position.z.rounded()),
                Int(bead.position.y.rounded()),
                Int(bead.position.x.rounded())
            ]
            #expect(here > 80)
        }
    }

    @Test func impossiblePhantomsAreRefused() {
        let shape = VolumeShape(z: 4, y: 4, x: 4)
        #expect(throws: DeconvolutionError.self) { try CellPhantom(shape: VolumeShape(z: 0, y: 4, x: 4)) }
        #expect(throws: DeconvolutionError.self) {
            try CellPhantom(shape: VolumeShape(z: 1 << 30, y: 1 << 30, x: 1 << 30))
        }
        #expect(throws: DeconvolutionError.self) {
            try CellPhantom(shape: shape, spacing: VoxelSpacing(z: 0, y: 1, x: 1))
        }
        #expect(throws: DeconvolutionError.self) { try CellPhantom(shape: shape, peakPhotons: .nan) }
    }
}

extension VolumeShape {
    fileprivate func contains(_ position: CellPhantom.Position) -> Bool {
        (-0.5...Double(z) - 0.5).contains(position.z) && (-0.5...Double(y) - 0.5).contains(position.y)
            && (-0.5...Double(x) - 0.5).contains(position.x)
    }
}
