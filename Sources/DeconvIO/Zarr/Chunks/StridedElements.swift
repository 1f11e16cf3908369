/// Where the elements of a box lie in memory: bytes from one to the next, per axis.
///
/// Unchecked: threads that have it write elements of different boxes.
struct StridedElements: @unchecked Sendable {
    /// The element at index 0 of every axis.
    var base: UnsafeMutableRawPointer
    /// Bytes to the next element, per axis.
    var strides: [Int]

    /// Bytes from the element at index 0 of every axis to another one.
    static func offset(of index: [Int], _ strides: [Int]) -> Int { zip(index, strides).reduce(0) { $0 + $1.0 * $1.1 } }

    /// An element's place.
    func at(_ index: [Int]) -> UnsafeMutableRawPointer { base + Self.offset(of: index, strides) }

    /// The same elements counted from another first one.
    func moved(to origin: [Int]) -> StridedElements { StridedElements(base: at(origin), strides: strides) }

    /// Bytes to the next element, per axis, where the last axis is fastest and nothing lies between.
    static func contiguous(_ shape: [Int], width: Int) -> [Int] {
        var strides = shape
        var stride = width
        for axis in shape.indices.reversed() {
            strides[axis] = stride
            stride *= max(1, shape[axis])
        }
        return strides
    }

    /// Whether the elements of a box follow each other in memory, the last axis fastest.
    func isContiguous(_ shape: [Int], width: Int) -> Bool {
        let wanted = Self.contiguous(shape, width: width)
        return shape.indices.allSatisfy { shape[$0] == 1 || strides[$0] == wanted[$0] }
    }
}

extension StridedElements {
    /// Copies a box of elements of 1, 2, 4 or 8 bytes, reversing the bytes of each if asked to.
    ///
    /// The two must not overlap. Neither needs to be aligned.
    static func copy(
        _ source: (base: UnsafeRawPointer, strides: [Int]),
        to target: StridedElements,
        shape: [Int],
        width: Int,
        swapping: Bool
    ) {
        guard !shape.contains(0) else { return }
        let axes = merged(shape, source.strides, target.strides)
        switch width {
        case 1: copy(source.base, target.base, axes, swapping: false, as: UInt8.self)
        case 2: copy(source.base, target.base, axes, swapping: swapping, as: UInt16.self)
        case 4: copy(source.base, target.base, axes, swapping: swapping, as: UInt32.self)
        case 8: copy(source.base, target.base, axes, swapping: swapping, as: UInt64.self)
        default: preconditionFailure("elements of \(width) bytes")
        }
    }

    /// Writes one element to every place of a box.
    static func fill(_ target: StridedElements, shape: [Int], with element: [UInt8]) {
        guard !shape.contains(0) else { return }
        let axes = merged(shape, target.strides, target.strides)
        switch element.count {
        case 1: fill(target.base, axes, element, as: UInt8.self)
        case 2: fill(target.base, axes, element, as: UInt16.self)
        case 4: fill(target.base, axes, element, as: UInt32.self)
        case 8: fill(target.base, axes, element, as: UInt64.self)
        default: preconditionFailure("elements of \(element.count) bytes")
        }
    }

    private struct Axis {
        var extent: Int
        var source: Int
        var target: Int
    }

    /// The axes with the smallest step in the target last, those of one element left out, and neighbors joined that
    /// are one run in both.
    private static func merged(_ shape: [Int], _ source: [Int], _ target: [Int]) -> [Axis] {
        var axes: [Axis] = []
        let sorted = shape.indices.filter { shape[$0] > 1 }.sorted { target[$0] > target[$1] }
        for axis in sorted {
            let next = Axis(extent: shape[axis], source: source[axis], target: target[axis])
            if let outer = axes.last, outer.source == next.source * next.extent,
                outer.target == next.target * next.extent
            {
                axes[axes.count - 1] = Axis(
                    extent: outer.extent * next.extent,
                    source: next.source,
                    target: next.target
                )
            } else {
                axes.append(next)
            }
        }
        return axes
    }

    /// Calls `body` with the offsets in source and target of every index of `axes`.
    @inline(__always)
    private static func forEach(_ axes: [Axis], _ body: (Int, Int) -> Void) {
        var index = axes.map { _ in 0 }
        var (source, target) = (0, 0)
        while true {
            body(source, target)
            var axis = axes.count - 1
            while axis >= 0, index[axis] == axes[axis].extent - 1 {
                source -= index[axis] * axes[axis].source
                target -= index[axis] * axes[axis].target
                index[axis] = 0
                axis -= 1
            }
            guard axis >= 0 else { return }
            index[axis] += 1
            source += axes[axis].source
            target += axes[axis].target
        }
    }

    private static func copy<Word: FixedWidthInteger>(
        _ source: UnsafeRawPointer,
        _ target: UnsafeMutableRawPointer,
        _ axes: [Axis],
        swapping: Bool,
        as type: Word.Type
    ) {
        let width = MemoryLayout<Word>.size
        let row = axes.last ?? Axis(extent: 1, source: width, target: width)
        if row.source == width, row.target == width {
            forEach(axes.dropLast()) { from, to in
                if swapping {
                    run(source + from, target + to, row) { $0.byteSwapped as Word }
                } else {
                    (target + to).copyMemory(from: source + from, byteCount: row.extent * width)
                }
            }
            return
        }
        // Another axis is the fastest of the source: squares, so that lines of the cache are used up on both sides.
        guard let fastest = axes.indices.dropLast().min(by: { axes[$0].source < axes[$1].source }) else {
            if swapping {
                run(source, target, row) { $0.byteSwapped as Word }
            } else {
                run(source, target, row) { $0 as Word }
            }
            return
        }
        var outer = axes.dropLast()
        let across = outer.remove(at: fastest)
        forEach(Array(outer)) { from, to in
            if swapping {
                squares(source + from, target + to, across, row) { $0.byteSwapped as Word }
            } else {
                squares(source + from, target + to, across, row) { $0 as Word }
            }
        }
    }

    private static func forEach(_ axes: ArraySlice<Axis>, _ body: (Int, Int) -> Void) { forEach(Array(axes), body) }

    @inline(__always)
    private static func run<Word: FixedWidthInteger>(
        _ source: UnsafeRawPointer,
        _ target: UnsafeMutableRawPointer,
        _ axis: Axis,
        _ value: (Word) -> Word
    ) {
        for index in 0..<axis.extent {
            let word = (source + index &* axis.source).loadUnaligned(as: Word.self)
            (target + index &* axis.target).storeBytes(of: value(word), as: Word.self)
        }
    }

    @inline(__always)
    private static func squares<Word: FixedWidthInteger>(
        _ source: UnsafeRawPointer,
        _ target: UnsafeMutableRawPointer,
        _ across: Axis,
        _ row: Axis,
        _ value: (Word) -> Word
    ) {
        // 32 x 32 elements of 8 bytes are 16 KiB in two places, half of a common first-level cache.
        let side = 32
        for firstAcross in stride(from: 0, to: across.extent, by: side) {
            for first in stride(from: 0, to: row.extent, by: side) {
                let part = Axis(extent: min(side, row.extent - first), source: row.source, target: row.target)
                for index in firstAcross..<min(firstAcross + side, across.extent) {
                    run(
                        source + index &* across.source + first &* row.source,
                        target + index &* across.target + first &* row.target,
                        part,
                        value
                    )
                }
            }
        }
    }

    private static func fill<Word: FixedWidthInteger>(
        _ target: UnsafeMutableRawPointer,
        _ axes: [Axis],
        _ element: [UInt8],
        as type: Word.Type
    ) {
        let word = element.withUnsafeBytes { $0.loadUnaligned(as: Word.self) }
        let width = MemoryLayout<Word>.size
        let row = axes.last ?? Axis(extent: 1, source: width, target: width)
        forEach(axes.dropLast()) { _, offset in
            for index in 0..<row.extent {
                (target + offset + index &* row.target).storeBytes(of: word, as: Word.self)
            }
        }
    }
}
