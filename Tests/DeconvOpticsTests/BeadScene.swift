import DeconvOptics
import DeconvSimulation
import DeconvVolume
import Foundation

/// A stack of beads that is computed: what each bead is, where it lies to a hundredth of a voxel, and the PSF without any bead.
struct BeadScene {
    /// What a bead is there for.
    enum Kind { case single, clump, dim, clipped }

    static let shape = VolumeShape(z: 40, y: 256, x: 256)
    static let spacing = VoxelSpacing(z: 0.2, y: 0.1, x: 0.1)
    /// A Gaussian, and a twentieth of its height of one that is 2.2 times as wide, voxels (z, y, x).
    private static let sigmas = [1.8, 1.25, 1.25]
    private static let parts = [(height: 1.0, scale: 1.0), (height: 0.05, scale: 2.2)]

    /// Where the beads are, with what they are.
    private(set) var places: [(place: [Double], kind: Kind)] = []
    /// Photons per voxel.
    private(set) var expected: Volume

    /// Places beads at random, so that those of different groups are far from each other.
    /// - Parameters:
    ///   - counts: beads, or pairs of beads for clumps.
    ///   - photons: of a bead that is not dim.
    ///   - diameter: of the beads, µm.
    init(
        _ counts: [(Kind, Int)],
        photons: Double,
        diameter: Double = 0,
        background: Float = 0.5,
        seed: UInt64
    ) {
        expected = Volume(
            shape: Self.shape,
            voxels: [Float](repeating: background, count: Self.shape.voxelCount),
            spacing: Self.spacing
        )
        var stream = RandomStream(seed: seed)
        let points = Self.pointsOfSphere(diameter)
        for (kind, count) in counts {
            for number in 0..<count {
                var place: [Double]
                repeat {
                    place = [
                        stream.uniform(12...27), stream.uniform(18...237), stream.uniform(18...237),
                    ]
                    if kind == .clipped { place[number % 3] = stream.uniform(0...3) }
                } while places.contains { hypot($0.place[1] - place[1], $0.place[2] - place[2]) < 24 }
                places.append((place, kind))
                add(place, photons: kind == .dim ? 0.3 * photons : photons, points)
                if kind == .clump {
                    let angle = stream.uniform(0...(2 * Double.pi))
                    let distance = stream.uniform(3.5...6)
                    let other = [place[0], place[1] + distance * sin(angle), place[2] + distance * cos(angle)]
                    add(other, photons: photons, points)
                }
            }
        }
    }

    /// The PSF on voxels of the scene with its center on voxel n/2, sum 1 in the box.
    static func psf(_ box: VolumeShape) -> [Float] {
        var values = [Double](repeating: 0, count: box.voxelCount)
        let center = box.axes.map { Double($0 / 2) }
        for part in parts {
            let profiles = (0..<3).map { profile(center[$0], 0..<box[$0], sigmas[$0] * part.scale) }
            var offset = 0
            for z in profiles[0] {
                for y in profiles[1] {
                    for x in profiles[2] {
                        values[offset] += part.height * z * y * x
                        offset += 1
                    }
                }
            }
        }
        let sum = values.reduce(0, +)
        return values.map { Float($0 / sum) }
    }

    private static func profile(_ center: Double, _ range: Range<Int>, _ sigma: Double) -> [Double] {
        range.map { exp(-0.5 * pow((Double($0) - center) / sigma, 2)) }
    }

    /// Points of a solid sphere around 0, voxels (z, y, x).
    private static func pointsOfSphere(_ diameter: Double) -> [[Double]] {
        guard diameter > 0 else { return [[0, 0, 0]] }
        let steps = 8
        let grid = (0..<steps).map { (Double($0) + 0.5) / Double(steps) - 0.5 }
        var points: [[Double]] = []
        for z in grid {
            for y in grid {
                for x in grid where z * z + y * y + x * x <= 0.25 {
                    points.append([z * diameter / spacing.z, y * diameter / spacing.y, x * diameter / spacing.x])
                }
            }
        }
        return points
    }

    private mutating func add(_ place: [Double], photons: Double, _ points: [[Double]]) {
        let volume = Self.parts.reduce(0) { $0 + $1.height * pow($1.scale, 3) }
        let norm = pow(2 * Double.pi, 1.5) * Self.sigmas.reduce(1, *) * volume
        for point in points {
            for part in Self.parts {
                let ranges = (0..<3).map { axis in
                    let reach = 4 * Self.sigmas[axis] * part.scale
                    let center = place[axis] + point[axis]
                    return max(0, Int(center - reach))..<max(0, min(Self.shape[axis], Int(center + reach) + 1))
                }
                let profiles = (0..<3).map { axis in
                    Self.profile(place[axis] + point[axis], ranges[axis], Self.sigmas[axis] * part.scale)
                }
                let height = photons * part.height / norm / Double(points.count)
                for (z, first) in zip(ranges[0], profiles[0]) {
                    for (y, second) in zip(ranges[1], profiles[1]) {
                        let factor = height * first * second
                        for (x, third) in zip(ranges[2], profiles[2]) {
                            expected[z, y, x] += Float(factor * third)
                        }
                    }
                }
            }
        }
    }

    /// What a camera with shot noise alone records, 16 bits.
    func recorded(seed: UInt64) throws -> ArraySource {
        let counts = try Camera(offset: 100, readNoise: 0, seed: seed).record(expected).counts
        return ArraySource(.uint16(counts), shape: Self.shape, spacing: Self.spacing, name: "beads")
    }
}
