import Glibc

/// Nodes and weights of Gauss-Legendre quadrature on an interval.
struct GaussLegendre {
    let nodes: [Double]
    let weights: [Double]

    /// A rule of `count` nodes, exact for polynomials of degree 2·count − 1.
    ///
    /// Nodes are the roots of the Legendre polynomial, by Newton's method from Tricomi's estimate cos(π(i + 3/4)/(n
    /// + 1/2)).
    init(count: Int, from: Double, to: Double) {
        precondition(count > 0)
        var nodes = [Double](repeating: (from + to) / 2, count: count)
        var weights = [Double](repeating: 0, count: count)
        let half = (to - from) / 2
        // The others are their mirror images.
        for i in 0..<(count + 1) / 2 {
            var x = -cos(.pi * (Double(i) + 0.75) / (Double(count) + 0.5))
            var slope = 1.0
            for _ in 0..<100 {
                var (previous, value) = (1.0, x)
                for k in 1..<max(1, count) where count > 1 {
                    let next = (Double(2 * k + 1) * x * value - Double(k) * previous) / Double(k + 1)
                    (previous, value) = (value, next)
                }
                slope = Double(count) * (x * value - previous) / (x * x - 1)
                let step = value / slope
                x -= step
                if abs(step) < 1e-15 { break }
            }
            nodes[i] = from + half * (1 + x)
            nodes[count - 1 - i] = to - half * (1 + x)
            weights[i] = half * 2 / ((1 - x * x) * slope * slope)
            weights[count - 1 - i] = weights[i]
        }
        self.nodes = nodes
        self.weights = weights
    }
}
