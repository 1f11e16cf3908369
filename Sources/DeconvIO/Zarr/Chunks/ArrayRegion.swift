/// A box in an array of any number of axes: `origin` belongs to it, `origin + shape` does not.
package struct ArrayRegion: Hashable, Sendable {
    /// First element, per axis.
    package var origin: [Int]
    /// Extent, per axis.
    package var shape: [Int]

    /// The box of `shape` elements that starts at `origin`.
    package init(origin: [Int], shape: [Int]) {
        precondition(origin.count == shape.count && shape.allSatisfy { $0 >= 0 }, "a box has an extent per axis")
        self.origin = origin
        self.shape = shape
    }

    /// A whole array.
    package init(_ shape: [Int]) {
        self.init(origin: shape.map { _ in 0 }, shape: shape)
    }

    /// Whether it has no elements.
    package var isEmpty: Bool { shape.contains(0) }

    /// Whether it lies inside of an array.
    package func lies(within arrayShape: [Int]) -> Bool {
        shape.count == arrayShape.count
            && shape.indices.allSatisfy {
                origin[$0] >= 0 && origin[$0] <= arrayShape[$0] && shape[$0] <= arrayShape[$0] - origin[$0]
            }
    }

    /// What it shares with another box of as many axes, or nil where that is nothing.
    package func intersection(_ other: ArrayRegion) -> ArrayRegion? {
        var (first, extent) = (origin, shape)
        for axis in shape.indices {
            first[axis] = max(origin[axis], other.origin[axis])
            let (end, beyond) = origin[axis].addingReportingOverflow(shape[axis])
            let (otherEnd, otherBeyond) = other.origin[axis].addingReportingOverflow(other.shape[axis])
            extent[axis] = min(beyond ? .max : end, otherBeyond ? .max : otherEnd) - first[axis]
            guard extent[axis] > 0 else { return nil }
        }
        return ArrayRegion(origin: first, shape: extent)
    }

    /// The same box seen from another origin.
    func relative(to other: [Int]) -> ArrayRegion {
        ArrayRegion(origin: zip(origin, other).map { $0 - $1 }, shape: shape)
    }
}

extension ArrayRegion: CustomStringConvertible {
    /// For example `[1, 88, 320, 481] at [0, 0, 0, 0]`.
    package var description: String { "\(shape) at \(origin)" }
}

/// Boxes of one shape, side by side from the first element on.
struct ChunkGrid: Hashable, Sendable {
    /// Extent of a chunk per axis, at least 1.
    let chunkShape: [Int]

    /// The box of a chunk, which may reach beyond the array.
    func region(_ index: [Int]) -> ArrayRegion {
        ArrayRegion(origin: zip(index, chunkShape).map { $0 * $1 }, shape: chunkShape)
    }

    /// The first and the last chunk along an axis that have part in a box, which is not empty.
    func range(_ axis: Int, in region: ArrayRegion) -> ClosedRange<Int> {
        let (first, end) = (region.origin[axis], region.origin[axis] + region.shape[axis])
        return first / chunkShape[axis]...(end - 1) / chunkShape[axis]
    }

    /// How many chunks have part in a box, which is not empty: one that was read or written.
    func count(in region: ArrayRegion) -> Int {
        chunkShape.indices.reduce(1) { $0 * range($1, in: region).count }
    }

    /// Which of the chunks of a box one of them is, in the order of `forEach`.
    func number(of index: [Int], in region: ArrayRegion) -> Int {
        chunkShape.indices.reduce(0) { number, axis in
            let range = range(axis, in: region)
            return number * range.count + index[axis] - range.lowerBound
        }
    }

    /// Calls `body` with the index of each chunk that has part in a box and with that part, the last axis fastest.
    func forEach<Failure: Error>(
        in region: ArrayRegion,
        _ body: (_ index: [Int], _ part: ArrayRegion) throws(Failure) -> Void
    ) throws(Failure) {
        guard !region.isEmpty else { return }
        let first = zip(region.origin, chunkShape).map { $0 / $1 }
        let last = region.shape.indices.map { (region.origin[$0] + region.shape[$0] - 1) / chunkShape[$0] }
        var index = first
        while true {
            // Chunks of an edge may end beyond what an Int holds, so extents are taken axis by axis.
            var part = region
            for axis in index.indices {
                let start = index[axis] * chunkShape[axis]
                let left = region.origin[axis] + region.shape[axis] - start
                part.origin[axis] = max(region.origin[axis], start)
                part.shape[axis] = min(left, chunkShape[axis]) - (part.origin[axis] - start)
            }
            try body(index, part)
            var axis = index.count - 1
            while axis >= 0, index[axis] == last[axis] {
                index[axis] = first[axis]
                axis -= 1
            }
            guard axis >= 0 else { return }
            index[axis] += 1
        }
    }
}
