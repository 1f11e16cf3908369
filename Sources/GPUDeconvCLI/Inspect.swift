import ArgumentParser
import DeconvOptions
import DeconvPipeline
import DeconvPlan
import DeconvTools
import Foundation
import GPUDeconv

struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what an image file holds, and of a result how it came about.",
        usage: "gpudeconv inspect <input> [<options>]",
        discussion: """
            Examples:
              gpudeconv inspect cell.tif
              gpudeconv inspect data.zarr --array raw --json
            """
    )

    @Argument(
        help: """
            TIFF stack, Zarr array or OME-Zarr image (a folder, a ZIP file, or a URL: https://, s3://), or a folder or \
            pattern of TIFF files ('t*.tif').
            """
    )
    var input: String

    @Option(.array, alias: "image") var array: String?
    @Option(.axes) var axes: String?

    @Flag(help: "Print as JSON.")
    var json = false

    func run() throws {
        try reportingErrors { () throws(DeconvolutionError) in
            var options = JobOptions()
            try apply(to: &options)
            let report = try InspectionJob(path: input, selection: options.selection).run()
            for warning in report.warnings { Terminal.warn(warning) }
            try Terminal.print(json ? JSONText.of(report, .flag) : text(report))
        }
    }

    private func text(_ report: InspectionJob.Report) -> String {
        var lines: [String] = []
        func line(_ name: String, _ value: String) {
            lines.append(name.padding(toLength: 14, withPad: " ", startingAt: 0) + value)
        }
        let file = report.file
        line("file", file.path)
        line("voxels", "\(file.shape) (z, y, x), \(file.pixelType.rawValue)")
        if let axes = report.axes { line("axes", axes) }
        let names = report.channelNames.isEmpty ? "" : ": \(report.channelNames.joined(separator: ", "))"
        line("channels", "\(file.channelCount)\(names)")
        let interval = report.timeInterval.map { ", \($0) s apart" } ?? ""
        line("time points", "\(file.timepointCount)\(interval)")
        line("voxel", file.voxelText)
        if let bytes = file.byteCount {
            line("size", "\(ByteCount(bytes))" + (file.checksum.map { ", CRC-32C \($0)" } ?? ""))
        }
        if let provenance = file.provenance {
            lines.append("\nis a result:")
            let width = provenance.entries.map(\.name.count).max() ?? 0
            for entry in provenance.entries {
                let name = entry.name.padding(toLength: max(width + 2, 12), withPad: " ", startingAt: 0)
                lines.append("  \(name)\(entry.value)")
            }
        }
        return lines.joined(separator: "\n")
    }
}
