import ArgumentParser
import DeconvComparison
import DeconvPipeline
import DeconvTools
import Foundation
import GPUDeconv

struct Compare: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say how far an image is from a reference: NRMSE, PSNR, Pearson, largest differences.",
        usage: "gpudeconv compare <image> <reference> [--match-scale] [--json]"
    )

    @Argument(help: "TIFF stack to judge, such as a result.")
    var image: String

    @Argument(help: "TIFF stack to hold it against, such as the truth.")
    var reference: String

    @Flag(help: "First multiply the image by the factor that brings it nearest to the reference (least squares).")
    var matchScale = false

    @Flag(help: "Print as JSON.")
    var json = false

    func run() throws {
        try reportingErrors { () throws(DeconvolutionError) in
            let (comparison, warnings) = try ComparisonJob.run(image, reference: reference, matchScale: matchScale)
            for warning in warnings { Terminal.warn(warning) }
            try Terminal.print(json ? JSONText.of(comparison, .flag) : text(comparison))
        }
    }

    private func text(_ comparison: ImageComparison) -> String {
        func figure(_ value: Double?, _ format: String = "%.6g") -> String {
            value.map { String(format: format, $0) } ?? "-"
        }
        var lines = [
            "NRMSE                    \(figure(comparison.nrmse))",
            "PSNR                     \(comparison.psnr.map { String(format: "%.3f dB", $0) } ?? "-")",
            "Pearson                  \(figure(comparison.pearson))",
            "max absolute difference  \(figure(comparison.maxAbsoluteDifference))",
            "max relative difference  \(figure(comparison.maxRelativeDifference))",
            "largest row NRMSE        \(figure(comparison.largestRowNRMSE))",
        ]
        if matchScale { lines.append("scale                    \(figure(comparison.scale))") }
        return lines.joined(separator: "\n")
    }
}
