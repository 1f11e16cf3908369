import DeconvVolume

/// Units of length as files write them.
enum LengthUnit {
    /// Micrometres of one unit, or nil where the text names no physical length (`pixel`, `reference frame`, nothing).
    ///
    /// Symbols are case-sensitive as in OME's list (`Mm` is no `mm`); words are not. Both code points of µ are known,
    /// and the `\u00B5` that ImageJ writes for it.
    static func micrometers(_ unit: String) -> Double? {
        let text =
            unit
            .trimmed
            .replacing("\\u00B5", with: "u").replacing("\\u00b5", with: "u")
            .replacing("\\u03BC", with: "u").replacing("\\u03bc", with: "u")
            .replacing("\u{00B5}", with: "u").replacing("\u{03BC}", with: "u")
            .replacing("\u{212B}", with: "A").replacing("\u{00C5}", with: "A")
        return symbols[text] ?? words[text.lowercased()]
    }

    private static let inch = 25_400.0

    private static let symbols: [String: Double] = [
        "fm": 1e-9, "pm": 1e-6, "A": 1e-4, "nm": 1e-3, "um": 1, "mm": 1e3, "cm": 1e4, "dm": 1e5, "m": 1e6, "km": 1e9,
        "in": inch, "thou": inch / 1000, "ft": 12 * inch, "yd": 36 * inch, "pt": inch / 72,
    ]

    private static let words: [String: Double] = [
        "um": 1, "micron": 1, "microns": 1,
        "micrometer": 1, "micrometers": 1, "micrometre": 1, "micrometres": 1,
        "nm": 1e-3, "nanometer": 1e-3, "nanometers": 1e-3, "nanometre": 1e-3, "nanometres": 1e-3,
        "angstrom": 1e-4, "angstroms": 1e-4,
        "femtometer": 1e-9, "femtometre": 1e-9, "picometer": 1e-6, "picometre": 1e-6,
        "millimeter": 1e3, "millimeters": 1e3, "millimetre": 1e3, "millimetres": 1e3,
        "centimeter": 1e4, "centimeters": 1e4, "centimetre": 1e4, "centimetres": 1e4,
        "decimeter": 1e5, "decimetre": 1e5,
        "meter": 1e6, "meters": 1e6, "metre": 1e6, "metres": 1e6,
        "kilometer": 1e9, "kilometre": 1e9,
        "inch": inch, "inches": inch, "\"": inch, "foot": 12 * inch, "yard": 36 * inch,
    ]
}

/// Units of time as OME and OME-Zarr write them.
enum TimeUnit {
    /// Seconds of one unit, or nil where it is not known.
    static func seconds(_ unit: String) -> Double? {
        let text = unit.trimmed
            .replacing("\u{00B5}", with: "u").replacing("\u{03BC}", with: "u").replacing("\\u00B5", with: "u")
        return [
            "ns": 1e-9, "us": 1e-6, "ms": 1e-3, "msec": 1e-3, "s": 1, "sec": 1, "second": 1, "seconds": 1,
            "min": 60, "minute": 60, "minutes": 60, "h": 3600, "hour": 3600, "hours": 3600, "d": 86_400,
            "picosecond": 1e-12, "nanosecond": 1e-9, "microsecond": 1e-6, "millisecond": 1e-3, "milliseconds": 1e-3,
            "centisecond": 1e-2, "decisecond": 0.1, "kilosecond": 1e3, "day": 86_400, "days": 86_400,
        ][text]
    }
}

extension String {
    /// Without white space at either end.
    var trimmed: String {
        var text = self[...]
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return String(text)
    }
}
