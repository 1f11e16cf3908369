/// IEEE 754 half precision by its bits: Swift's own `Float16` needs functions that not every system's runtime has.
enum HalfPrecision {
    /// The number that 16 bits stand for; exact.
    @inline(__always)
    static func float(_ bits: UInt16) -> Float {
        let sign = UInt32(bits & 0x8000) << 16
        let exponent = UInt32(bits >> 10) & 0x1F
        let fraction = UInt32(bits & 0x3FF)
        switch exponent {
        case 0:
            // Zero and what is below 2^-14: multiples of 2^-24.
            let value = Float(fraction) * 0x1p-24
            return Float(bitPattern: sign | value.bitPattern)
        case 31: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
        default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
        }
    }

    /// The nearest number of half precision, ties to even; beyond 65504 infinite.
    static func bits(_ value: Double) -> UInt16 {
        let sign: UInt16 = value.sign == .minus ? 0x8000 : 0
        let magnitude = value.magnitude
        if value.isNaN { return sign | 0x7E00 }
        // 65520 is halfway between the largest number and what would come next.
        if magnitude >= 65520 { return sign | 0x7C00 }
        if magnitude < 0x1p-14 { return sign | UInt16((magnitude * 0x1p24).rounded(.toNearestOrEven)) }
        let exponent = Int(magnitude.exponent)
        let fraction = (magnitude.significand - 1) * 1024
        // A fraction that rounds up to 1024 carries into the exponent, as it should.
        return sign | (UInt16(exponent + 15) << 10) &+ UInt16(fraction.rounded(.toNearestOrEven))
    }
}
