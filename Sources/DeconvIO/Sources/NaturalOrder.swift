/// The order in which people number files: `t2` before `t10`.
package enum NaturalOrder {
    /// Whether a name comes before another: runs of digits by their value, all else by its bytes.
    ///
    /// Names that differ by leading zeros only are in the order of their bytes, so that no two names are equal.
    package static func precedes(_ first: String, _ second: String) -> Bool {
        let (a, b) = (Array(first.utf8), Array(second.utf8))
        var (i, j) = (0, 0)
        while i < a.count, j < b.count {
            if isDigit(a[i]), isDigit(b[j]) {
                let (left, right) = (number(a, &i), number(b, &j))
                if left.count != right.count { return left.count < right.count }
                if !left.elementsEqual(right) { return left.lexicographicallyPrecedes(right) }
            } else {
                if a[i] != b[j] { return a[i] < b[j] }
                i += 1
                j += 1
            }
        }
        if i < a.count || j < b.count { return i == a.count }
        return a.lexicographicallyPrecedes(b)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    /// The digits from a position on without leading zeros, with the position moved behind them.
    private static func number(_ bytes: [UInt8], _ position: inout Int) -> ArraySlice<UInt8> {
        let start = position
        while position < bytes.count, isDigit(bytes[position]) { position += 1 }
        return bytes[start..<position].drop { $0 == 0x30 }
    }
}
