/// Σ g·ln(g/y) − g + y over the voxels of a row with f > 0, with y = max(f·projection + offset + b, floor).
///
/// Eight voxels at a time, for the logarithms of the C library would take as long as all transforms together. A term is good to
/// 1e-7 of g, and errors of both signs add up.
@inline(__always)
func poissonDivergence<Voxel: StoredVoxel>(
    _ recorded: UnsafePointer<Voxel>,
    _ projection: UnsafePointer<Float>,
    _ sensitivity: UnsafePointer<Float>?,
    _ count: Int,
    _ constants: RatioConstants
) -> Double {
    let background = SIMD8(repeating: constants.offset + constants.background)
    let floor = SIMD8(repeating: constants.floor)
    let (zero, one) = (SIMD8<Float>(repeating: 0), SIMD8<Float>(repeating: 1))
    var sum = 0.0
    var x = 0
    while x + 8 <= count {
        let weight = sensitivity.map { Float.loadEight($0 + x) } ?? one
        let isUnseen = weight .== zero
        let observed = pointwiseMax(Voxel.loadEight(recorded + x), zero).replacing(with: one, where: isUnseen)
        let projected = weight * Float.loadEight(projection + x) + background
        // Where g = y the term is 0.
        let expected = pointwiseMax(projected, floor).replacing(with: one, where: isUnseen)
        sum += divergenceTerms(observed, expected).total
        x += 8
    }
    while x < count {
        let weight = sensitivity?[x] ?? 1
        if weight > 0 {
            let observed = SIMD8(repeating: max(recorded[x].asFloat, 0))
            let expected = SIMD8(repeating: max(weight * projection[x] + background[0], constants.floor))
            sum += Double(divergenceTerms(observed, expected)[0])
        }
        x += 1
    }
    return sum
}

extension SIMD8<Float> {
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
    let ratio = (observed / expected).replacing(with: 1, where: observed .== 0)
    // ratio = 2^exponent · (1 + rest) with 1 + rest from √½ to √2.
    let bits = unsafeBitCast(ratio, to: SIMD8<Int32>.self)
    let exponent = (bits &- 0x3f35_04f3) &>> 23
    let mantissa = unsafeBitCast(bits &- (exponent &<< 23), to: SIMD8<Float>.self)
    // Near 1 the difference is exact, which the ratio is not.
    let rest = (mantissa - 1).replacing(
        with: (observed - expected) / expected,
        where: exponent .== 0 .& (observed .!= 0)
    )
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
