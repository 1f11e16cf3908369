import Foundation
import Synchronization

/// The temporary files that now exist, so that a program about to die can remove them.
///
/// A fixed table of C strings behind atomic words: `removeAll` takes no lock and allocates nothing, so it may run in a
/// signal handler. Whoever swaps a word out owns the string.
enum UnfinishedOutputs {
    /// Where an entry lies, or nothing where the table was full.
    struct Entry {
        fileprivate let slot: Int?
    }

    private static let slotCount = 1024

    private struct Table: @unchecked Sendable {  // the words are atomic, and the pointer to them never changes
        let words: UnsafeMutablePointer<Atomic<UInt>>
    }

    private static let table: Table = {
        let words = UnsafeMutablePointer<Atomic<UInt>>.allocate(capacity: slotCount)
        for slot in 0..<slotCount { (words + slot).initialize(to: Atomic(0)) }
        return Table(words: words)
    }()

    /// Remembers a file. With 1024 files open at once the next ones are left to their owner's `deinit`.
    static func add(_ path: String) -> Entry {
        guard let text = strdup(path) else { return Entry(slot: nil) }
        let word = UInt(bitPattern: text)
        for slot in 0..<slotCount
        where table.words[slot].compareExchange(expected: 0, desired: word, ordering: .acquiringAndReleasing).exchanged
        {
            return Entry(slot: slot)
        }
        free(text)
        return Entry(slot: nil)
    }

    /// Forgets a file that was finished or removed.
    static func remove(_ entry: Entry) {
        guard let slot = entry.slot else { return }
        let word = table.words[slot].exchange(0, ordering: .acquiringAndReleasing)
        free(UnsafeMutableRawPointer(bitPattern: word))
    }

    /// Removes every file remembered. Its strings are not freed: this is for the end of the process.
    static func removeAll() {
        for slot in 0..<slotCount {
            let word = table.words[slot].exchange(0, ordering: .acquiringAndReleasing)
            if let text = UnsafePointer<CChar>(bitPattern: word) { unlink(text) }
        }
    }
}
