extension Double {
    /// The number with one decimal, or none where that is 0.
    var rounded1: String {
        let rounded = (self * 10).rounded() / 10
        return rounded == rounded.rounded() && abs(rounded) < 1e15 ? "\(Int(rounded))" : "\(rounded)"
    }

    /// The number with two decimals, or fewer where these are 0.
    var rounded2: String {
        let rounded = (self * 100).rounded() / 100
        return rounded == rounded.rounded() && abs(rounded) < 1e15 ? "\(Int(rounded))" : "\(rounded)"
    }

    /// In three figures, without an exponent: `0.0123`, `99.8`, `1230`.
    private var rounded3: Double {
        guard self != 0, isFinite else { return self }
        var scale = 1.0
        var size = magnitude
        while size < 100 { (size, scale) = (size * 10, scale * 10) }
        return (self * scale).rounded() / scale
    }

    /// The number in three figures, without an exponent.
    var threeFigures: String {
        let value = rounded3
        return value == value.rounded() && value.magnitude < 1e15 ? "\(Int(value))" : "\(value)"
    }
}
