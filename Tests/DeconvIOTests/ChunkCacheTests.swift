import DeconvTestSupport
import DeconvVolume
import Foundation
import Synchronization
import Testing

@testable import DeconvIO

@Suite struct ChunkCacheTests {
    private static let place = "chunk"

    private func chunk(_ cache: ChunkCache, _ index: Int, _ byteCount: Int = 10) throws -> (
        isKept: Bool, isDecoded: Bool
    ) {
        var isDecoded = false
        let buffer = try cache.chunk([index], byteCount: byteCount) { () throws(DeconvolutionError) -> ByteBuffer? in
            isDecoded = true
            let buffer = try ByteBuffer(byteCount: byteCount, for: Self.place)
            buffer.bytes.initializeMemory(as: UInt8.self, repeating: UInt8(index))
            return buffer
        }
        if let buffer { #expect(buffer.bytes.allSatisfy { $0 == UInt8(index) }) }
        return (buffer != nil, isDecoded)
    }

    @Test func whatWasNotUsedForLongestMakesRoom() throws {
        let cache = ChunkCache(byteLimit: 30)
        for index in [1, 2, 3] { #expect(try chunk(cache, index) == (true, true)) }
        #expect(try chunk(cache, 1) == (true, false))
        #expect(try chunk(cache, 4) == (true, true))
        for index in [3, 1, 4] { #expect(try chunk(cache, index) == (true, false)) }
        #expect(try chunk(cache, 2) == (true, true))
        #expect(cache.keptByteCount == 30)
    }

    @Test func itIsNeverLargerThanAskedFor() throws {
        let cache = ChunkCache(byteLimit: 100)
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<1000 {
            let byteCount = Int.random(in: 1...150, using: &generator)
            let result = try chunk(cache, byteCount, byteCount)
            #expect(result.isKept == (byteCount <= 100))
            #expect(cache.keptByteCount <= 100)
        }
        cache.byteLimit = 20
        #expect(cache.keptByteCount <= 20)
        cache.byteLimit = 0
        #expect(cache.keptByteCount == 0)
        #expect(try chunk(cache, 1).isKept == false)
    }

    @Test func aChunkThatSeveralThreadsWantIsDecodedOnce() throws {
        let cache = ChunkCache(byteLimit: 1000)
        let decoded = Atomic(0)
        let failures = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: 200) { thread in
            let index = thread / 8
            let buffer = try? cache.chunk([index], byteCount: 40) { () throws(DeconvolutionError) -> ByteBuffer? in
                decoded.add(1, ordering: .relaxed)
                usleep(2000)
                return try ByteBuffer(byteCount: 40, for: Self.place)
            }
            if buffer == nil { failures.add(1, ordering: .relaxed) }
        }
        #expect(decoded.load(ordering: .relaxed) == 25)
        #expect(failures.load(ordering: .relaxed) == 0)
        #expect(cache.keptByteCount == 1000)
    }

    @Test func aChunkThatCannotBeDecodedIsTriedAgain() throws {
        let cache = ChunkCache(byteLimit: 100)
        for _ in 0..<2 {
            #expect(throws: DeconvolutionError.self) {
                try cache.chunk([0], byteCount: 10) { () throws(DeconvolutionError) -> ByteBuffer? in
                    throw DeconvolutionError(.invalidData, "damaged")
                }
            }
        }
        #expect(cache.keptByteCount == 0)
        #expect(try cache.chunk([0], byteCount: 10) { () throws(DeconvolutionError) -> ByteBuffer? in nil } == nil)
        #expect(try chunk(cache, 0) == (true, true))
    }

    @Test func aLongListOfChunksIsReleased() throws {
        let cache = ChunkCache(byteLimit: .max)
        for index in 0..<200_000 {
            _ = try cache.chunk([index], byteCount: 1) { () throws(DeconvolutionError) -> ByteBuffer? in
                try ByteBuffer(byteCount: 1, for: Self.place)
            }
        }
        #expect(cache.keptByteCount == 200_000)
    }
}
