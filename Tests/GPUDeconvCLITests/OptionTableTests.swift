import DeconvMethods
import DeconvOptions
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

/// The table of options against everything that has to know an option: each place is missed by its name.
@Suite struct OptionTableTests {
    private let table = OptionTable.standard.options

    /// A text that is a value of an option, and another than its default.
    private func sample(_ option: OptionDescription) -> String {
        switch option.type {
        case .integer: option.name == .zarrFormat ? "3" : "7"
        case .number: "\(min(7.5, option.range?.maximum ?? 7.5))"
        case .numbers: "7.5"
        case .boolean: "true"
        case .text: option.name == .immersion ? "oil" : option.name == .pinhole ? "2AU" : "x"
        case .texts: "x"
        case .words(let words): words.first { $0 != option.text(JobOptions()) } ?? words[0]
        case .bytes: "7GB"
        case .spacing: "0.7,0.5,0.5"
        case .shape: "7,5,5"
        case .numberOrAuto: "7"
        case .numbersOrAuto: "7,5"
        case .placesOrAuto: "0,7.5"
        case .stopRule: "whiteness"
        }
    }

    /// The values of everything that can be set, by the names of their properties.
    private func properties(_ options: JobOptions) -> [String: String] {
        var values: [String: String] = [:]
        for (name, part) in [
            ("", options.deconvolution as Any), ("", options.selection), ("output.", options.output),
            ("zarr.", options.output.zarr), ("microscope.", options.deconvolution.microscope),
        ] {
            for child in Mirror(reflecting: part).children where !["zarr", "microscope"].contains(child.label) {
                values[name + (child.label ?? "?")] = "\(child.value)"
            }
        }
        values["flatField"] = options.flatField ?? "nil"
        values["mask"] = options.mask ?? "nil"
        values["view"] = options.view ?? "nil"
        values["viewPSF"] = options.viewPSF ?? "nil"
        return values
    }

    @Test func everyRecordSetsItsPropertyAndEveryPropertyHasARecord() throws {
        let defaults = properties(JobOptions())
        var found: Set<String> = []
        for option in table {
            var options = JobOptions()
            try option.set(&options, to: sample(option))
            let now = properties(options)
            let changed = now.keys.filter { now[$0] != defaults[$0] }
            #expect(
                changed.count == 1,
                "\(option.name.words) changes \(changed): look at its key path in OptionTable.swift"
            )
            let property = changed.first?.split(separator: ".").last.map(String.init)
            #expect(
                property == option.name.property,
                "\(option.name.words) changes \(property ?? "nothing"), and OptionName.swift calls it \(option.name.property)"
            )
            found.formUnion(changed)
            #expect(options.given == [option.name])
            // What a report says of it makes the same value again.
            var again = JobOptions()
            try option.set(&again, to: option.text(options))
            #expect(again == options, "\(option.name.words): its text does not give its value back")
            try option.set(&again, to: nil)
            #expect(again == JobOptions())
        }
        let others: Set<String> = [
            "overlapsVolumes", "masksBadPixels", "choosesPSFPlaces", "halvesPhotons", "zarr.isOME",
        ]
        for property in Set(defaults.keys).subtracting(found).subtracting(others).sorted() {
            Issue.record("\(property) has no record: add one to OptionTable.records in DeconvOptions/OptionTable.swift")
        }
    }

    @Test func everyDefaultIsInItsRange() throws {
        try OptionTable.standard.validate(JobOptions())
        #expect(Set(table.map(\.name)).count == table.count)
    }

    @Test func whatIsOutOfRangeIsRefusedWithTheRange() throws {
        for option in table {
            guard let range = option.range else { continue }
            let minimum = try #require(range.minimum)
            for bad in [range.excludesMinimum ? minimum : minimum - 1, range.maximum.map { $0 + 1 }].compactMap(\.self)
            {
                // A size is never negative or none.
                if option.type == .bytes { continue }
                var options = JobOptions()
                try option.set(&options, to: option.type == .integer ? "\(Int(bad))" : "\(bad)")
                let error = #expect(throws: DeconvolutionError.self) { try OptionTable.standard.validate(options) }
                #expect(error?.options == [option.name] && error?.code == .invalidArgument)
                #expect(error?.text(.flag).hasPrefix("--\(option.name.words) ") == true)
            }
        }
    }

    @Test func whatAMethodDoesNotTakeIsRefused() throws {
        for method in Methods.all.map({ $0.description }) {
            for option in table where option.group == .method && option.name != .method {
                var options = JobOptions()
                options.deconvolution.method = method.name
                // What a search needs does nothing without one.
                let ofSearch: [OptionName] = [.maxIterations, .gain, .seed, .tuning]
                if ofSearch.contains(option.name), method.options.contains(.stop) {
                    options.deconvolution.stop = .heldOut
                }
                try option.set(&options, to: sample(option))
                if method.options.contains(option.name) {
                    try OptionTable.standard.validate(options)
                } else {
                    #expect(throws: DeconvolutionError.self) { try OptionTable.standard.validate(options) }
                }
            }
        }
    }

    @Test func theCommandTakesTheOptionsOfTheTableAndSaysWhatTheTableSays() async throws {
        struct Dump: Decodable {
            struct Command: Decodable { let arguments: [Argument]? }
            struct Argument: Decodable {
                struct Name: Decodable { let kind: String, name: String }
                let kind: String
                let names: [Name]?
                let abstract: String?
                let sectionTitle: String?
            }
            let command: Command
        }
        let result = try await Command.run(["deconvolve", "--experimental-dump-help"], in: try TemporaryFolder())
        let dump = try JSONDecoder().decode(Dump.self, from: Data(result.output.utf8))
        let arguments = try #require(dump.command.arguments)
        var byName: [String: Dump.Argument] = [:]
        for argument in arguments {
            for name in argument.names ?? [] where name.kind == "long" { byName[name.name] = argument }
        }
        for option in table {
            guard let argument = byName.removeValue(forKey: option.name.words) else {
                Issue.record(
                    """
                    --\(option.name.words) is in the table and not in the command: add a line to the group \
                    \(option.group.rawValue) in GPUDeconvCLI/Arguments.swift or Deconvolve.swift
                    """
                )
                continue
            }
            #expect(argument.sectionTitle == option.group.rawValue, "--\(option.name.words) stands in another group")
            #expect(argument.abstract?.hasPrefix(option.help) == true, "--\(option.name.words) has another help")
            #expect((argument.kind == "flag") == (option.type == .boolean), "--\(option.name.words): a flag or not?")
        }
        // The second name of --array, and what is no option of a job.
        let others = [
            "image", "psf", "output", "each", "resolution-plot", "stop-plot", "report", "json", "json-progress",
            "quiet",
            "verbose",
            "version",
            "help",
        ]
        for name in byName.keys.filter({ !others.contains($0) }).sorted() {
            Issue.record("--\(name) is no record of the table: add one to DeconvOptions/OptionTable.swift")
        }
    }

    @Test func thePageOfPythonHasTheTable() throws {
        let url = Fixtures.url("../../Documentation/Python.md")
        let page = try String(contentsOf: url, encoding: .utf8)
        let (begin, end) = ("<!-- options -->\n", "<!-- end of options -->\n")
        let parts = page.components(separatedBy: begin)
        try #require(parts.count == 2, "Documentation/Python.md has no place for the table")
        let rest = parts[1].components(separatedBy: end)
        try #require(rest.count == 2)
        let rows = table.filter { !$0.isOfFiles }.map { option in
            func listed(_ names: [String]) -> String { names.map { "`\($0)`" }.joined(separator: ", ") }
            let words = option.type.words.map { ": \(listed($0))" } ?? ""
            let methods = option.methods.map { " (\(listed($0.map(\.rawValue))))" } ?? ""
            let help = option.help.hasSuffix(".") ? String(option.help.dropLast()) : option.help
            let otherwise = option.defaultTextOfArrays ?? option.defaultText ?? (option.type == .boolean ? "False" : "")
            return "| `\(option.name.keyword)` | \(help)\(words)\(methods) | \(otherwise) |"
        }
        let expected = "| keyword | | default |\n|---|---|---|\n" + rows.joined(separator: "\n") + "\n"
        if ProcessInfo.processInfo.environment["GPUDECONV_UPDATE_SNAPSHOTS"] == "1" {
            try Data((parts[0] + begin + expected + end + rest[1]).utf8).write(to: url)
        } else {
            #expect(rest[0] == expected, "Documentation/Python.md: run HelpTests with GPUDECONV_UPDATE_SNAPSHOTS=1")
        }
    }

    @Test func theListForProgramsIsTheTable() async throws {
        let result = try await Command.run(["options", "--json"], in: try TemporaryFolder())
        let list = try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [[String: Any]])
        #expect(list.compactMap { $0["name"] as? String } == table.map(\.name.words))
        let iterations = try #require(list.first { $0["name"] as? String == "iterations" })
        #expect(iterations["otherwise"] is String && iterations["type"] as? String == "integer")
        #expect(iterations["minimum"] as? Double == 1 && iterations["effect"] as? String == "voxels")
        let boundary = try #require(list.first { $0["name"] as? String == "boundary" })
        #expect(boundary["values"] as? [String] == ["extend", "zero", "edge", "reflect", "periodic"])
        let text = try await Command.run(["options"], in: try TemporaryFolder())
        #expect(table.allSatisfy { text.output.contains("  \($0.name.words) ") })
    }

    @Test(arguments: [("bnech", "bench"), ("psff", "psf"), ("plann", "plan"), ("inspct", "inspect")])
    func aMistypedSubcommandIsAskedAbout(word: String, meant: String) async throws {
        let folder = try TemporaryFolder()
        let result = try await Command.run([word], in: folder)
        #expect(result.status == 64)
        #expect(
            result.error
                == "gpudeconv: \(word): no such subcommand, and no such file; did you mean 'gpudeconv \(meant)'?\n"
        )
        // A file of that name is an image.
        try Data("x".utf8).write(to: URL(fileURLWithPath: folder.path(word)))
        let image = try await Command.run([word, "--psf", "psf.tif", "-o", "sharp.tif"], in: folder)
        #expect(!image.error.contains("did you mean"))
    }
}
