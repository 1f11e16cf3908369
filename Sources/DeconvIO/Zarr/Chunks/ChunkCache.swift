import DeconvVolume
import Foundation

/// Decoded chunks of one array that were used in part, up to a number of bytes; the least recently used make room.
///
/// Several threads that want the same chunk at once have it decoded once: the others wait. Unchecked: everything is done
/// under the lock of the condition, and a chunk's bytes are not changed once it is there.
final class ChunkCache: @unchecked Sendable {
    private let condition = NSCondition()
    private var limit: Int
    private var byteCount = 0
    private var entries: [[Int]: Entry] = [:]
    /// The ends of a list of all entries by use.
    private var newest: Entry?
    private var oldest: Entry?

    private final class Entry {
        let index: [Int]
        let byteCount: Int
        /// Nil while it is being decoded.
        var buffer: ByteBuffer?
        var newer: Entry?
        unowned(unsafe) var older: Entry?

        init(_ index: [Int], _ byteCount: Int) {
            self.index = index
            self.byteCount = byteCount
        }
    }

    /// An empty cache.
    init(byteLimit: Int) { limit = byteLimit }

    deinit {
        // One by one, or a long list would be released in as deep a recursion.
        while let entry = oldest {
            oldest = entry.newer
            entry.newer = nil
        }
    }

    /// The most bytes that are kept; less than now drops some.
    var byteLimit: Int {
        get { condition.withLock { limit } }
        set {
            condition.withLock {
                limit = newValue
                makeRoom(for: 0)
            }
        }
    }

    /// Changes the most bytes that are kept, whoever else does so too.
    func changeLimit(_ change: (_ now: Int) -> Int) {
        condition.withLock {
            limit = max(0, change(limit))
            makeRoom(for: 0)
        }
    }

    /// The bytes that are kept now.
    var keptByteCount: Int { condition.withLock { byteCount } }

    /// A chunk's bytes.
    /// - Parameters:
    ///   - index: its number along each axis.
    ///   - decode: makes them, where they are not there, or gives nil; it may run on several threads at once, for different
    ///     chunks.
    /// - Returns: the bytes, or nil where there is no room for as many or nothing to decode.
    func chunk(
        _ index: [Int],
        byteCount: Int,
        decode: () throws(DeconvolutionError) -> ByteBuffer?
    ) throws(DeconvolutionError) -> ByteBuffer? {
        condition.lock()
        while let entry = entries[index] {
            if let buffer = entry.buffer {
                remove(entry)
                insert(entry)
                condition.unlock()
                return buffer
            }
            condition.wait()
        }
        guard makeRoom(for: byteCount) else {
            condition.unlock()
            return nil
        }
        let entry = Entry(index, byteCount)
        insert(entry)
        condition.unlock()
        do throws(DeconvolutionError) {
            let buffer = try decode()
            condition.withLock {
                entry.buffer = buffer
                if buffer == nil { remove(entry) }
                condition.broadcast()
                // The limit may have been lowered meanwhile.
                makeRoom(for: 0)
            }
            return buffer
        } catch {
            condition.withLock {
                remove(entry)
                condition.broadcast()
            }
            throw error
        }
    }

    /// Drops what was not used for longest, until there is room or only chunks are left that are being decoded.
    @discardableResult
    private func makeRoom(for count: Int) -> Bool {
        guard count <= limit else { return false }
        var entry = oldest
        while let next = entry, byteCount > limit - count {
            entry = next.newer
            if next.buffer != nil { remove(next) }
        }
        return byteCount <= limit - count
    }

    private func insert(_ entry: Entry) {
        entries[entry.index] = entry
        byteCount += entry.byteCount
        entry.older = newest
        newest?.newer = entry
        newest = entry
        if oldest == nil { oldest = entry }
    }

    private func remove(_ entry: Entry) {
        entries[entry.index] = nil
        byteCount -= entry.byteCount
        if newest === entry { newest = entry.older }
        if oldest === entry { oldest = entry.newer }
        entry.newer?.older = entry.older
        entry.older?.newer = entry.newer
        (entry.newer, entry.older) = (nil, nil)
    }
}
