/// A number of bytes in the words of people: `3.1 GB`, powers of 1000.
package struct ByteCount: CustomStringConvertible, Sendable {
    private let bytes: Int

    /// A number of bytes.
    package init(_ bytes: Int) { self.bytes = bytes }

    /// For example `312 MB`.
    package var description: String {
        var value = Double(bytes)
        for unit in ["B", "kB", "MB", "GB"] {
            if value < 999.5 { return format(value, unit) }
            value /= 1000
        }
        return format(value, "TB")
    }

    private func format(_ value: Double, _ unit: String) -> String {
        if unit == "B" || value >= 9.95 { return "\(Int(value.rounded())) \(unit)" }
        return "\((value * 10).rounded() / 10) \(unit)"
    }

    /// The bytes that a text such as `8GB`, `500 MB`, `1.5GiB` or `1048576` means, or nil.
    package static func parse(_ text: String) -> Int? {
        let units: [(String, Double)] = [
            ("kib", 1024), ("mib", 1_048_576), ("gib", 1_073_741_824), ("tib", 1_099_511_627_776),
            ("kb", 1e3), ("mb", 1e6), ("gb", 1e9), ("tb", 1e12),
            ("k", 1e3), ("m", 1e6), ("g", 1e9), ("t", 1e12), ("b", 1),
        ]
        var digits = Substring(text.lowercased())
        var factor = 1.0
        for (unit, value) in units where digits.hasSuffix(unit) {
            digits = digits.dropLast(unit.count)
            factor = value
            break
        }
        while digits.last == " " { digits = digits.dropLast() }
        guard let number = Double(digits), number > 0, number * factor < 9e18 else { return nil }
        return Int(number * factor)
    }
}
