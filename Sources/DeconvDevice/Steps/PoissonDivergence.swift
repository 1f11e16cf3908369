/// Σ g·ln(g/y) − g + y over the voxels of a row with f > 0, with y = max(f·projection + offset + b, floor).
///
/// Eight voxels at a time, for the logarithms of the C library would take as long as all transforms together. A term is good to
/// 1e-7 of g, and errors of both signs add up. Eight terms are summed a lane before their sum in double precision: were it taken
/// of every eight voxels, the compiler would compute them in twos.
@inline(__always)
func poissonDivergence<Voxel: StoredVoxel>(
    _ recorded: UnsafePointer<Voxel>,
    _ projection: UnsafePointer<Float>,
    _ sensitivity: UnsafePointer<Float>?,
    _ count: Int,
    _ constants: RatioConstants
) -> Double {
    let background = constants.offset + constants.background
    var sum = 0.0
    var x = 0
    while x + 8 <= count {
        let end = min(x + 64, count - 7)
        var terms = SIMD8<Float>.zero
        while x < end {
            let observed = Voxel.loadEight(recorded + x).withoutNegatives
            let weight = sensitivity.map { Float.loadEight($0 + x) } ?? SIMD8(repeating: 1)
            // The same as the larger of both but for rounding.
            let above = weight * Float.loadEight(projection + x) + background - constants.floor
            let expected = above.withoutNegatives + constants.floor
            terms += divergenceTerms(observed, expected).whereNotZero(weight)
            x += 8
        }
        sum += terms.total
    }
    while x < count {
        let weight = sensitivity?[x] ?? 1
        if weight > 0 {
            let observed = SIMD8(repeating: max(recorded[x].asFloat, 0))
            let expected = SIMD8(repeating: max(weight * projection[x] + background, constants.floor))
            sum += Double(divergenceTerms(observed, expected)[0])
        }
        x += 1
    }
    return sum
}

extension SIMD8<Float> {
    /// The lanes, and 0 for those below it.
    ///
    /// By the bits: comparisons of the standard library go lane by lane.
    @inline(__always) fileprivate var withoutNegatives: SIMD8<Float> {
        let bits = unsafeBitCast(self, to: SIMD8<Int32>.self)
        return unsafeBitCast(bits & ~(bits &>> 31), to: SIMD8<Float>.self)
    }

    /// The lanes, and 0 where those of `weight`, which is not negative, are 0.
    @inline(__always) fileprivate func whereNotZero(_ weight: SIMD8<Float>) -> SIMD8<Float> {
        let mask = (0 &- unsafeBitCast(weight, to: SIMD8<Int32>.self)) &>> 31
        return unsafeBitCast(unsafeBitCast(self, to: SIMD8<Int32>.self) & mask, to: SIMD8<Float>.self)
    }

    /// The sum of the lanes, the last of it in double precision.
    @inline(__always) fileprivate var total: Double {
        let four = lowHalf + highHalf
        let two = four.lowHalf + four.highHalf
        return Double(two[0]) + Double(two[1])
    }
}

/// g·ln(g/y) − g + y, which is y where g = 0, for g of 0 or more and y above 0.
@inline(__always)
private func divergenceTerms(_ observed: SIMD8<Float>, _ expected: SIMD8<Float>) -> SIMD8<Float> {
    // ratio = 2^exponent · (1 + rest) with 1 + rest from √½ to √2; a ratio of 0 gives some finite power, times g = 0.
    let bits = unsafeBitCast(observed / expected, to: SIMD8<Int32>.self)
    let exponent = (bits &- 0x3f35_04f3) &>> 23
    let rest = unsafeBitCast(bits &- (exponent &<< 23), to: SIMD8<Float>.self) - 1
    // ln(1 + x) = x − x²/2 + x³·P(x), P by least squares on Chebyshev nodes: 1.2e-7 relative.
    var series = SIMD8<Float>(repeating: 0.0714975)
    series = series * rest + -0.11571202
    series = series * rest + 0.11661512
    series = series * rest + -0.124110505
    series = series * rest + 0.14249936
    series = series * rest + -0.1666848
    series = series * rest + 0.20000708
    series = series * rest + -0.2499999
    series = series * rest + 0.33333331
    let squared = rest * rest
    let logarithm = rest - 0.5 * squared + squared * rest * series
    return observed * (exponent.asFloat * 0.6931472 + logarithm) - (observed - expected)
}
