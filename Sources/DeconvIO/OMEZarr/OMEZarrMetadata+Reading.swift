import DeconvVolume

extension OMEZarrMetadata {
    /// What a group says of its first image, or nil where it is no image.
    ///
    /// What is slightly wrong and can only mean one thing is read, and said in `repairs`.
    ///
    /// Versions 0.1 to 0.5 are read, wherever in the attributes they lie. Axes may be objects, names only (0.3), or missing
    /// (0.1 and 0.2, which mean t, c, z, y, x). Where a level has no scale, the units of the axes are left out: there is
    /// nothing that they are units of.
    /// - Parameter offer: what else there is to do where the metadata cannot be used, such as `, or …`.
    /// - Throws: `invalidData` naming the group's file where the metadata contradict themselves, are of a later version, or
    ///   name an array outside of the store.
    init?(_ group: ZarrGroup, offering offer: Message) throws(DeconvolutionError) {
        guard let image = try Self.images(of: group, offering: offer).first else { return nil }
        self = try Self.parsed(image, in: group, offering: offer)
        provenance = Provenance(group.attributes[Provenance.key])
    }

    /// What a group says of the image of which an array is a level, with that level first; nil where there is none.
    /// - Parameter path: of the array, from the group on.
    init?(_ group: ZarrGroup, levelAt path: String, offering offer: Message) throws(DeconvolutionError) {
        let image = try Self.images(of: group, offering: offer).first { image in
            image[key: "datasets"]?.array?.contains { Self.normalized(($0[key: "path"] ?? $0).string) == path } ?? false
        }
        guard let image else { return nil }
        self = try Self.parsed(image, in: group, offering: offer)
        provenance = Provenance(group.attributes[Provenance.key])
        guard let index = levels.firstIndex(where: { $0.path == path }) else { return nil }
        levels.removeSubrange(..<index)
    }

    /// How many images a group has.
    static func imageCount(of group: ZarrGroup, offering offer: Message) throws(DeconvolutionError) -> Int {
        try images(of: group, offering: offer).count
    }

    /// Such as `DIR/.zattrs`, for messages.
    static func key(of group: ZarrGroup) -> String {
        group.path.key(group.version == .two ? ZarrMetadataFile.attributes : ZarrMetadataFile.version3)
    }

    private static func parsed(
        _ image: JSONValue,
        in group: ZarrGroup,
        offering offer: Message
    ) throws(DeconvolutionError) -> OMEZarrMetadata {
        let attributes = container(of: group)
        do throws(ZarrProblem) {
            var metadata = try OMEZarrMetadata(
                image,
                omero: attributes["omero"],
                versionText: (image[key: "version"] ?? attributes["version"])?.string,
                group.version
            )
            if attributes["multiscales"]?.array == nil {
                metadata.repairs.insert("its multiscales are no list, and were taken for one of one image", at: 0)
            }
            return metadata
        } catch {
            throw group.store.invalid(key(of: group), "\(error.message)\(offer)")
        }
    }

    /// The members in which OME-Zarr's are: since 0.5 those of `ome`.
    private static func container(of group: ZarrGroup) -> JSONObject {
        group.attributes["ome"]?.object ?? group.attributes
    }

    private static func images(
        of group: ZarrGroup,
        offering offer: Message
    ) throws(DeconvolutionError) -> [JSONValue] {
        guard let value = container(of: group)["multiscales"] else { return [] }
        // One image without the list around it.
        if value.object != nil { return [value] }
        guard let images = value.array, images.allSatisfy({ $0.object != nil }) else {
            throw group.store.invalid(key(of: group), "its multiscales are no list of objects; \(remedy)\(offer)")
        }
        return images
    }

    /// A path of the group as we compare it, or nil where it leads out of the store.
    private static func normalized(_ path: String?) -> String? {
        let names = path?.betweenSlashes.filter { $0 != "." } ?? []
        guard let parsed = try? ZarrPath(names.joined(separator: "/")), !parsed.names.isEmpty else { return nil }
        return parsed.text
    }

    /// How every message ends that is about metadata that cannot be used; whoever has more to offer adds it.
    static let remedy = "write the metadata again"
}

// MARK: - Parsing

extension OMEZarrMetadata {
    /// The most axes that are looked at; NumPy has as many.
    static let largestAxisCount = 64

    private init(
        _ image: JSONValue,
        omero: JSONValue?,
        versionText: String?,
        _ zarrVersion: ZarrVersion
    ) throws(ZarrProblem) {
        if let versionText { try Self.requireKnown(versionText) }
        var axes = try Self.axes(image[key: "axes"])
        guard let datasets = image[key: "datasets"]?.array, !datasets.isEmpty else {
            throw ZarrProblem("its multiscales name no datasets; \(Self.remedy)")
        }
        guard datasets.count <= 64 else {
            throw ZarrProblem("its multiscales have \(datasets.count) levels; \(Self.remedy)")
        }
        var repairs: [String] = []
        let whole = try Transform(image[key: "coordinateTransformations"], axes, what: "of the image", &repairs)
        var isScaled = true
        var levels: [Level] = []
        for dataset in datasets {
            guard let text = (dataset[key: "path"] ?? dataset).string else {
                throw ZarrProblem("its multiscales have a dataset without a path; \(Self.remedy)")
            }
            guard let path = Self.normalized(text) else {
                throw ZarrProblem(
                    "the path \(text.shortened) of its multiscales leads to no array in it; \(Self.remedy)"
                )
            }
            if text != path {
                repairs.append("the path \(text.shortened) of its multiscales was taken for \(path.shortened)")
            }
            if dataset.object == nil {
                repairs.append(
                    "the dataset \(path.shortened) of its multiscales is only a path, and was taken for that"
                )
            }
            var transform = try Transform(
                dataset[key: "coordinateTransformations"],
                axes,
                what: "of the dataset \(path.shortened)",
                &repairs
            )
            transform.append(whole)
            isScaled = isScaled && transform.isScaled
            for (axis, scale) in zip(axes, transform.scale) where Self.isSpatial(axis) && !(scale > 0) {
                throw ZarrProblem(
                    "the scale of the dataset \(path.shortened) is \(scale) along \(axis.name.shortened), which is no size; "
                        + Self.remedy
                )
            }
            levels.append(Level(path: path, scale: transform.scale, translation: transform.translation))
        }
        if !isScaled { for index in axes.indices { axes[index].unit = nil } }
        self.init(
            zarrVersion: zarrVersion,
            axes: axes,
            levels: levels,
            name: image[key: "name"]?.string,
            omero: omero?.object == nil ? nil : omero
        )
        self.repairs = repairs
    }

    private static func requireKnown(_ text: String) throws(ZarrProblem) {
        let numbers = text.split(whereSeparator: { !$0.isASCII || !$0.isNumber }).prefix(2).compactMap { Int($0) }
        guard numbers.count == 2, (numbers[0], numbers[1]) > (0, 5) else { return }
        throw ZarrProblem("is OME-Zarr of version \(text.shortened); versions up to 0.5 are read: \(remedy)")
    }

    private static func axes(_ value: JSONValue?) throws(ZarrProblem) -> [Axis] {
        guard let value, value != .null else { return ["t", "c", "z", "y", "x"].map(Axis.init(standard:)) }
        guard let list = value.array else { throw ZarrProblem("the axes of its multiscales are no list; \(remedy)") }
        guard list.count <= largestAxisCount else {
            throw ZarrProblem("its multiscales have \(list.count) axes; \(remedy)")
        }
        var axes: [Axis] = []
        for element in list {
            if let name = element.string {
                axes.append(Axis(standard: name))
                continue
            }
            guard let name = element[key: "name"]?.string else {
                throw ZarrProblem("its multiscales have an axis without a name; \(remedy)")
            }
            var axis = Axis(name: name, type: element[key: "type"]?.string, unit: element[key: "unit"]?.string)
            if axis.type == nil { axis.type = Axis(standard: name).type }
            axes.append(axis)
        }
        return axes
    }

    private static func isSpatial(_ axis: Axis) -> Bool { axis.type == "space" }

    /// Scale and translation, one after the other.
    private struct Transform {
        var scale: [Double]
        var translation: [Double]?
        /// Whether there is a scale at all.
        var isScaled = false

        init(_ value: JSONValue?, _ axes: [Axis], what: String, _ repairs: inout [String]) throws(ZarrProblem) {
            scale = axes.map { _ in 1 }
            guard var value, value != .null else { return }
            if value.object != nil {
                repairs.append("the coordinateTransformations \(what) are no list, and were taken for one of one")
                value = .array([value])
            }
            guard let list = value.array, list.count <= 64 else {
                throw ZarrProblem(
                    "the coordinateTransformations \(what) are no list of them; \(OMEZarrMetadata.remedy)"
                )
            }
            for step in list {
                let type = step[key: "type"]?.string ?? "without a type"
                guard type != "identity" else { continue }
                guard type == "scale" || type == "translation" else {
                    throw ZarrProblem(
                        "a coordinate transformation \(what) is \(type.shortened), which is not read; "
                            + OMEZarrMetadata.remedy
                    )
                }
                guard let values = Self.numbers(step[key: type], axes, type, what, &repairs) else {
                    throw ZarrProblem(
                        "the \(type) \(what) is not \(axes.count) numbers, one for each axis; \(OMEZarrMetadata.remedy)"
                    )
                }
                if type == "scale" {
                    append(scale: values)
                } else {
                    append(translation: values)
                }
            }
        }

        /// One number for each axis; nil where it cannot be told which they are.
        private static func numbers(
            _ value: JSONValue?,
            _ axes: [Axis],
            _ type: String,
            _ what: String,
            _ repairs: inout [String]
        ) -> [Double]? {
            guard let list = value?.array else { return nil }
            let numbers = list.map { $0.double ?? $0.string.flatMap { Double($0) } }
            guard case let given = numbers.compactMap(\.self), given.count == numbers.count,
                given.allSatisfy(\.isFinite)
            else { return nil }
            var values = given
            let neutral: Double = type == "scale" ? 1 : 0
            let spatial = axes.indices.filter { OMEZarrMetadata.isSpatial(axes[$0]) }
            if given.count < axes.count {
                // As many as there are axes of space: no other axis has a size that anybody would leave out.
                guard given.count == spatial.count else { return nil }
                values = axes.map { _ in neutral }
                for (axis, number) in zip(spatial, given) { values[axis] = number }
                let names = spatial.map { axes[$0].name }.joined(separator: ", ")
                repairs.append(
                    "the \(type) \(what) has \(given.count) numbers for \(axes.count) axes, which were taken for \(names.shortened)"
                )
            } else if given.count > axes.count {
                // Numbers of axes that the array does not have, which say nothing.
                let more = given.count - axes.count
                guard given[..<more].allSatisfy({ $0 == neutral }) else { return nil }
                values = Array(given[more...])
                repairs.append(
                    "the \(type) \(what) has \(given.count) numbers for \(axes.count) axes, of which the last ones were taken"
                )
            }
            if list.contains(where: { $0.string != nil }) {
                repairs.append("the \(type) \(what) has numbers in quotes, which were taken for numbers")
            }
            return values
        }

        mutating func append(_ next: Transform) {
            if next.isScaled { append(scale: next.scale) }
            if let translation = next.translation { append(translation: translation) }
        }

        private mutating func append(scale factors: [Double]) {
            isScaled = true
            scale = zip(scale, factors).map { $0 * $1 }
            translation = translation.map { zip($0, factors).map { $0 * $1 } }
        }

        private mutating func append(translation offsets: [Double]) {
            translation = zip(translation ?? offsets.map { _ in 0 }, offsets).map { $0 + $1 }
        }
    }
}

extension OMEZarrMetadata.Axis {
    /// An axis of which only the name is known.
    fileprivate init(standard name: String) {
        let type: String? =
            switch ArrayLayout.Axis(name: name) {
            case .timepoint: "time"
            case .channel: "channel"
            case .z, .y, .x: "space"
            case .other, nil: nil
            }
        self.init(name: name, type: type, unit: nil)
    }
}

// MARK: - What it means

extension OMEZarrMetadata {
    /// What each axis means: by its type, and those of space by their names.
    /// - Throws: where two axes mean the same, or y or x is missing.
    func meanings() throws(ZarrProblem) -> [ArrayLayout.Axis] {
        var meanings: [ArrayLayout.Axis] = []
        for axis in axes {
            let named = ArrayLayout.Axis(name: axis.name)
            switch axis.type {
            case "time": meanings.append(.timepoint)
            case "channel": meanings.append(.channel)
            case "space":
                guard let named, [.z, .y, .x].contains(named) else {
                    throw ZarrProblem("its axis of space \(axis.name.shortened) is none of z, y, x; \(Self.remedy)")
                }
                meanings.append(named)
            default: meanings.append(.other)
            }
        }
        if let problem = ArrayLayout.problem(of: meanings) { throw ZarrProblem("its axes \(problem); \(Self.remedy)") }
        return meanings
    }

    /// The same with axes called as a person says that they are, where that is not what they are called.
    func renamed(_ meanings: [ArrayLayout.Axis]) -> OMEZarrMetadata {
        if let known = try? self.meanings(), known == meanings { return self }
        var renamed = self
        for (index, meaning) in meanings.enumerated() {
            let axis = axes[index]
            guard ArrayLayout.Axis(name: axis.name) ?? .other != meaning else { continue }
            let name = meaning == .other ? "axis\(index)" : meaning.rawValue
            renamed.axes[index] = Axis(standard: name)
            renamed.axes[index].unit = axis.unit
        }
        return renamed
    }

    /// The size of a voxel along an axis of a level, µm; nil where there is no unit of length.
    func micrometers(alongAxis axis: Int, level: Int = 0) -> Double? {
        axes[axis].unit.flatMap(LengthUnit.micrometers).map { $0 * levels[level].scale[axis] }
    }

    /// The time from one element to the next along an axis of a level, s; nil where there is no unit of time, or no time.
    func seconds(alongAxis axis: Int, level: Int = 0) -> Double? {
        guard let seconds = axes[axis].unit.flatMap(TimeUnit.seconds).map({ $0 * levels[level].scale[axis] }),
            seconds > 0, seconds.isFinite
        else { return nil }
        return seconds
    }

    /// The names of the channels, or nil where not all have one.
    var channelLabels: [String]? {
        guard let channels = omero?[key: "channels"]?.array, !channels.isEmpty else { return nil }
        let labels = channels.compactMap { $0[key: "label"]?.string }
        return labels.count == channels.count ? labels : nil
    }

    /// What is said of the light of channels, in OMERO's word; nil where nothing is.
    func acquisition(channelCount: Int) -> AcquisitionMetadata? {
        guard let channels = omero?[key: "channels"]?.array, channels.count == channelCount else { return nil }
        var acquisition = AcquisitionMetadata()
        acquisition.channels = channels.map { channel in
            var light = AcquisitionMetadata.Channel()
            if let emission = channel[key: "emissionWave"]?.double, emission > 0 {
                light.emission = .init(emission, "emissionWave of its omero")
            }
            return light
        }
        return acquisition.isEmpty ? nil : acquisition
    }

    /// The colors of the channels as 0xRRGGBB, or nil where not all have one.
    var channelColors: [UInt32]? {
        guard let channels = omero?[key: "channels"]?.array, !channels.isEmpty else { return nil }
        let colors = channels.compactMap { $0[key: "color"]?.string.flatMap { UInt32($0, radix: 16) } }
        return colors.count == channels.count ? colors.map { $0 & 0xFF_FFFF } : nil
    }
}
