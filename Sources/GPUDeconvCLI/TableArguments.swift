import ArgumentParser
import DeconvMethods
import DeconvOptions
import GPUDeconv

extension Option where Value == String? {
    /// An option of the table, which has its help, its default and its values; the property only says that a command takes it.
    /// - Parameters:
    ///   - alias: another name for the same.
    ///   - hasImage: whether the command reads an image, whose file may say what somebody does not.
    init(
        _ name: OptionName,
        short: Bool = false,
        alias: String? = nil,
        hasImage: Bool = true,
        parsing: SingleValueParsingStrategy? = nil
    ) {
        let record = OptionTable.standard.record(name)
        self.init(
            name: alias.map { [.long, .customLong($0)] } ?? (short ? .shortAndLong : .long),
            parsing: parsing ?? (record.type.mayBeNegative ? .unconditional : .next),
            help: ArgumentHelp("\(record.help(hasImage: hasImage))", valueName: record.valueName),
            completion: record.completion
        )
    }
}

extension Flag where Value == Bool {
    /// A switch of the table.
    init(wrappedValue: Bool, _ name: OptionName) {
        self.init(
            wrappedValue: wrappedValue,
            help: ArgumentHelp(OptionTable.standard.record(name).help)
        )
    }
}

extension ParsableArguments {
    /// Sets what was given of the table's options, which are found by the names of the properties.
    /// - Throws: `invalidArgument` for a text that is no value.
    func apply(to options: inout JobOptions) throws(DeconvolutionError) {
        for child in Mirror(reflecting: self).children {
            // The storage of a property wrapper: `_psfSpacing`.
            guard let property = child.label?.dropFirst(), let record = OptionTable.standard.option(property: property)
            else {
                continue
            }
            switch child.value {
            case let option as Option<String?>:
                if let text = option.wrappedValue { try record.set(&options, to: text) }
            case let flag as Flag<Bool>:
                if flag.wrappedValue { try record.set(&options, to: "true") }
            default:
                break
            }
        }
    }
}

extension OptionTable {
    fileprivate func record(_ name: OptionName) -> OptionDescription {
        guard let record = self[name] else { preconditionFailure("\(name.words) is not in the table of options") }
        return record
    }

    /// The record of an option by the property of a command: `psfSpacing` for `psf-spacing`.
    fileprivate func option(property: Substring) -> OptionDescription? {
        options.first { $0.name.words.replacing("-", with: "") == property.lowercased() }
    }
}

extension OptionDescription {
    /// Its help with values and default.
    fileprivate func help(hasImage: Bool) -> String {
        let byDefault = hasImage ? defaultText : defaultTextWithoutImage
        let notes = [
            type.words.map { "values: \($0.joined(separator: ", "))" }, byDefault.map { "default: \($0)" },
        ]
        .compactMap(\.self)
        return notes.isEmpty ? help : "\(help) (\(notes.joined(separator: "; ")))"
    }

    fileprivate var completion: CompletionKind? {
        if let words = type.words { return .list(words) }
        return valueName == "file" ? .file() : nil
    }
}

extension OptionType {
    fileprivate var mayBeNegative: Bool {
        switch self {
        case .integer, .number, .numbers, .bytes, .spacing, .shape, .numberOrAuto, .numbersOrAuto, .placesOrAuto: true
        case .boolean, .text, .texts, .words, .stopRule: false
        }
    }
}
