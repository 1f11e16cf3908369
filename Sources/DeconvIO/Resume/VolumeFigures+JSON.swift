import DeconvVolume

extension VolumeFigures {
    /// As the journal has them; every number is given back as it was.
    var json: JSONValue {
        var object: JSONObject = [
            "light": .double(light), "sum": .double(sum), "maskedVoxels": .integer(maskedVoxelCount),
            "saturatedVoxels": .integer(saturatedVoxelCount),
        ]
        if let secondLight { object["secondLight"] = .double(secondLight) }
        if let divergence {
            object["divergence"] = .array(divergence.map { .array([.integer($0.iteration), .double($0.value)]) })
        }
        if let shells { object["shells"] = .array(shells.map { .double($0) }) }
        if !warnings.isEmpty {
            object["warnings"] = .array(
                warnings.map { warning in
                    .array(
                        [.string(warning.kind.rawValue), warning.line.json] + (warning.figures.map { [$0.json] } ?? [])
                    )
                }
            )
        }
        return .object(object)
    }

    /// Counts of voxels of one volume; those of many can be added up.
    static let possibleCounts = 0...1 << 42

    /// What `json` gave, or nil for anything else.
    init?(_ json: JSONValue?) {
        guard let light = json?[key: "light"]?.double, let sum = json?[key: "sum"]?.double,
            let masked: Int = json?[key: "maskedVoxels"]?.integer(), Self.possibleCounts ~= masked,
            let saturated: Int = json?[key: "saturatedVoxels"]?.integer(), Self.possibleCounts ~= saturated
        else { return nil }
        self.init()
        self.light = light
        self.sum = sum
        secondLight = json?[key: "secondLight"]?.double
        maskedVoxelCount = masked
        saturatedVoxelCount = saturated
        if let pairs = json?[key: "divergence"]?.array {
            var measured: [Divergence] = []
            for pair in pairs {
                guard let parts = pair.array, parts.count == 2, let iteration: Int = parts[0].integer(),
                    let value = parts[1].double
                else { return nil }
                measured.append(Divergence(iteration: iteration, value: value))
            }
            divergence = measured
        }
        if let numbers = json?[key: "shells"]?.array {
            shells = numbers.compactMap(\.double)
            guard shells?.count == numbers.count else { return nil }
        }
        for parts in json?[key: "warnings"]?.array ?? [] {
            guard let parts = parts.array, 2...3 ~= parts.count, let kind = parts[0].string,
                let line = Message(parts[1])
            else { return nil }
            warnings.append(
                Diagnostic(.init(rawValue: kind), line, figures: parts.count == 3 ? Message(parts[2]) : nil)
            )
        }
    }
}
