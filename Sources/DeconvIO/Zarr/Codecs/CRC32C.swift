import CLinux

/// The Castagnoli checksum of RFC 3720: reflected polynomial 0x82F63B78, all ones before and after.
package struct CRC32C: Sendable {
    private var state: UInt32 = .max
    private let usesInstruction: Bool

    /// The checksum of no bytes.
    /// - Parameter usesInstruction: whether the processor's instruction for it may be used, where there is one.
    package init(usesInstruction: Bool = true) { self.usesInstruction = usesInstruction && Self.hasInstruction }

    /// The checksum of the bytes so far.
    package var value: UInt32 { ~state }

    /// The checksum of some bytes.
    package static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var checksum = CRC32C()
        checksum.add(bytes)
        return checksum.value
    }

    /// Adds bytes at the end.
    package mutating func add(_ bytes: UnsafeRawBufferPointer) {
        if usesInstruction { addByInstruction(bytes) } else { addByTables(bytes) }
    }

    // MARK: - By instruction

    private static let hasInstruction = gpudeconv_has_crc32c() != 0

    /// Words of a run; three runs are taken at once.
    private static let runLength = 512

    private mutating func addByInstruction(_ bytes: UnsafeRawBufferPointer) {
        guard var next = bytes.baseAddress else { return }
        var count = bytes.count
        while count >= 24 * Self.runLength {
            var states = (state, UInt32(0), UInt32(0))
            withUnsafeMutableBytes(of: &states) {
                gpudeconv_crc32c_runs($0.assumingMemoryBound(to: UInt32.self).baseAddress, next, Self.runLength)
            }
            // The state is linear in what was there before.
            state = Self.afterRunOfZeros(Self.afterRunOfZeros(states.0) ^ states.1) ^ states.2
            next += 24 * Self.runLength
            count -= 24 * Self.runLength
        }
        state = gpudeconv_crc32c_words(state, next, count / 8)
        addByTables(UnsafeRawBufferPointer(rebasing: bytes[(bytes.count - count % 8)...]))
    }

    /// What a state becomes when as many zeros follow as a run has bytes.
    private static func afterRunOfZeros(_ state: UInt32) -> UInt32 {
        runOfZeros.withUnsafeBufferPointer { table in
            (0..<4).reduce(0) { $0 ^ table[$1 &* 256 &+ Int((state >> UInt32(8 &* $1)) & 0xFF)] }
        }
    }

    /// Entry 256 k + b is what byte k of a state becomes.
    private static let runOfZeros: [UInt32] = {
        let zeros = [UInt64](repeating: 0, count: runLength)
        let bits = (0..<32).map { gpudeconv_crc32c_words(1 << UInt32($0), zeros, zeros.count) }
        return (0..<4 * 256).map { entry in
            (0..<8).reduce(0) { (entry >> $1) & 1 == 1 ? $0 ^ bits[entry / 256 * 8 + $1] : $0 }
        }
    }()

    // MARK: - By tables

    private mutating func addByTables(_ bytes: UnsafeRawBufferPointer) {
        var crc = state
        Self.tables.withUnsafeBufferPointer { tables in
            var rest = bytes
            // Eight tables give the effect of eight bytes at once.
            while rest.count >= 8 {
                let low = UInt32(littleEndian: rest.loadUnaligned(as: UInt32.self)) ^ crc
                let high = UInt32(littleEndian: rest.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
                crc = 0
                for byte in 0..<4 {
                    crc ^= tables[(7 &- byte) &* 256 &+ Int((low >> UInt32(8 &* byte)) & 0xFF)]
                    crc ^= tables[(3 &- byte) &* 256 &+ Int((high >> UInt32(8 &* byte)) & 0xFF)]
                }
                rest = UnsafeRawBufferPointer(rebasing: rest[8...])
            }
            for byte in rest { crc = (crc >> 8) ^ tables[Int((crc ^ UInt32(byte)) & 0xFF)] }
        }
        state = crc
    }

    /// Entry 256 k + b is the effect of byte b with k zero bytes behind it.
    private static let tables: [UInt32] = {
        var tables = (0..<256).map { byte in
            (0..<8).reduce(UInt32(byte)) { crc, _ in (crc >> 1) ^ (crc & 1 == 1 ? 0x82F6_3B78 : 0) }
        }
        for index in 256..<8 * 256 {
            let before = tables[index - 256]
            tables.append((before >> 8) ^ tables[Int(before & 0xFF)])
        }
        return tables
    }()
}
