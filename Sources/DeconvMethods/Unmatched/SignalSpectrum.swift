import DeconvDevice
package import DeconvVolume
import Glibc

/// The power of the light of an image against that of its noise, by frequency.
///
/// Frequencies count by ρ = √Σ (k_a w_a)², with k_a in cycles a voxel and w_a the PSF's width along an axis, so that light that the PSF
/// passes alike has one ρ.
package struct SignalSpectrum: Hashable, Sendable, Codable {
    /// Power of the noise, counts².
    package let noise: Double
    /// S: power of the light in equal bins from ρ = 0 on, counts²; a falling straight line in logarithms beyond those frequencies at
    /// which it shows above the noise.
    package let powers: [Double]
    /// The largest ρ of the image, where the bins end.
    package let largestRadius: Double

    /// Bins of ρ.
    private static let binCount = 40
    /// Bins in which light is taken to show, whatever they hold.
    private static let fewestBins = 3
    /// Light shows where its power is so many standard errors of the noise's above it, and above so many times the noise.
    private static let (clearErrors, clearRatio) = (3.0, 1.05)
    /// Squared transfer below which no light comes through.
    private static let leastTransfer = 1e-6

    /// Light whose power is the same at all frequencies.
    package init(noise: Double, power: Double) {
        self.noise = noise
        powers = [power]
        largestRadius = 1
    }

    /// Measures a box.
    /// - Parameters:
    ///   - voxels: counts, z, y, x.
    ///   - weights: 0 on voxels that do not count; nil where all do.
    ///   - background: b, counts.
    ///   - psf: centered, sum 1.
    ///   - gain: counts a photon, where no frequency holds nothing but noise; nil where nobody knows, and then there is none.
    /// - Throws: `outOfMemory`.
    package init(
        _ voxels: [Float],
        _ shape: VolumeShape,
        weights: [Float]?,
        psf: Volume,
        gain: Double?
    ) throws(DeconvolutionError) {
        let image = try TaperedImage(voxels, shape, weights: weights, psf: psf)
        let noise = NoiseSpectrum(image)?.variance ?? (gain ?? 0) * max(image.mean, 0)
        let widths = psf.widths
        var radii: [Double] = []
        image.power.forEachFrequency { _, frequency, _ in radii.append((frequency * widths).length) }
        let largest = max(radii.max() ?? 0, .leastNormalMagnitude)
        var bins = [Bin](repeating: Bin(), count: Self.binCount)
        image.power.forEachFrequency { index, _, multiplicity in
            let bin = min(Int(radii[index] / largest * Double(Self.binCount)), Self.binCount - 1)
            bins[bin].add(Double(image.power.values[index]) / image.square, image.transfer[index], multiplicity)
        }
        let showing = bins.firstIndex { bin in
            let isClear =
                bin.count > 0 && bin.power - noise > Self.clearErrors * noise / Double(bin.count).squareRoot()
                && bin.power > Self.clearRatio * noise && bin.transfer > Self.leastTransfer
            return !isClear
        }
        let end = max(showing ?? bins.count, Self.fewestBins)
        var powers = bins.map { max($0.power - noise, 1e-6 * max(noise, 1e-12)) / max($0.transfer, 1e-12) }
        let slope = min(Self.slope(powers, max(1, end / 3)..<end), 0)
        for bin in powers.indices.dropFirst(end) {
            powers[bin] = powers[end - 1] * pow((Double(bin) + 0.5) / (Double(end) - 0.5), slope)
        }
        self.noise = noise
        self.powers = powers
        largestRadius = largest
    }

    /// Whether it can have been measured; one that was read from a file may be anything.
    var isPossible: Bool {
        noise >= 0 && noise.isFinite && largestRadius > 0 && largestRadius.isFinite && !powers.isEmpty
            && powers.allSatisfy { $0 >= 0 && $0.isFinite }
    }

    /// Noise over light at a ρ, between the middles of bins in proportion.
    package func noiseToSignal(_ radius: Double) -> Double {
        // An image of one voxel has no frequency but 0, and any other one of its frame lies infinitely far beyond.
        let place = min(max(radius / largestRadius * Double(powers.count) - 0.5, 0), Double(powers.count - 1))
        let first = Int(place)
        let next = min(first + 1, powers.count - 1)
        let fraction = place - Double(first)
        return noise / max(powers[first] + fraction * (powers[next] - powers[first]), .leastNormalMagnitude)
    }

    /// Of the straight line through the logarithms of bins and their ρ, by least squares.
    private static func slope(_ powers: [Double], _ bins: Range<Int>) -> Double {
        guard bins.count > 1 else { return -2 }
        let points = bins.map { (log(Double($0) + 0.5), log(powers[$0])) }
        let count = Double(points.count)
        let meanX = points.reduce(0) { $0 + $1.0 } / count, meanY = points.reduce(0) { $0 + $1.1 } / count
        let common = points.reduce(0) { $0 + ($1.0 - meanX) * ($1.1 - meanY) }
        return common / points.reduce(0) { $0 + ($1.0 - meanX) * ($1.0 - meanX) }
    }

    /// Frequencies of about one ρ.
    private struct Bin {
        private(set) var count = 0
        private var powers = 0.0
        private var transfers = 0.0

        var power: Double { powers / Double(max(count, 1)) }
        var transfer: Double { transfers / Double(max(count, 1)) }

        mutating func add(_ power: Double, _ transfer: Float, _ multiplicity: Int) {
            count += multiplicity
            powers += Double(multiplicity) * power
            transfers += Double(multiplicity) * Double(transfer)
        }
    }
}

extension SIMD3<Double> {
    /// √ of the sum of squares.
    var length: Double { (self * self).sum().squareRoot() }
}

extension Volume {
    /// Full width at half maximum along z, y and x of the Gaussian with the second moment of the line through the brightest voxel, in
    /// voxels, at least 1.
    var widths: SIMD3<Double> {
        let brightest = voxels.indices.max { voxels[$0] < voxels[$1] } ?? 0
        let peak = VolumeIndex(
            z: brightest / shape.planeVoxelCount,
            y: brightest / shape.x % shape.y,
            x: brightest % shape.x
        )
        var widths = SIMD3<Double>(1, 1, 1)
        for axis in 0..<3 {
            var (sum, moment) = (0.0, 0.0)
            for place in 0..<shape[axis] {
                let index = VolumeIndex { $0 == axis ? place : peak[$0] }
                let value = Double(voxels[(index.z * shape.y + index.y) * shape.x + index.x])
                let distance = Double(place - peak[axis])
                sum += value
                moment += value * distance * distance
            }
            if sum > 0, moment > 0 { widths[axis] = max(1, 2.355 * (moment / sum).squareRoot()) }
        }
        return widths
    }
}
