/// The Castagnoli checksum of RFC 3720: reflected polynomial 0x82F63B78, all ones before and after.
enum CRC32C {
    /// The checksum of some bytes.
    static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var crc: UInt32 = .max
        tables.withUnsafeBufferPointer { tables in
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
        return ~crc
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
