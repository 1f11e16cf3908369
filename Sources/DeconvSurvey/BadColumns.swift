/// Pixels of a camera that are hot or dead: brighter, or darker, than their neighbors in every plane; one of the neighbors may
/// be like them.
///
/// No image does that: a microscope's blur gives neighbors a good part of what stands out, and what lies in one plane is out
/// of focus in others.
package struct BadColumns: Hashable, Sendable {
    /// Positions in a plane, y · width + x, ascending.
    package let hot: [Int]
    /// Positions in a plane, y · width + x, ascending.
    package let dead: [Int]

    /// Nothing bad.
    package static let none = BadColumns(hot: [], dead: [])

    /// Whether there are any.
    package var isEmpty: Bool { hot.isEmpty && dead.isEmpty }

    /// All of them, ascending.
    package var all: [Int] { (hot + dead).sorted() }

    /// Given positions.
    package init(hot: [Int], dead: [Int]) {
        self.hot = hot
        self.dead = dead
    }
}

/// Looks at plane after plane for `BadColumns`.
package struct BadColumnSearch {
    /// By chance a pixel is among the two brightest of nine twice in nine planes.
    private static let fewestPlanes = 8
    /// Part of the planes in which it stands out; the noise of a hot pixel may hide it in one of ten.
    private static let share = 0.9
    /// How far it stands out of its surroundings, over how far the second of its neighbors does: blur leaves 2 at most to an image that
    /// is sampled well, and little more to one that is not.
    private static let contrast: Float = 2.5

    private let width: Int
    private let height: Int
    private var planeCount = 0
    private var above: [Float]
    private var below: [Float]
    private var sums: [Float]

    /// A search in planes of a width and a height in voxels.
    package init(width: Int, height: Int) {
        self.width = width
        self.height = height
        above = [Float](repeating: 0, count: width * height)
        below = above
        sums = [Float](repeating: 0, count: width * height)
    }

    /// Looks at a plane; pixels on its border have too few neighbors.
    package mutating func add(_ plane: [Float]) {
        guard width >= 3, height >= 3 else { return }
        planeCount += 1
        plane.withUnsafeBufferPointer { voxels in
            above.withUnsafeMutableBufferPointer { above in
                below.withUnsafeMutableBufferPointer { below in
                    for y in 1..<height - 1 {
                        let end = (y + 1) * width - 1
                        for start in stride(from: y * width + 1, to: end, by: 8) {
                            let row = Eight(at: start, count: min(8, end - start))
                            let (outside, inside) = row.standingOut(of: voxels, width: width)
                            row.add(outside, to: above)
                            row.add(inside, to: below)
                        }
                    }
                }
            }
            for index in sums.indices { sums[index] += voxels[index] }
        }
    }

    /// What was found.
    package var result: BadColumns {
        guard planeCount >= Self.fewestPlanes else { return .none }
        let most = Float((Self.share * Double(planeCount)).rounded(.up))
        func found(_ counts: [Float], _ sign: Float) -> [Int] {
            counts.indices.filter { counts[$0] >= most && standsOut($0, sign) }
        }
        return BadColumns(hot: found(above, 1), dead: found(below, -1))
    }

    /// Whether a pixel stands out of the mean plane further than an image does.
    /// - Parameter sign: 1 upward, −1 downward.
    private func standsOut(_ index: Int, _ sign: Float) -> Bool {
        let (y, x) = (index / width, index % width)
        var surroundings: [Float] = []
        var (first, second) = (-Float.infinity, -Float.infinity)
        for row in max(y - 2, 0)...min(y + 2, height - 1) {
            for column in max(x - 2, 0)...min(x + 2, width - 1) where row != y || column != x {
                let value = sign * sums[row * width + column]
                surroundings.append(value)
                if abs(row - y) <= 1, abs(column - x) <= 1 {
                    second = max(second, min(first, value))
                    first = max(first, value)
                }
            }
        }
        surroundings.sort()
        let middle = surroundings[surroundings.count / 2]
        return sign * sums[index] - middle > Self.contrast * max(second - middle, 0)
    }
}

/// Eight pixels of a row, or fewer at its end.
private struct Eight {
    private let start: Int
    private let count: Int

    init(at start: Int, count: Int) { (self.start, self.count) = (start, count) }

    /// 1 for pixels above the second largest of their neighbors, and 1 for those below the second smallest.
    @inline(__always)
    func standingOut(
        of voxels: UnsafeBufferPointer<Float>,
        width: Int
    ) -> (above: SIMD8<Float>, below: SIMD8<Float>) {
        var ranks = SecondRanks(load(voxels, -width - 1))
        ranks.add(load(voxels, -width))
        ranks.add(load(voxels, -width + 1))
        ranks.add(load(voxels, -1))
        ranks.add(load(voxels, 1))
        ranks.add(load(voxels, width - 1))
        ranks.add(load(voxels, width))
        ranks.add(load(voxels, width + 1))
        let center = load(voxels, 0)
        return (
            SIMD8<Float>.zero.replacing(with: 1, where: center .> ranks.large),
            SIMD8<Float>.zero.replacing(with: 1, where: center .< ranks.small)
        )
    }

    /// Adds to the sums of these pixels.
    @inline(__always)
    func add(_ values: SIMD8<Float>, to sums: UnsafeMutableBufferPointer<Float>) {
        if count == 8 {
            let place = UnsafeMutableRawPointer(sums.baseAddress! + start)
            place.storeBytes(of: place.loadUnaligned(as: SIMD8<Float>.self) + values, as: SIMD8<Float>.self)
        } else {
            for lane in 0..<count { sums[start + lane] += values[lane] }
        }
    }

    @inline(__always)
    private func load(_ voxels: UnsafeBufferPointer<Float>, _ offset: Int) -> SIMD8<Float> {
        if count == 8 {
            return UnsafeRawPointer(voxels.baseAddress! + start + offset).loadUnaligned(as: SIMD8<Float>.self)
        }
        var values = SIMD8<Float>.zero
        for lane in 0..<count { values[lane] = voxels[start + offset + lane] }
        return values
    }
}

/// The second largest and the second smallest of some values, for eight pixels at once.
private struct SecondRanks {
    private(set) var large = SIMD8<Float>(repeating: -.infinity)
    private(set) var small = SIMD8<Float>(repeating: .infinity)
    private var largest: SIMD8<Float>
    private var smallest: SIMD8<Float>

    @inline(__always)
    init(_ values: SIMD8<Float>) { (largest, smallest) = (values, values) }

    @inline(__always)
    mutating func add(_ values: SIMD8<Float>) {
        let isLargest = values .> largest
        let next = values.replacing(with: largest, where: isLargest)
        large.replace(with: next, where: next .> large)
        largest.replace(with: values, where: isLargest)
        let isSmallest = values .< smallest
        let following = values.replacing(with: smallest, where: isSmallest)
        small.replace(with: following, where: following .< small)
        smallest.replace(with: values, where: isSmallest)
    }
}
