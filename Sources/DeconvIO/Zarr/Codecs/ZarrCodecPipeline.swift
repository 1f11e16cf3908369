/// How the elements of a chunk become the bytes of its file: transposed, laid out or cut into a shard, compressed.
package struct ZarrCodecPipeline: Hashable, Sendable {
    /// Orders of axes that a chunk goes through one after the other: axis i of the result is axis `order[i]`.
    var transposes: [[Int]] = []
    /// How elements become bytes.
    var layout: Layout
    /// What the bytes go through, in the order of encoding.
    var byteCodecs: [ZarrByteCodec] = []

    /// How elements become bytes.
    indirect enum Layout: Hashable, Sendable {
        /// One after the other, the last axis fastest.
        case elements(isBigEndian: Bool)
        /// As chunks of their own, with an index.
        case shard(Shard)
    }

    /// A chunk of chunks.
    struct Shard: Hashable, Sendable {
        /// Elements of an inner chunk, per axis; divides the shard.
        var innerChunkShape: [Int]
        /// How inner chunks become bytes.
        var pipeline: ZarrCodecPipeline
        /// How the index becomes bytes.
        var index = Index()
    }

    /// Two 64-bit numbers an inner chunk, offset and number of bytes, in front of the chunks or behind them.
    struct Index: Hashable, Sendable {
        /// Whether it is in front.
        var isAtStart = false
        /// Byte order of its numbers.
        var isBigEndian = false
        /// How many checksums are behind it; one, where nobody wants it otherwise.
        var checksumCount = 1
    }
}

extension ZarrCodecPipeline {
    /// The most bytes that a chunk may take decoded: 64 GiB, far above what anybody writes and far below what a header
    /// can claim.
    static let largestChunkByteCount = 1 << 36

    /// The most inner chunks that a shard may have: an index of 1 GiB, which is in memory when any of them is read or written.
    static let largestInnerChunkCount = 1 << 26

    /// The most codecs from bytes to bytes, one after the other; nobody writes more than three.
    static let largestCodecCount = 8

    /// The shape of what is decoded at once: the innermost chunk of shards, or the whole chunk.
    /// - Parameter withCodecsAroundShards: whether a shard whose bytes are compressed as a whole counts as one, too.
    func decodedShape(_ shape: [Int], withCodecsAroundShards: Bool = false) -> [Int] {
        switch layout {
        case .elements: return shape
        case .shard where withCodecsAroundShards && !byteCodecs.isEmpty: return shape
        case .shard(let shard):
            // Back through the transposes, into the order of the array's axes.
            var inner = shard.pipeline.decodedShape(
                shard.innerChunkShape,
                withCodecsAroundShards: withCodecsAroundShards
            )
            for order in transposes.reversed() {
                var undone = inner
                for (axis, origin) in order.enumerated() { undone[origin] = inner[axis] }
                inner = undone
            }
            return inner
        }
    }

    /// A shape as the transposes leave it.
    func transposed(_ shape: [Int]) -> [Int] {
        transposes.reduce(shape) { shape, order in order.map { shape[$0] } }
    }

    /// Holds what a pipeline says against the shape of the chunks that go through it.
    /// - Throws: where the axes do not fit, shards are not cut evenly, or a chunk is absurdly large.
    func validate(chunkShape: [Int], elementSize: Int) throws(ZarrProblem) {
        for order in transposes where order.sorted() != Array(chunkShape.indices) {
            throw ZarrProblem(
                "its codec transpose has the order \(order) for \(chunkShape.count) axes; write the array again"
            )
        }
        guard byteCodecs.count <= Self.largestCodecCount else {
            throw ZarrProblem(
                "its chunks go through \(byteCodecs.count) codecs, and up to \(Self.largestCodecCount) are known to make sense",
                writing: "choose one"
            )
        }
        switch layout {
        case .elements:
            guard let count = Int.product(chunkShape + [elementSize]), count <= Self.largestChunkByteCount else {
                throw ZarrProblem(
                    "a chunk of \(chunkShape) elements of \(elementSize) bytes is more than the "
                        + "\(Self.largestChunkByteCount) bytes that one may take",
                    reading: "write the array again in smaller chunks",
                    writing: "choose smaller chunks"
                )
            }
        case .shard(let shard):
            let shape = transposed(chunkShape)
            let inner = shard.innerChunkShape
            guard inner.count == shape.count, zip(shape, inner).allSatisfy({ $1 > 0 && $0 % $1 == 0 }) else {
                throw ZarrProblem(
                    "its shards of \(shape) cannot be cut into chunks of \(inner)",
                    writing: "choose shards that are multiples of the chunks"
                )
            }
            guard let count = Int.product(shard.chunkCounts(shape)), count <= Self.largestInnerChunkCount else {
                throw ZarrProblem(
                    "its shards of \(shape) have too many chunks of \(inner)",
                    writing: "choose larger chunks or smaller shards"
                )
            }
            try shard.pipeline.validate(chunkShape: inner, elementSize: elementSize)
        }
    }
}

extension ZarrCodecPipeline.Shard {
    /// How many inner chunks a shard has along each axis.
    func chunkCounts(_ shape: [Int]) -> [Int] { zip(shape, innerChunkShape).map { $0 / $1 } }

    /// The number of an inner chunk in the index, the last axis fastest.
    static func number(of position: [Int], _ chunkCounts: [Int]) -> Int {
        zip(position, chunkCounts).reduce(0) { $0 * $1.1 + $1.0 }
    }
}

/// What a pipeline needs to know about the elements.
struct ZarrElement {
    /// Bytes of an element.
    let size: Int
    /// What is there where nothing was written, in this machine's byte order.
    let fill: [UInt8]

    /// Whether stored bytes are to be reversed.
    func swaps(isBigEndian: Bool) -> Bool { size > 1 && isBigEndian != Self.isHostBigEndian }

    static let isHostBigEndian = 1.bigEndian == 1
}
