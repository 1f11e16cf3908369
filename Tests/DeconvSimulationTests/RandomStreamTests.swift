import Testing

@testable import DeconvSimulation

@Suite struct RandomStreamTests {
    /// The first numbers of the authors' C programs (prng.di.unimi.it).
    @Test func theGeneratorsGiveThePublishedNumbers() {
        var split = SplitMix64(state: 1_234_567)
        #expect(
            (0..<5).map { _ in split.next() } == [
                6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
                4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
            ]
        )
        var xoshiro = RandomStream(state: (1, 2, 3, 4))
        #expect(
            (0..<6).map { _ in xoshiro.next() } == [
                11520, 0, 1_509_978_240, 1_215_971_899_390_074_240, 1_216_172_134_540_287_360,
                607_988_272_756_665_600,
            ]
        )
    }

    @Test func streamsOfNeighboringSeedsAndIndicesHaveNothingInCommon() {
        var firstNumbers: Set<UInt64> = []
        for seed in 0..<50 as Range<UInt64> {
            for index in 0..<50 as Range<UInt64> {
                var stream = RandomStream(seed: seed, index: index)
                for _ in 0..<4 { firstNumbers.insert(stream.next()) }
            }
        }
        // Neither may a seed and an index be exchanged, nor equal ones cancel.
        #expect(firstNumbers.count == 50 * 50 * 4)
    }

    @Test func uniformNumbersFillTheIntervalEvenly() {
        var stream = RandomStream(seed: 7)
        var counts = [Double](repeating: 0, count: 16)
        for _ in 0..<64_000 { counts[Int(stream.uniform() * 16)] += 1 }
        let chiSquare = counts.reduce(0) { $0 + ($1 - 4000) * ($1 - 4000) / 4000 }
        // The 99.99 % point of 15 degrees of freedom.
        #expect(chiSquare < 44.3)
    }

    @Test func normalNumbersHaveTheMomentsOfANormalDistribution() {
        var stream = RandomStream(seed: 3)
        let values = (0..<100_000).map { _ in stream.normal() }
        let count = Double(values.count)
        func moment(_ power: Int) -> Double {
            values.reduce(0) { sum, value in sum + (0..<power).reduce(1) { product, _ in product * value } } / count
        }
        // Five standard errors each.
        #expect(abs(moment(1)) < 5 / count.squareRoot())
        #expect(abs(moment(2) - 1) < 5 * (2 / count).squareRoot())
        #expect(abs(moment(3)) < 5 * (15 / count).squareRoot())
        #expect(abs(moment(4) - 3) < 5 * (96 / count).squareRoot())
    }
}
