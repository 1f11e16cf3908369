import DeconvVolume

/// The text that ImageJ2 and other users of SCIFIO put into a TIFF: `SCIFIO=0.42.0`, then one `key=value` a line, of which
/// `axes`, `lengths`, `scales` and `units` have one entry an axis, the fastest first.
struct SCIFIODescription {
    private let values: [String: String]

    /// The description, or nil where the text is not SCIFIO's.
    init?(_ text: String) {
        guard text.hasPrefix("SCIFIO=") else { return nil }
        var values: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            guard let equals = line.firstIndex(of: "=") else { continue }
            values[String(line[..<equals]).trimmed] = String(line[line.index(after: equals)...]).trimmed
        }
        self.values = values
    }

    /// What it says about a file of `pageCount` pages.
    /// - Throws: where its axes are none that are read, or do not go with the pages.
    func layout(pageCount: Int) throws(DescriptionProblem) -> TIFFLayout {
        let names = list("axes")
        let lengths = list("lengths").map { Int($0) ?? 0 }
        let known: [String: Character] = ["z": "z", "channel": "c", "c": "c", "time": "t", "t": "t"]
        let letters = names.dropFirst(2).map { known[$0.lowercased()] }
        guard names.prefix(2).map({ $0.lowercased() }) == ["x", "y"], names.count == lengths.count,
            lengths.allSatisfy({ $0 >= 1 }), case let leading = letters.compactMap(\.self),
            leading.count == letters.count, Set(leading).count == leading.count,
            Int.product(Array(lengths.dropFirst(2))) == pageCount
        else {
            throw DescriptionProblem(
                "its SCIFIO description has the axes \(values["axes", default: "missing"].shortened) of "
                    + "\(values["lengths", default: "missing"].shortened) for \(pageCount) pages; save it again as OME-TIFF"
            )
        }
        var layout = TIFFLayout(letters: leading.reversed(), sizes: lengths.dropFirst(2).reversed())
        layout.planeSize = (width: lengths[0], height: lengths[1])
        layout.acceptsPalette = true
        let (scales, units) = (list("scales"), list("units"))
        guard scales.count == names.count, units.count == names.count else { return layout }
        func length(_ name: String) -> Double? {
            guard let index = names.firstIndex(where: { $0.lowercased() == name }),
                let scale = Double(scales[index]), scale > 0, scale.isFinite,
                let unit = LengthUnit.micrometers(units[index])
            else { return nil }
            return scale * unit
        }
        layout.lengths = AxisLengths(z: length("z"), y: length("y"), x: length("x"))
        if let index = names.firstIndex(where: { $0.lowercased() == "time" }), let scale = Double(scales[index]),
            scale > 0, let seconds = TimeUnit.seconds(units[index])
        {
            layout.timeInterval = scale * seconds
        }
        return layout
    }

    private func list(_ key: String) -> [String] {
        (values[key] ?? "").split(separator: ",", omittingEmptySubsequences: false).map { String($0).trimmed }
    }
}
