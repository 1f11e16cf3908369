import Glibc

/// The Bessel functions J₀ and J₁ between 0 and a limit, by cubic interpolation between places where they and their slopes are known.
///
/// Slopes are J₀' = −J₁ and J₁' = J₀ − J₁/x (Abramowitz and Stegun 1964, 9.1.27). The error of Hermite's cubic is h⁴/384 times
/// the fourth derivative, which is below 1: 1.6e-10.
struct BesselTable {
    private static let step = 1.0 / 64

    /// J₀, its slope, J₁ and its slope, times the step, at 0, `step`, 2·`step`, …
    private let samples: [SIMD4<Double>]

    /// A table for arguments from 0 to `limit`.
    init(limit: Double) {
        samples = concurrentMap(count: Int(limit / Self.step) + 2) { index in
            let x = Double(index) * Self.step
            let (zeroth, first) = (j0(x), j1(x))
            let slope = x > 0 ? zeroth - first / x : 0.5
            return SIMD4(zeroth, -first * Self.step, first, slope * Self.step)
        }
    }

    /// J₀ and J₁ of an argument from 0 to the limit.
    func callAsFunction(_ x: Double) -> (zeroth: Double, first: Double) {
        let place = x / Self.step
        let index = Int(place)
        let t = place - Double(index)
        let (low, high) = samples.withUnsafeBufferPointer { ($0[index], $0[index + 1]) }
        let u = 1 - t
        let (a, b) = (u * u * (1 + 2 * t), t * t * (3 - 2 * t))
        let (c, d) = (u * u * t, -t * t * u)
        return (
            a * low[0] + c * low[1] + b * high[0] + d * high[1],
            a * low[2] + c * low[3] + b * high[2] + d * high[3]
        )
    }
}
