import Glibc

/// The distribution of a count of photons: P(k) = mean^k e^(−mean) / k!.
///
/// Samples are exact to double precision at every mean, not rounded normal deviates.
package struct PoissonDistribution: Sendable {
    /// Where inversion hands over to rejection; Hörmann's method holds from here on.
    static let rejectionThreshold = 10.0

    /// Mean and variance.
    package let mean: Double
    private let constants: Constants

    private enum Constants {
        /// P(0).
        case inversion(Double)
        case rejection(a: Double, b: Double, inverseAlpha: Double, acceptance: Double, logMean: Double)
    }

    /// The distribution of a mean from 0 to 1e15; negative means, as rounding leaves them after a blur, count as 0.
    package init(mean: Double) {
        precondition(mean <= 1e15, "no count has the mean \(mean)")
        self.mean = max(mean, 0)
        if mean < Self.rejectionThreshold {
            constants = .inversion(exp(-self.mean))
        } else {
            let b = 0.931 + 2.53 * mean.squareRoot()
            constants = .rejection(
                a: -0.059 + 0.02483 * b,
                b: b,
                inverseAlpha: 1.1239 + 1.1328 / (b - 3.4),
                acceptance: 0.9277 - 3.6224 / (b - 2),
                logMean: log(mean)
            )
        }
    }

    /// One count.
    package func sample(using stream: inout RandomStream) -> Int {
        switch constants {
        case .inversion(let zero):
            return sampleByInversion(zero: zero, using: &stream)
        case .rejection(let a, let b, let inverseAlpha, let acceptance, let logMean):
            // PTRS: transformed rejection with squeeze (Hörmann, Insurance: Mathematics and Economics 12:39, 1993).
            while true {
                let u = stream.uniform() - 0.5
                let v = 1 - stream.uniform()
                let edge = 0.5 - abs(u)
                if edge == 0 { continue }
                let k = ((2 * a / edge + b) * u + mean + 0.43).rounded(.down)
                if edge >= 0.07 && v <= acceptance { return Int(k) }
                if k < 0 || (edge < 0.013 && v > edge) { continue }
                let bound = k * logMean - mean - Self.logFactorial(k)
                if log(v * inverseAlpha / (a / (edge * edge) + b)) <= bound { return Int(k) }
            }
        }
    }

    /// Walks up the distribution function until it passes one uniform number (Devroye 1986, section III.2).
    private func sampleByInversion(zero: Double, using stream: inout RandomStream) -> Int {
        var remaining = stream.uniform()
        var probability = zero
        var k = 0
        while remaining >= probability {
            remaining -= probability
            k += 1
            probability *= mean / Double(k)
            // Rounding may leave a remainder of some 1e-16 that no probability will ever use up.
            if probability < 1e-18 && Double(k) > mean { break }
        }
        return k
    }

    /// ln k! for a whole k ≥ 0, to 1e-14 relative.
    static func logFactorial(_ k: Double) -> Double {
        if k < 32 { return smallLogFactorials[Int(k)] }
        // Stirling's series; the first term left out is below 1e-14 from 32 on.
        let inverse = 1 / k
        let square = inverse * inverse
        let series = inverse * (1.0 / 12 - square * (1.0 / 360 - square * (1.0 / 1260 - square / 1680)))
        return (k + 0.5) * log(k) - k + 0.5 * log(2 * Double.pi) + series
    }

    private static let smallLogFactorials: [Double] = {
        var table = [0.0]
        for k in 1..<32 { table.append(table[k - 1] + log(Double(k))) }
        return table
    }()
}
