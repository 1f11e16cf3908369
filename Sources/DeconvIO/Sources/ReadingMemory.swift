/// What reading an image part by part takes in memory, beside the voxels that it gives.
package struct ReadingMemory: Hashable, Sendable {
    /// Bytes while one part is read.
    package var bufferBytes: Int
    /// Bytes of decoded chunks that have to be kept from part to part, or one is decoded anew for each part of it.
    package var leastKeptBytes: Int
    /// Bytes of decoded chunks with which none is decoded twice, as long as the parts come in their order.
    package var mostKeptBytes: Int

    package init(bufferBytes: Int, leastKeptBytes: Int = 0, mostKeptBytes: Int = 0) {
        self.bufferBytes = bufferBytes
        self.leastKeptBytes = leastKeptBytes
        self.mostKeptBytes = mostKeptBytes
    }
}
