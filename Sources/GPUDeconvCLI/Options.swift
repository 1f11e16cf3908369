import ArgumentParser
import DeconvMethods
import DeconvOptions
import DeconvPipeline
import Foundation
import GPUDeconv

struct Options: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the options of a deconvolution, with values, ranges and defaults.",
        discussion: "For programs and pages that offer them; C and Python have the same, with _ for -."
    )

    @Flag(help: "Print as JSON, with what each is counted in and what it changes.")
    var json = false

    func run() throws {
        try reportingErrors { () throws(DeconvolutionError) in
            let options = OptionTable.standard.options
            try Terminal.print(json ? JSONText.of(options, .flag) : text(options))
        }
    }

    private func text(_ options: [OptionDescription]) -> String {
        let width = options.map(\.name.words.count).max() ?? 0
        return OptionDescription.Group.allCases.map { group in
            let lines = options.filter { $0.group == group }.map { option in
                let note = option.defaultText.map { "; by default \($0)" } ?? ""
                let name = option.name.words.padding(toLength: width, withPad: " ", startingAt: 0)
                return "  \(name)  \(option.remedy)\(note)"
            }
            return ([group.rawValue] + lines).joined(separator: "\n")
        }
        .joined(separator: "\n\n")
    }
}
