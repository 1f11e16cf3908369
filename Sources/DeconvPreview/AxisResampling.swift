/// How one axis of a projection becomes an axis of the picture: the brightest of the voxels that fall on a pixel where the
/// picture is coarser, so that no point is lost; whole voxels or a straight line between them where it is finer.
struct AxisResampling {
    private enum Tap {
        case brightest(Range<Int>)
        case blend(Int, Int, Float)
    }

    private let taps: [Tap]
    private let sourceCount: Int

    /// A resampling of `sourceCount` voxels to `targetCount` pixels that cover the same length.
    /// - Parameter isSmooth: whether pixels between two voxels blend them, or take the nearer.
    init(from sourceCount: Int, to targetCount: Int, isSmooth: Bool) {
        self.sourceCount = sourceCount
        let ratio = Double(sourceCount) / Double(targetCount)
        taps = (0..<targetCount).map { target in
            if targetCount <= sourceCount {
                let first = Int((Double(target) * ratio).rounded(.down))
                let end = Int((Double(target + 1) * ratio).rounded(.down))
                return .brightest(first..<min(max(end, first + 1), sourceCount))
            }
            let position = (Double(target) + 0.5) * ratio
            if !isSmooth {
                let nearest = min(Int(position), sourceCount - 1)
                return .brightest(nearest..<nearest + 1)
            }
            let left = min(max((position - 0.5).rounded(.down), 0), Double(sourceCount - 1))
            let fraction = min(max(position - 0.5 - left, 0), 1)
            return .blend(Int(left), min(Int(left) + 1, sourceCount - 1), Float(fraction))
        }
    }

    /// Resamples every row of a picture.
    func rows(_ values: [Float]) -> [Float] {
        let rowCount = values.count / sourceCount
        var result: [Float] = []
        result.reserveCapacity(rowCount * taps.count)
        for row in 0..<rowCount {
            let start = row * sourceCount
            for tap in taps {
                switch tap {
                case .brightest(let range):
                    var brightest = values[start + range.lowerBound]
                    for index in range.dropFirst() { brightest = max(brightest, values[start + index]) }
                    result.append(brightest)
                case .blend(let left, let right, let fraction):
                    let a = values[start + left]
                    result.append(a + (values[start + right] - a) * fraction)
                }
            }
        }
        return result
    }

    /// Resamples every column of a picture whose rows have `width` values.
    func columns(_ values: [Float], width: Int) -> [Float] {
        var result: [Float] = []
        result.reserveCapacity(taps.count * width)
        for tap in taps {
            for x in 0..<width {
                switch tap {
                case .brightest(let range):
                    var brightest = values[range.lowerBound * width + x]
                    for index in range.dropFirst() { brightest = max(brightest, values[index * width + x]) }
                    result.append(brightest)
                case .blend(let above, let below, let fraction):
                    let a = values[above * width + x]
                    result.append(a + (values[below * width + x] - a) * fraction)
                }
            }
        }
        return result
    }
}
