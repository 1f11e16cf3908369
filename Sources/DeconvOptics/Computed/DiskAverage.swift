import Glibc

/// Means over a disk whose middle lies at each radius of a function of the radius: what a pinhole lets through.
struct DiskAverage {
    /// What each radius takes of which radii.
    private let rows: [(first: Int, weights: [Double])]

    /// Radii that must be known so that a disk of a radius fits around all that are asked for.
    static func inputCount(_ count: Int, radius: Double, step: Double) -> Int { count + Int(radius / step) + 4 }

    /// Means for the radii 0, step, 2·step, …, `count` of them.
    init(radius: Double, step: Double, count: Int) {
        rows = (0..<count).map { Self.row(center: Double($0) * step, radius: radius, step: step) }
    }

    func callAsFunction(_ profile: [Double]) -> [Double] {
        profile.withUnsafeBufferPointer { profile in
            rows.map { row in
                var sum = 0.0
                for (i, weight) in row.weights.enumerated() { sum += weight * profile[row.first + i] }
                return sum
            }
        }
    }

    /// Of the circle of radius s around the axis an arc of twice φ lies in the disk, cos φ = (r² + s² − a²) / (2 r s).
    private static func row(center: Double, radius: Double, step: Double) -> (first: Int, weights: [Double]) {
        let (low, high) = (abs(center - radius), center + radius)
        var samples: [(place: Double, weight: Double)] = []
        func count(_ length: Double) -> Int { 16 + Int(length / (6 * step)) }
        if center < radius {
            let rule = GaussLegendre(count: count(low), from: 0, to: radius - center)
            for (s, weight) in zip(rule.nodes, rule.weights) { samples.append((s, weight * s * 2 * .pi)) }
        }
        if center > 0 {
            // In the angle the roots at both ends are smooth.
            let rule = GaussLegendre(count: count(high - low), from: -.pi / 2, to: .pi / 2)
            for (u, weight) in zip(rule.nodes, rule.weights) {
                let s = (low + high) / 2 + (high - low) / 2 * sin(u)
                let cosine = (center * center + s * s - radius * radius) / (2 * center * s)
                let arc = 2 * acos(min(1, max(-1, cosine)))
                samples.append((s, weight * (high - low) / 2 * cos(u) * arc * s))
            }
        }
        let first = center < radius ? 0 : max(0, Int(low / step) - 1)
        var weights = [Double](repeating: 0, count: Int(high / step) + 3 - first)
        for sample in samples {
            let interpolation = RadialInterpolation(at: sample.place / step)
            for i in 0..<4 {
                weights[abs(interpolation.first + i) - first] += interpolation.weights[i] * sample.weight
            }
        }
        let area = Double.pi * radius * radius
        return (first, weights.map { $0 / area })
    }
}
