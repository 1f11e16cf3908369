import DeconvIO
package import DeconvOptions
package import DeconvVolume

/// The figures that the PSF of each channel is computed from, and where each of them comes from.
package struct MicroscopeFigures: Sendable, Hashable {
    /// Where a figure comes from.
    enum Origin: Hashable, Sendable {
        /// Somebody said so.
        case given
        /// The image's file says so, in this place.
        case read(String)
        /// Nobody says so, and this is why it is likely.
        case assumed(Message)
    }

    /// A figure and where it comes from.
    struct Figure<Value: Hashable & Sendable>: Hashable, Sendable {
        var value: Value
        var origin: Origin

        init(_ value: Value, _ origin: Origin) {
            self.value = value
            self.origin = origin
        }
    }

    /// The figures of one channel.
    struct Channel: Hashable, Sendable {
        var kind: Figure<MicroscopeOptions.Kind>
        /// Wavelength of the emitted light in vacuum, nm.
        var emission: Figure<Double>
        /// Wavelength of the exciting light in vacuum, nm; nil where it makes no difference.
        var excitation: Figure<Double>?
        /// The pinhole; nil where there is none.
        var pinhole: Figure<MicroscopeOptions.Pinhole>?
    }

    var numericalAperture: Figure<Double>
    var immersionIndex: Figure<Double>
    /// One a channel of the image.
    var channels: [Channel]
    /// What was given beside these.
    var options: MicroscopeOptions
    /// What was read and is not used, and why.
    var passedOver: [Message] = []
}

extension MicroscopeFigures {
    /// What options say, and where they do not, what the image's file says, and where that says nothing, what is likely.
    /// - Parameters:
    ///   - image: nil where there is none, for as many channels as wavelengths were given.
    ///   - imageName: what messages call the image.
    /// - Throws: `invalidArgument` that names every option that is missing; `invalidData` for figures of the file that no
    ///   microscope can have, with their place.
    package init(
        _ options: MicroscopeOptions,
        image: ImageDescription?,
        imageName: String
    ) throws(DeconvolutionError) {
        let count = Finder.channelCount(options, image)
        let options = try options.chosen(ChosenChannels(all: count), imageName)
        var finder = Finder(options: options, image: image)
        self.options = options
        finder.check("numerical aperture", finder.metadata.numericalAperture, 0.01...2, .na, imageName)
        let aperture = finder.numericalAperture()
        let immersion = finder.immersionIndex(imageName)
        var channels: [Channel] = []
        for channel in 0..<finder.channelCount {
            if let found = try finder.channel(channel, imageName) { channels.append(found) }
        }
        if let problem = finder.problem { throw problem }
        guard finder.missing.isEmpty, let aperture, let immersion else {
            throw finder.nothingToComputeFrom(imageName)
        }
        guard aperture.value < immersion.value else {
            let code: DeconvolutionError.Code =
                if case .read = aperture.origin { .invalidData } else { .invalidArgument }
            throw DeconvolutionError(
                code,
                "\(imageName): a numerical aperture of \(aperture.value.inMessage)\(aperture.origin.inBrackets) is not below "
                    + "the refractive index of the immersion, \(immersion.value.inMessage)\(immersion.origin.inBrackets); "
                    + "give \(.na) or \(.immersion)"
            )
        }
        try Self.refuseUnused(options, channels.map(\.kind.value))
        numericalAperture = aperture
        immersionIndex = immersion
        self.channels = channels
        passedOver = finder.passedOver
    }
}

extension MicroscopeFigures {
    /// Refuses options that would do nothing.
    private static func refuseUnused(
        _ options: MicroscopeOptions,
        _ kinds: [MicroscopeOptions.Kind]
    ) throws(DeconvolutionError) {
        let names = Set(kinds.map(\.rawValue)).sorted().listed("and")
        if options.pinhole != nil, !kinds.contains(.confocal), !kinds.contains(.spinningDisk) {
            throw DeconvolutionError(.invalidArgument, "\(.pinhole): a \(names) microscope has none; leave it out")
        }
        for (option, value) in [(OptionName.sheetThickness, options.sheetThickness), (.sheetNA, options.sheetNA)]
        where value != nil && !kinds.contains(.lightSheet) {
            throw DeconvolutionError(
                .invalidArgument,
                "\(option): a \(names) microscope has no light sheet; leave it out"
            )
        }
        if let thickness = options.coverGlass, thickness > 0, thickness < 10 {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.coverGlass, thickness.inMessage): is thinner than a glass can be; give it in µm, such as 170"
            )
        }
        if options.sheetThickness != nil, options.sheetNA != nil {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.sheetThickness) and \(.sheetNA) both say how thick the sheet is; leave one of them out"
            )
        }
    }
}

extension MicroscopeFigures.Origin {
    /// For messages: ` (LensNA of its OME-XML)`, or nothing for what was given.
    fileprivate var inBrackets: Message {
        switch self {
        case .given: ""
        case .read(let place): " (\(place))"
        case .assumed(let reason): " (\(reason))"
        }
    }
}

/// Looks for figures, and notes what is missing.
private struct Finder {
    typealias Figure = MicroscopeFigures.Figure
    typealias Origin = MicroscopeFigures.Origin

    let options: MicroscopeOptions
    let metadata: AcquisitionMetadata
    let channelCount: Int
    private let channelNames: [String]
    private let hasImage: Bool
    /// Options that nothing stands in for.
    var missing: [OptionName] = []
    /// The first figure of the file that cannot be.
    var problem: DeconvolutionError?
    var passedOver: [Message] = []

    init(options: MicroscopeOptions, image: ImageDescription?) {
        self.options = options
        metadata = image?.acquisition ?? AcquisitionMetadata()
        channelNames = image?.channelNames ?? []
        hasImage = image != nil
        channelCount = Self.channelCount(options, image)
    }

    /// Channels of the image; where there is none, as many as some option has values.
    static func channelCount(_ options: MicroscopeOptions, _ image: ImageDescription?) -> Int {
        image?.channelCount ?? max(1, options.emission.count, options.excitation.count, options.dyes.count)
    }

    mutating func lacks(_ option: OptionName) { if !missing.contains(option) { missing.append(option) } }

    /// Refuses a figure of the file outside its range, unless an option says otherwise.
    mutating func check(
        _ what: String,
        _ entry: AcquisitionMetadata.Entry<Double>?,
        _ range: ClosedRange<Double>,
        _ option: OptionName,
        _ imageName: String,
        unit: String = ""
    ) {
        guard let entry, !range.contains(entry.value), problem == nil else { return }
        switch option {
        case .na: if options.numericalAperture != nil { return }
        case .emission: if !options.emission.isEmpty || !options.dyes.isEmpty { return }
        case .excitation: if !options.excitation.isEmpty || !options.dyes.isEmpty { return }
        default: if options.immersion != nil { return }
        }
        problem = DeconvolutionError(
            .invalidData,
            "\(imageName): \(entry.place) says that the \(what) is \(entry.value.inMessage)\(unit), which is outside "
                + "\(range.lowerBound.inMessage) to \(range.upperBound.inMessage)\(unit); give \(option)"
        )
    }

    mutating func numericalAperture() -> Figure<Double>? {
        if let value = options.numericalAperture { return Figure(value, .given) }
        if let entry = metadata.numericalAperture { return Figure(entry.value, .read(entry.place)) }
        lacks(.na)
        return nil
    }

    mutating func immersionIndex(_ imageName: String) -> Figure<Double>? {
        if let value = options.immersion { return Figure(value.refractiveIndex, .given) }
        check("refractive index", metadata.refractiveIndex, 1...2, .immersion, imageName)
        let medium = metadata.immersion.flatMap { entry in
            MicroscopeOptions.Immersion(word: entry.value).map { ($0.refractiveIndex, entry) }
        }
        if let entry = metadata.refractiveIndex {
            guard let (index, word) = medium, abs(index - entry.value) > 0.05 else {
                return Figure(entry.value, .read(entry.place))
            }
            passedOver.append(
                "a refractive index of \(entry.value.inMessage) (\(entry.place)), for it is not that of "
                    + "\(word.value.inMessage)"
            )
        }
        if let (index, entry) = medium { return Figure(index, .read(entry.place)) }
        if let aperture = options.numericalAperture ?? metadata.numericalAperture?.value, aperture > 1.35 {
            return Figure(MicroscopeOptions.Immersion.oil.refractiveIndex, .assumed("oil, for the NA is above 1.35"))
        }
        lacks(.immersion)
        return nil
    }

    mutating func channel(
        _ index: Int,
        _ imageName: String
    ) throws(DeconvolutionError) -> MicroscopeFigures.Channel? {
        let said = metadata.channels.indices.contains(index) ? metadata.channels[index] : AcquisitionMetadata.Channel()
        let kind = try kind(said, imageName)
        let dye = try dye(index, said)
        let emission = emission(index, said, dye, imageName)
        guard let kind, let emission else { return nil }
        var channel = MicroscopeFigures.Channel(kind: kind, emission: emission)
        let exciting = excitation(index, said, dye: nil, imageName)
        switch kind.value {
        case .widefield: break
        case .lightSheet:
            if options.sheetThickness == nil, options.sheetNA == nil { lacks(.sheetThickness) }
        case .twoPhoton:
            channel.excitation = exciting
            if channel.excitation == nil { lacks(.excitation) }
        case .confocal, .spinningDisk:
            channel.excitation =
                excitation(index, said, dye: dye, imageName) ?? Self.laser(below: emission.value)
            channel.pinhole = pinhole(said, kind.value, emission.value)
        }
        // One photon has the energy that it gives, or more; of two each has less.
        if let exciting = channel.excitation ?? exciting,
            (exciting.value >= emission.value) != (kind.value == .twoPhoton)
        {
            throw DeconvolutionError(
                .invalidData,
                "\(imageName): \(kind.value == .twoPhoton ? "two photons" : "light") of \(exciting.value.inMessage) nm"
                    + "\(exciting.origin.inBrackets) cannot excite light of \(emission.value.inMessage) nm"
                    + "\(emission.origin.inBrackets); give \(.excitation) and \(.emission)"
            )
        }
        return channel
    }

    private mutating func kind(
        _ said: AcquisitionMetadata.Channel,
        _ imageName: String
    ) throws(DeconvolutionError) -> Figure<MicroscopeOptions.Kind>? {
        if let kind = options.kind { return Figure(kind, .given) }
        if let entry = said.mode {
            if let kind = MicroscopeOptions.Kind(mode: entry.value) { return Figure(kind, .read(entry.place)) }
            let words = entry.value.lowercased()
            if Self.otherModes.contains(where: { words.contains($0) }) {
                throw DeconvolutionError(
                    .invalidData,
                    "\(imageName): \(entry.place) is \(entry.value.inMessage), of which no PSF is computed; give one with "
                        + "\(.psf), or \(.microscope) if it is something else"
                )
            }
        }
        if said.pinhole != nil || said.pinholeAiryUnits != nil {
            return Figure(.confocal, .assumed("for its file has a pinhole"))
        }
        lacks(.microscope)
        return nil
    }

    /// Words for microscopes that are none of ours.
    private static let otherModes = [
        "structured", "single", "totalinternal", "tirf", "sted", "palm", "storm", "fluorescencelifetime", "brightfield",
        "nearfield", "secondharmonic",
    ]

    /// The dye that was given.
    private func dye(_ index: Int, _ said: AcquisitionMetadata.Channel) throws(DeconvolutionError) -> Figure<Dye>? {
        guard let name = Self.element(index, of: options.dyes) else {
            for (text, place) in [(said.dye?.value, said.dye?.place), (channelName(index), "the channel's name")] {
                if let text, let dye = Dye.mentioned(in: text) {
                    return Figure(dye, .assumed("\(dye.name), for \(place ?? "") is \(text.inMessage)"))
                }
            }
            return nil
        }
        guard let dye = Dye.named(name) else {
            let names = Dye.all.map(\.name)
            let remedy: Message =
                names.nearest(to: name).map { "did you mean \($0)?" as Message }
                ?? "give \(.emission) and \(.excitation) instead"
            throw DeconvolutionError(.invalidArgument, "\(.dye, name): is not known; \(remedy)")
        }
        return Figure(dye, .given)
    }

    private func channelName(_ index: Int) -> String? {
        channelNames.indices.contains(index) ? channelNames[index] : nil
    }

    private mutating func emission(
        _ index: Int,
        _ said: AcquisitionMetadata.Channel,
        _ dye: Figure<Dye>?,
        _ imageName: String
    ) -> Figure<Double>? {
        if let value = Self.element(index, of: options.emission) { return Figure(value, .given) }
        if let dye, dye.origin == .given { return Figure(dye.value.emission, .given) }
        check("wavelength of the emitted light", said.emission, 200...2000, .emission, imageName, unit: " nm")
        if let entry = said.emission, dye == nil || !entry.isShared { return Figure(entry.value, origin(entry)) }
        if let dye { return Figure(dye.value.emission, dye.origin) }
        lacks(.emission)
        return nil
    }

    private mutating func excitation(
        _ index: Int,
        _ said: AcquisitionMetadata.Channel,
        dye: Figure<Dye>?,
        _ imageName: String
    ) -> Figure<Double>? {
        if let value = Self.element(index, of: options.excitation) { return Figure(value, .given) }
        if let dye, dye.origin == .given { return Figure(dye.value.excitation, .given) }
        check("wavelength of the exciting light", said.excitation, 200...2000, .excitation, imageName, unit: " nm")
        if let entry = said.excitation, dye == nil || !entry.isShared { return Figure(entry.value, origin(entry)) }
        return dye.map { Figure($0.value.excitation, $0.origin) }
    }

    /// Where a wavelength comes from.
    private func origin(_ entry: AcquisitionMetadata.Entry<Double>) -> Origin {
        entry.isShared
            ? .assumed("\(entry.place) has one for \(channelCount) channels") : .read(entry.place)
    }

    /// The laser that is likely to excite light of a wavelength.
    private static func laser(below emission: Double) -> Figure<Double> {
        let lines = [355.0, 375, 405, 445, 457, 488, 514, 532, 561, 594, 633, 640, 730, 785]
        let line = lines.last { $0 <= emission - 12 } ?? emission - 20
        return Figure(line, .assumed("the laser next below the emission"))
    }

    private func pinhole(
        _ said: AcquisitionMetadata.Channel,
        _ kind: MicroscopeOptions.Kind,
        _ emission: Double
    ) -> Figure<MicroscopeOptions.Pinhole> {
        if let value = options.pinhole { return Figure(value, .given) }
        if let entry = said.pinholeAiryUnits, 0.05...20 ~= entry.value {
            return Figure(.airyUnits(entry.value), .read(entry.place))
        }
        let magnification = metadata.magnification.flatMap { $0.value > 0 ? $0 : nil }
        // What else magnifies between objective and pinhole is not in the file: believed where it gives what people use.
        if let entry = said.pinhole, let magnification,
            let aperture = options.numericalAperture ?? metadata.numericalAperture?.value
        {
            let diameter = entry.value / magnification.value
            let airyUnits = diameter / (1.22 * emission / 1000 / aperture)
            if 0.3...5 ~= airyUnits { return Figure(.micrometers(diameter), .read(entry.place)) }
        }
        if kind == .spinningDisk, let magnification {
            return Figure(
                .micrometers(50 / magnification.value),
                .assumed("holes of 50 µm on the disk, at \(magnification.value.inMessage)x")
            )
        }
        return Figure(.airyUnits(1), .assumed("as is usual"))
    }

    private static func element<Value>(_ index: Int, of values: [Value]) -> Value? {
        values.count == 1 ? values[0] : values.indices.contains(index) ? values[index] : nil
    }

    /// That figures are missing, all of them at once.
    func nothingToComputeFrom(_ imageName: String) -> DeconvolutionError {
        let names = missing.map { $0 == .sheetThickness ? "\($0) or \(.sheetNA)" : "\($0)" as Message }
        var list: Message = names[0]
        for (index, name) in names.enumerated().dropFirst() {
            list = "\(list)\(index == names.count - 1 ? " and " : ", ")\(name)"
        }
        guard hasImage else {
            return DeconvolutionError(
                .invalidArgument,
                "\(imageName): follows from the microscope's figures; give \(list)"
            )
        }
        let found: Message =
            metadata.isEmpty ? "its file says nothing of the microscope" : "its file does not say all of the microscope"
        return DeconvolutionError(
            .invalidArgument,
            "\(imageName): there is no PSF, and \(found): give \(list) to have one computed, or a file with \(.psf)"
        )
    }
}

extension MicroscopeOptions.Immersion {
    /// What a file's word for a medium means; nil for `Other`, `Multi` and what nobody knows.
    fileprivate init?(word: String) {
        let word = word.lowercased()
        switch word {
        case let text where text.contains("oil"): self = .oil
        case let text where text.hasPrefix("w"): self = .water
        case let text where text.hasPrefix("gly"): self = .glycerol
        case let text where text.hasPrefix("sil"): self = .silicone
        case "air", "dry": self = .air
        default: return nil
        }
    }
}

extension MicroscopeOptions.Kind {
    /// What a file's word for a kind of microscope means; nil for other ones.
    fileprivate init?(mode: String) {
        let words = mode.lowercased().filter { $0.isLetter }
        if words.contains("spinningdis") {
            self = .spinningDisk
        } else if words.contains("multiphoton") || words.contains("twophoton") {
            self = .twoPhoton
        } else if words.contains("spim") || words.contains("lightsheet") || words.contains("singleplaneillumination") {
            self = .lightSheet
        } else if words.contains("confocal") || words.contains("laserscan") {
            self = .confocal
        } else if words.contains("widefield") {
            self = .widefield
        } else {
            return nil
        }
    }
}
