extension Double {
    /// A number from a text with a point or, as programs of many countries write it, a comma before its decimals; nil for all else.
    init?(decimal text: some StringProtocol) {
        if let value = Double(String(text)) {
            self = value
            return
        }
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        guard parts.count == 2, !text.contains("."), let value = Double("\(parts[0]).\(parts[1])") else { return nil }
        self = value
    }
}
