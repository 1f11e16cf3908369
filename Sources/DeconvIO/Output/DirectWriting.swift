import CLinux
import Foundation

/// Writes to a file that go past the system's cache (`O_DIRECT`), where memory and file lie on whole pages and there are many.
///
/// Nobody reads a large chunk soon after it was written, and copying it into pages that the system must first find takes
/// several times the processor time of all else that writing does.
struct DirectWriting {
    /// What memory and file are aligned to: the blocks of every usual disk divide it.
    static let alignment = 4096
    /// From so many bytes on it is worth waiting for the disk at each call.
    static let leastByteCount = 1 << 20

    private let descriptor: Int32
    private var isOn = false
    private var isPossible = true

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// Chooses the way for the next write, and gives how many of the bytes it may take.
    mutating func choose(_ memory: UnsafeRawPointer, _ count: Int, at offset: Int) -> Int {
        let whole = count / Self.alignment * Self.alignment
        let isAligned = Int(bitPattern: memory) % Self.alignment == 0 && offset % Self.alignment == 0
        set(isPossible && isAligned && whole >= Self.leastByteCount)
        return isOn ? whole : count
    }

    /// Takes the usual way from now on; whether it was another one until now, so that what was refused is worth a second try.
    mutating func giveUp() -> Bool {
        defer { isPossible = false }
        guard isOn, isPossible else { return false }
        set(false)
        return true
    }

    /// Back to the usual way, for whoever reads.
    mutating func end() { set(false) }

    private mutating func set(_ value: Bool) {
        guard value != isOn else { return }
        // Some file systems (older tmpfs, some network disks) know no other way.
        if gpudeconv_set_direct(descriptor, value ? 1 : 0) == 0 { isOn = value } else { isPossible = false }
    }
}
