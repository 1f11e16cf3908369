import Glibc

/// Values in few characters.
enum ValueText {
    /// Whole from 100 on, three digits below.
    static func short(_ value: Double) -> String {
        let magnitude = abs(value)
        if magnitude >= 1e7 || (magnitude < 1e-3 && magnitude > 0) {
            let exponent = log10(magnitude).rounded(.down)
            return "\(short(value / pow(10, exponent)))e\(Int(exponent))"
        }
        if magnitude >= 100 || value == value.rounded() { return "\(Int(value.rounded()))" }
        let digits = pow(10, 2 - (magnitude > 0 ? log10(magnitude).rounded(.down) : 0))
        return "\(Float((value * digits).rounded() / digits))"
    }
}
