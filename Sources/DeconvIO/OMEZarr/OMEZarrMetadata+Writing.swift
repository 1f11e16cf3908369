import DeconvVolume

extension OMEZarrMetadata {
    /// What is said of a result.
    /// - Parameters:
    ///   - layout: its axes, in OME-Zarr's order.
    ///   - image: spacing and time between volumes.
    ///   - steps: for each level, how many voxels of the one before became one of it.
    ///   - source: what is said of the input, whose name, units, position and way to show the channels stay.
    ///   - channels: the input's numbers of the result's channels; nil where they are the same.
    init(
        version: ZarrVersion,
        layout: ArrayLayout,
        image: ImageDescription,
        steps: [VolumeShape],
        from source: OMEZarrMetadata?,
        channels: [Int]?
    ) {
        var axes: [Axis] = []
        var scale: [Double] = []
        var origin: [Double] = []
        for axis in layout.axes {
            let found = source?.description(of: axis.rawValue)
            let (unit, size) = Self.size(of: axis, image, like: found)
            axes.append(Axis(name: axis.rawValue, type: axis.imageType, unit: unit))
            scale.append(size)
            // Which volumes were taken is not known here, so only the position in space stays.
            origin.append(axis.imageType == "space" ? found?.origin ?? 0 : 0)
        }
        var factors = layout.axes.map { _ in 1 }
        let levels = steps.enumerated().map { number, step in
            factors = zip(factors, layout.extents(step)).map { $0 * $1 }
            // The center of the first of `factor` voxels in a row lies at 0, that of all of them here.
            let translation = factors.indices.map { origin[$0] + Double(factors[$0] - 1) / 2 * scale[$0] }
            return Level(
                path: "\(number)",
                scale: zip(scale, factors).map { $0 * Double($1) },
                translation: translation.allSatisfy { $0 == 0 } ? nil : translation
            )
        }
        self.init(
            zarrVersion: version,
            axes: axes,
            levels: levels,
            name: source?.name,
            omero: source?.omero.flatMap {
                Self.omero($0, channels: channels ?? Array(0..<layout.channelCount), count: layout.channelCount)
            }
        )
        provenance = image.provenance
    }

    /// Of an axis of that name, as the largest level has it.
    private func description(of name: String) -> (unit: String?, scale: Double, origin: Double)? {
        guard let index = axes.firstIndex(where: { $0.name.lowercased() == name }), let level = levels.first,
            level.scale.indices.contains(index)
        else { return nil }
        let origin = level.translation.flatMap { $0.indices.contains(index) ? $0[index] : nil } ?? 0
        return (axes[index].unit, level.scale[index], origin)
    }

    /// An axis' unit and the size of an element in it: the input's, where it says the same.
    private static func size(
        of axis: ArrayLayout.Axis,
        _ image: ImageDescription,
        like source: (unit: String?, scale: Double, origin: Double)?
    ) -> (unit: String?, size: Double) {
        let size: Double?
        let unit: String
        let unitSize: Double?
        switch axis {
        case .timepoint:
            size = image.timeInterval
            unit = "second"
            unitSize = source?.unit.flatMap { timeUnits[$0] }
        case .z, .y, .x:
            size = image.lengths[axis == .z ? 0 : axis == .y ? 1 : 2]
            unit = "micrometer"
            // Abbreviations are read, but not what the specification knows.
            unitSize = source?.unit.flatMap {
                $0.hasSuffix("meter") || $0 == "angstrom" ? LengthUnit.micrometers($0) : nil
            }
        case .channel, .other: return (nil, 1)
        }
        guard let size else { return (source?.unit, source?.scale ?? 1) }
        guard let source, let unitSize else { return (unit, size) }
        let converted = size / unitSize
        return (source.unit, abs(converted - source.scale) <= 1e-9 * converted ? source.scale : converted)
    }

    /// Seconds of the specification's units of time that time series are written in.
    private static let timeUnits = [
        "nanosecond": 1e-9, "microsecond": 1e-6, "millisecond": 1e-3, "second": 1, "minute": 60, "hour": 3600,
        "day": 86_400,
    ]

    /// What the input says about how to show channels, with those that were taken; nil where it says nothing of them.
    private static func omero(_ omero: JSONValue, channels: [Int], count: Int) -> JSONValue? {
        guard var object = omero.object, let all = object["channels"]?.array,
            channels.count == count, channels.allSatisfy({ all.indices.contains($0) })
        else { return nil }
        object["channels"] = .array(channels.map { all[$0] })
        return .object(object)
    }

    /// A channel, and how viewers are to show it.
    struct ShownChannel {
        let label: String
        let color: ChannelColor
        /// Wavelength of its light, nm; nil where it is not known.
        let emission: Double?
        /// From its darkest to its brightest voxel.
        let range: ClosedRange<Double>
        /// From what is shown black to what is shown white.
        let window: ClosedRange<Double>
    }

    /// Shows the channels: in windows of their own and as the input does in all else, or by these labels and colors where that says
    /// nothing.
    ///
    /// `emissionWave` is OMERO's word, whose metadata this part of the format was taken from.
    mutating func showChannels(_ channels: [ShownChannel]) {
        var object = omero?.object ?? [:]
        let known = object["channels"]?.array?.map { $0.object ?? [:] } ?? []
        object["channels"] = .array(
            channels.enumerated().map { number, shown in
                var defaults: JSONObject = [
                    "label": .string(shown.label), "color": .string(shown.color.hex), "active": .bool(true),
                ]
                if let emission = shown.emission { defaults["emissionWave"] = .double(emission) }
                var channel = number < known.count ? known[number] : [:]
                for (key, value) in defaults where channel[key] == nil { channel[key] = value }
                channel["window"] = .object([
                    "min": .double(shown.range.lowerBound), "max": .double(shown.range.upperBound),
                    "start": .double(shown.window.lowerBound), "end": .double(shown.window.upperBound),
                ])
                return .object(channel)
            }
        )
        // The plane and time to show first may be none of the result's.
        if var defaults = object["rdefs"]?.object {
            for key in ["defaultT", "defaultZ"] where defaults[key] != nil { defaults[key] = .integer(0) }
            object["rdefs"] = .object(defaults)
        }
        // That of the format, which is not the input's where formats differ.
        if object["version"] != nil { object["version"] = zarrVersion == .two ? "0.4" : "0.5" }
        omero = .object(object)
    }

    /// The attributes of the image's group.
    package var attributes: JSONObject {
        var multiscale: JSONObject = [:]
        if zarrVersion == .two { multiscale["version"] = "0.4" }
        if let name { multiscale["name"] = .string(name) }
        multiscale["axes"] = .array(
            axes.map { axis in
                var object: JSONObject = ["name": .string(axis.name)]
                if let type = axis.type { object["type"] = .string(type) }
                if let unit = axis.unit { object["unit"] = .string(unit) }
                return .object(object)
            }
        )
        multiscale["datasets"] = .array(
            levels.map { level in
                var transformations = [JSONValue.object(["type": "scale", "scale": .doubles(level.scale)])]
                if let translation = level.translation {
                    transformations.append(.object(["type": "translation", "translation": .doubles(translation)]))
                }
                return .object(["path": .string(level.path), "coordinateTransformations": .array(transformations)])
            }
        )
        if levels.count > 1 { multiscale["type"] = "mean" }
        var image: JSONObject = zarrVersion == .three ? ["version": "0.5"] : [:]
        image["multiscales"] = .array([.object(multiscale)])
        image["omero"] = omero
        var attributes = zarrVersion == .three ? ["ome": .object(image)] : image
        if let provenance { attributes[Provenance.key] = provenance.json }
        return attributes
    }
}

extension JSONValue {
    fileprivate static func doubles(_ values: [Double]) -> JSONValue { .array(values.map { .double($0) }) }
}

extension ArrayLayout.Axis {
    /// OME-Zarr's type of an axis.
    fileprivate var imageType: String? {
        switch self {
        case .timepoint: "time"
        case .channel: "channel"
        case .z, .y, .x: "space"
        case .other: nil
        }
    }
}
