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
    private var above: [UInt16]
    private var below: [UInt16]
    private var sums: [Float]

    /// A search in planes of a width and a height in voxels.
    package init(width: Int, height: Int) {
        self.width = width
        self.height = height
        above = [UInt16](repeating: 0, count: width * height)
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
                        for index in y * width + 1..<(y + 1) * width - 1 {
                            let (up, down) = (index - width, index + width)
                            var ranks = SecondRanks(voxels[up - 1], voxels[up])
                            ranks.add(voxels[up + 1])
                            ranks.add(voxels[index - 1])
                            ranks.add(voxels[index + 1])
                            ranks.add(voxels[down - 1])
                            ranks.add(voxels[down])
                            ranks.add(voxels[down + 1])
                            above[index] &+= voxels[index] > ranks.large ? 1 : 0
                            below[index] &+= voxels[index] < ranks.small ? 1 : 0
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
        let most = UInt16((Self.share * Double(planeCount)).rounded(.up))
        func found(_ counts: [UInt16], _ sign: Float) -> [Int] {
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

/// The second largest and the second smallest of some values.
private struct SecondRanks {
    private(set) var large: Float
    private(set) var small: Float
    private var largest: Float
    private var smallest: Float

    @inline(__always)
    init(_ one: Float, _ other: Float) {
        (largest, large) = (max(one, other), min(one, other))
        (smallest, small) = (min(one, other), max(one, other))
    }

    @inline(__always)
    mutating func add(_ value: Float) {
        large = max(large, min(largest, value))
        largest = max(largest, value)
        small = min(small, max(smallest, value))
        smallest = min(smallest, value)
    }
}
