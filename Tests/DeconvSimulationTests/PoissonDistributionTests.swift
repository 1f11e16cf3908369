import Glibc
import Testing

@testable import DeconvSimulation

@Suite struct PoissonDistributionTests {
    private static let means = [0.05, 1, 4.3, 9.99, 10, 11.7, 37.5, 400, 20_000]
    private static let sampleCount = 60_000

    private static func samples(mean: Double) -> [Int] {
        var stream = RandomStream(seed: 11, index: UInt64(mean * 100))
        let distribution = PoissonDistribution(mean: mean)
        return (0..<sampleCount).map { _ in distribution.sample(using: &stream) }
    }

    @Test(arguments: means) func meanAndVarianceAreTheMean(mean: Double) {
        let samples = Self.samples(mean: mean)
        let count = Double(samples.count)
        let average = samples.reduce(0) { $0 + Double($1) } / count
        let variance = samples.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / count
        // Five standard errors; the fourth central moment of the distribution is mean + 3 mean².
        #expect(abs(average - mean) < 5 * (mean / count).squareRoot())
        #expect(abs(variance - mean) < 5 * ((mean + 2 * mean * mean) / count).squareRoot())
    }

    /// Compares with P(k) itself, from lgamma of the C library, in bins of at least 25 expected counts.
    @Test(arguments: means) func countsFollowTheProbabilities(mean: Double) {
        var histogram: [Int: Int] = [:]
        for sample in Self.samples(mean: mean) { histogram[sample, default: 0] += 1 }
        let spread = 12 * mean.squareRoot() + 12
        var chiSquare = 0.0
        var bins = 0.0
        var expected = 0.0
        var found = 0.0
        var seen = 0
        for k in max(0, Int(mean - spread))...Int(mean + spread) {
            expected += Double(Self.sampleCount) * exp(Double(k) * log(mean) - mean - lgamma(Double(k) + 1))
            found += Double(histogram[k] ?? 0)
            seen += histogram[k] ?? 0
            if expected >= 25 {
                chiSquare += (found - expected) * (found - expected) / expected
                bins += 1
                expected = 0
                found = 0
            }
        }
        #expect(seen == Self.sampleCount)
        let freedom = bins - 1
        #expect(chiSquare < freedom + 4.5 * (2 * freedom).squareRoot() + 10)
    }

    @Test func noLightGivesNoPhotons() {
        var stream = RandomStream(seed: 1)
        for mean in [0, -1e-6, -5] {
            let distribution = PoissonDistribution(mean: mean)
            #expect((0..<100).allSatisfy { _ in distribution.sample(using: &stream) == 0 })
        }
    }

    @Test(arguments: [0.0, 1, 5, 31, 32, 33, 100, 1e6, 1e12]) func logFactorialsAgreeWithTheCLibrary(k: Double) {
        #expect(abs(PoissonDistribution.logFactorial(k) - lgamma(k + 1)) <= 1e-14 * max(1, lgamma(k + 1)))
    }
}
