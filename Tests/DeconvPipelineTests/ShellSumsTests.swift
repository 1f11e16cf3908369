@testable import DeconvPipeline
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

/// Fourier shell correlations of volumes whose spectra are known.
@Suite struct ShellSumsTests {
    private static let shape = VolumeShape(z: 32, y: 64, x: 64)
    private static let spacing = VoxelSpacing(z: 0.3, y: 0.1, x: 0.1)

    private static func noise(seed: UInt64) -> [Float] {
        var generator = SeededGenerator(seed: seed)
        return (0..<shape.voxelCount).map { _ in Float(generator.normal()) }
    }

    private static func correlations(_ one: [Float], _ two: [Float]) throws -> ShellSums {
        var sums = ShellSums(of: shape, spacing: spacing)
        try sums.add(one, two, shape)
        return sums
    }

    @Test func noiseHasNothingInCommonAndAVolumeAllWithItself() throws {
        let noise = Self.noise(seed: 1)
        for axis in try Self.correlations(noise, Self.noise(seed: 2)).axes {
            for (value, count) in zip(axis.correlations, axis.counts) {
                // The deviation of a mean over so many frequencies, half of which say the same again; the taper makes neighbors alike.
                if let value { #expect(abs(value) < 5 * (2 * 6 / count).squareRoot(), "\(value) of \(count)") }
            }
            // The first shells have few frequencies, which may agree by chance.
            #expect(axis.crossing.map { $0 < 0.4 * axis.end } ?? true)
        }
        for axis in try Self.correlations(noise, noise).axes {
            #expect(axis.correlations.compactMap(\.self).allSatisfy { $0 == 1 })
            #expect(axis.crossing == .infinity)
        }
        // Turned around, so that it has the opposite of all.
        for axis in try Self.correlations(noise, noise.map { -$0 }).axes {
            #expect(axis.correlations.compactMap(\.self).allSatisfy { $0 < -0.999 })
        }
    }

    /// An object of a Gaussian spectrum P beneath white noise N: FSC = P / (P + N).
    @Test func anObjectBeneathNoiseIsAsTheFormulaSays() throws {
        let sigma = [1.0, 1.4, 1.8]
        let blurred = Self.blurred(Self.noise(seed: 3), sigma)
        let level: Float = 0.02
        let one = zip(blurred, Self.noise(seed: 4)).map { $0 + level * $1 }
        let two = zip(blurred, Self.noise(seed: 5)).map { $0 + level * $1 }
        let sums = try Self.correlations(one, two)
        for (number, axis) in sums.axes.enumerated() {
            // Its power beside that of the noise, along the axis and at the edge of the cone, where voxels have other widths.
            func expected(_ frequency: Double, cosine: Double) -> ClosedRange<Double> {
                let others = (0..<3).filter { $0 != number }
                func share(_ toward: Int?) -> Double {
                    var parts = [0.0, 0, 0]
                    parts[number] = frequency * (toward == nil ? 1 : cosine)
                    if let toward { parts[toward] = frequency * (1 - cosine * cosine).squareRoot() }
                    let exponent = (0..<3).reduce(0.0) { sum, axis in
                        sum + pow(2 * Double.pi * sigma[axis] * parts[axis] * Self.spacing[axis], 2)
                    }
                    let power = exp(-exponent)
                    return power / (power + Double(level * level))
                }
                let shares = [share(nil)] + others.map { share($0) }
                return shares.min()! - 0.08...shares.max()! + 0.08
            }
            for (index, value) in axis.correlations.enumerated() where axis.counts[index] > 100 {
                let range = expected(axis.frequencies[index], cosine: cos(Double.pi / 6))
                if let value { #expect(range.contains(value), "axis \(number), shell \(index): \(value) in \(range)") }
            }
            // P / N = 1/6 at the end.
            let end = (2 * log(1 / Double(level)) + log(6)).squareRoot() / (2 * Double.pi * sigma[number])
            let crossing = try #require(axis.crossing)
            #expect(end > 0.5 || crossing * Self.spacing[number] > 0.85 * end, "axis \(number): \(crossing)")
        }
    }

    @Test func sumsAreWhatTheirNumbersSay() throws {
        let sums = try Self.correlations(Self.noise(seed: 6), Self.noise(seed: 7))
        #expect(ShellSums(sums.numbers, of: Self.shape, spacing: Self.spacing) == sums)
        #expect(ShellSums(Array(sums.numbers.dropLast()), of: Self.shape, spacing: Self.spacing) == nil)
        var twice = sums
        twice.add(sums)
        #expect(twice.axes[1].correlations == sums.axes[1].correlations)
    }

    /// The parts of a large volume with most light, in their order.
    @Test func blocksAreWhereTheLightIs() {
        let shape = VolumeShape(z: 2, y: 1100, x: 1300)
        var voxels = [Float](repeating: 0, count: shape.voxelCount)
        voxels[shape.voxelCount - 1] = 1
        let blocks = ShellSums.blocks(of: voxels, shape)
        #expect(blocks.count == 16 && blocks.allSatisfy { Region(shape).contains($0) })
        #expect(blocks.last?.origin == VolumeIndex(z: 0, y: 844, x: 1044))
        let small = VolumeShape(z: 3, y: 5, x: 7)
        #expect(ShellSums.blocks(of: [Float](repeating: 0, count: 105), small) == [Region(small)])
    }

    /// Convolved with a Gaussian along each axis, around the ends.
    private static func blurred(_ voxels: [Float], _ sigma: [Double]) -> [Float] {
        var voxels = voxels
        for (axis, stride) in [(0, shape.planeVoxelCount), (1, shape.x), (2, 1)] {
            let reach = Int(5 * sigma[axis])
            let weights = (-reach...reach).map { exp(-0.5 * pow(Double($0) / sigma[axis], 2)) }
            let sum = weights.reduce(0, +)
            let count = shape[axis]
            voxels = voxels.indices.map { voxel in
                let place = voxel / stride % count
                var value = 0.0
                for (number, weight) in weights.enumerated() {
                    let other = (place + number - reach + count) % count
                    value += weight * Double(voxels[voxel + (other - place) * stride])
                }
                return Float(value / sum)
            }
        }
        return voxels
    }
}
