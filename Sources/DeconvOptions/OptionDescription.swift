package import DeconvVolume

/// All that is known of an option, in one record: who shows, reads, checks, compares or reports it looks here.
package struct OptionDescription: Sendable {
    /// What an option is about: the heading over it in help.
    package enum Group: String, CaseIterable, Sendable {
        case input = "Input"
        case output = "Output"
        case zarr = "Zarr output"
        case method = "Method"
        case psf = "PSF"
        case microscope = "Microscope"
        case device = "Device"
        case memory = "Memory"
    }

    /// What another value of an option changes.
    package enum Effect: String, Sendable {
        /// The voxels of the result, so that an unfinished one cannot be gone on with.
        case voxels
        /// The PSF as it is used, and so the voxels.
        case psf
        /// Where it is computed; voxels in their last digits at most.
        case place
        /// What is reported.
        case report
        /// How the result is stored.
        case output
    }

    /// Numbers that an option may have.
    package struct Range: Hashable, Sendable {
        /// The least; nil where there is none.
        package let minimum: Double?
        /// Whether the least is itself too little.
        package let excludesMinimum: Bool
        /// The largest; nil where there is none.
        package let maximum: Double?

        static func atLeast(_ minimum: Double) -> Range {
            Range(minimum: minimum, excludesMinimum: false, maximum: nil)
        }
        static func above(_ minimum: Double) -> Range { Range(minimum: minimum, excludesMinimum: true, maximum: nil) }
        static func from(_ minimum: Double, to maximum: Double) -> Range {
            Range(minimum: minimum, excludesMinimum: false, maximum: maximum)
        }

        func contains(_ value: Double) -> Bool {
            guard value.isFinite else { return false }
            if let minimum, excludesMinimum ? value <= minimum : value < minimum { return false }
            return maximum.map { value <= $0 } ?? true
        }

        /// Such as `from 1 to 4096` or `above 0`.
        var inWords: String {
            switch (minimum, maximum) {
            case (let minimum?, let maximum?): "from \(minimum.inMessage) to \(maximum.inMessage)"
            case (let minimum?, nil): excludesMinimum ? "above \(minimum.inMessage)" : "of \(minimum.inMessage) or more"
            case (nil, let maximum?): "of at most \(maximum.inMessage)"
            case (nil, nil): ""
            }
        }
    }

    /// What it is called.
    package let name: OptionName
    /// Where it stands in help.
    package let group: Group
    /// What it is: one sentence or two.
    package let help: String
    /// What a value is called in help: `--iterations <n>`.
    package let valueName: String
    /// What a value is counted in; nil where it has no unit.
    package let unit: String?
    /// What there is to give.
    package fileprivate(set) var type: OptionType
    /// The numbers that it may have.
    package let range: Range?
    /// What another value changes.
    package let effect: Effect
    /// Whether it is about files, so that it means nothing to arrays in memory.
    package let isOfFiles: Bool
    /// What it is where nobody says: its default, or words for it.
    package let defaultText: String?
    /// The same for arrays in memory, where it is something else.
    package fileprivate(set) var defaultTextOfArrays: String?
    /// The methods that take it; nil where all do.
    package fileprivate(set) var methods: [MethodName]?

    private let get: @Sendable (JobOptions) -> (text: String, scalar: OptionScalar, numbers: [Double])?
    private let put: @Sendable (inout JobOptions, String) -> Bool
    private let reset: @Sendable (inout JobOptions) -> Void
    private let isValid: @Sendable (JobOptions) -> Bool
}

extension OptionDescription {
    /// Its value for programs; nil where there is none.
    package func value(_ options: JobOptions) -> OptionScalar? { get(options)?.scalar }

    /// Its value for people, and what `set` takes; nil where there is none.
    package func text(_ options: JobOptions) -> String? { get(options)?.text }

    /// The default of what an image's file may say.
    static let imageFileSays = "what the image's file says"

    /// What it is where nobody says and there is no image; nil where it must be given.
    package var defaultTextWithoutImage: String? {
        guard let defaultText, defaultText.hasPrefix(Self.imageFileSays) else { return defaultText }
        let rest = defaultText.dropFirst(Self.imageFileSays.count)
        return rest.isEmpty ? nil : String(rest.dropFirst(", else ".count))
    }

    /// Its default for programs; nil where it has none, or one that only a run finds.
    package var defaultValue: OptionScalar? { value(JobOptions()) }

    /// What there is to give, in words: `a whole number from 1 to 4096`.
    package var remedy: String {
        if type == .integer, let range, let least = range.minimum, range.maximum == least + 1 {
            return "\(Int(least)) or \(Int(least) + 1)"
        }
        let what =
            switch type {
            case .integer: "a whole number"
            case .number: unit ?? "a number"
            case .boolean: "true or false"
            case .text: "<\(valueName)>"
            case .words(let words): words.listed("or")
            case .bytes: "a size such as 8GB"
            case .spacing: "three positive sizes in micrometers, as z,y,x"
            case .shape: "three sizes from 1 to \(VolumeShape.mostInText), as z,y,x"
            case .numberOrAuto:
                range == nil ? "a number of counts, or auto" : "auto, or a number" + (unit.map { " of \($0)" } ?? "")
            case .numbers: "numbers in \(unit ?? valueName), one for all channels or one for each,"
            case .texts: "one <\(valueName)>, or one a channel with commas between them"
            case .numbersOrAuto: "auto, or numbers of counts, one for all channels or one for each,"
            case .stopRule:
                "auto, none, held-out, whiteness, consensus, or divergence: and a part below 1, such as divergence:1e-3"
            case .placesOrAuto: "places as z or z/y/x, each with its file or none, such as 0:a.tif,10:b.tif, or auto"
            }
        return [what, type == .bytes ? nil : range?.inWords].compactMap(\.self).joined(separator: " ")
    }

    /// Sets it, and notes that it was given.
    /// - Parameter text: nil for its default.
    /// - Throws: `invalidArgument` naming the option, the text and what there is to give.
    package func set(_ options: inout JobOptions, to text: String?) throws(DeconvolutionError) {
        guard let text else {
            reset(&options)
            options.given.remove(name)
            return
        }
        guard type.words?.contains(text) ?? true, put(&options, text) else { throw refusal(of: text) }
        options.given.insert(name)
    }

    /// Holds its value against its range.
    /// - Throws: `invalidArgument` naming the option, its value and its range.
    func check(_ options: JobOptions) throws(DeconvolutionError) {
        guard let (text, _, numbers) = get(options) else { return }
        let isWord = type.words?.contains(text) ?? true
        guard isWord, numbers.allSatisfy({ range?.contains($0) ?? $0.isFinite }), isValid(options) else {
            throw refusal(of: text)
        }
    }

    private func refusal(of text: String) -> DeconvolutionError {
        DeconvolutionError(.invalidArgument, "\(name, text): give \(remedy)")
    }

    /// The record with what the registry of methods knows.
    func completed(_ registry: [MethodDescription]) -> OptionDescription {
        var record = self
        if name == .method { record.type = .words(registry.map(\.name.rawValue)) }
        if group == .method, name != .method {
            let takers = registry.filter { $0.options.contains(name) }.map(\.name)
            if takers.count < registry.count { record.methods = takers }
        }
        return record
    }
}

// MARK: - Declaring

extension OptionDescription {
    /// An option that always has a value, which is its default in `JobOptions`.
    init<Value: OptionValue>(
        _ name: OptionName,
        _ group: Group,
        _ property: any WritableKeyPath<JobOptions, Value> & Sendable,
        _ help: String,
        as valueName: String? = nil,
        in unit: String? = nil,
        range: Range? = nil,
        effect: Effect,
        ofFiles: Bool = false
    ) {
        self.init(
            name,
            group,
            help,
            Value.self,
            valueName,
            unit,
            range,
            effect,
            ofFiles,
            defaultText: Value.type == .boolean ? nil : JobOptions()[keyPath: property].text
        ) {
            $0[keyPath: property]
        } set: {
            $0[keyPath: property] = $1 ?? JobOptions()[keyPath: property]
        }
    }

    /// An option that may have none.
    /// - Parameters:
    ///   - otherwise: what there is then, in words.
    ///   - ofArrays: the same for arrays in memory, where it is something else.
    init<Value: OptionValue>(
        _ name: OptionName,
        _ group: Group,
        _ property: any WritableKeyPath<JobOptions, Value?> & Sendable,
        _ help: String,
        as valueName: String? = nil,
        in unit: String? = nil,
        range: Range? = nil,
        otherwise: String? = nil,
        ofArrays: String? = nil,
        effect: Effect,
        ofFiles: Bool = false
    ) {
        self.init(
            name,
            group,
            help,
            Value.self,
            valueName,
            unit,
            range,
            effect,
            ofFiles,
            defaultText: otherwise
        ) {
            $0[keyPath: property]
        } set: {
            $0[keyPath: property] = $1
        }
        defaultTextOfArrays = ofArrays
    }

    fileprivate init<Value: OptionValue>(
        _ name: OptionName,
        _ group: Group,
        _ help: String,
        _: Value.Type,
        _ valueName: String?,
        _ unit: String?,
        _ range: Range?,
        _ effect: Effect,
        _ isOfFiles: Bool,
        defaultText: String?,
        get: @escaping @Sendable (JobOptions) -> Value?,
        set: @escaping @Sendable (inout JobOptions, Value?) -> Void
    ) {
        self.name = name
        self.group = group
        self.help = help
        self.valueName = valueName ?? Value.type.valueName ?? name.words
        self.unit = unit
        self.range = range
        self.effect = effect
        self.isOfFiles = isOfFiles
        self.defaultText = defaultText
        type = Value.type
        self.get = { get($0).map { ($0.text, $0.scalar, $0.numbers) } }
        put = { options, text in
            guard let value = Value.parse(text) else { return false }
            set(&options, value)
            return true
        }
        reset = { set(&$0, nil) }
        isValid = { get($0)?.isPossible ?? true }
    }
}

extension OptionType {
    fileprivate var valueName: String? {
        switch self {
        case .integer, .number: "n"
        case .bytes: "size"
        case .spacing, .shape: "z,y,x"
        case .numberOrAuto: "auto|n"
        case .numbers: "n,..."
        case .numbersOrAuto: "auto|n,..."
        case .stopRule: "rule"
        case .placesOrAuto: "auto|z:file,..."
        case .boolean, .text, .texts, .words: nil
        }
    }
}

extension OptionValue {
    /// What a range is for; empty where there is nothing to compare.
    fileprivate var numbers: [Double] {
        switch scalar {
        case .integer(let value): [Double(value)]
        case .number(let value): [value]
        case .numbers(let values): [.numbers, .numbersOrAuto].contains(Self.type) ? values : []
        case .boolean, .text, .integers: []
        }
    }

    /// Whether it is one of those that there can be, ranges apart.
    fileprivate var isPossible: Bool {
        switch scalar {
        case .integers(let sizes): sizes.allSatisfy { $0 > 0 }
        case .numbers(let sizes): Self.type == .numbersOrAuto || sizes.allSatisfy { $0 > 0 && $0.isFinite }
        case .integer, .number, .boolean, .text: true
        }
    }
}

extension [String] {
    /// `a, b or c`.
    package func listed(_ word: String) -> String {
        count < 2 ? joined() : dropLast().joined(separator: ", ") + " \(word) \(self[count - 1])"
    }
}
