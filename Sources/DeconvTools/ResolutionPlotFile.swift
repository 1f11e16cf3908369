package import DeconvOptions
package import DeconvPipeline
import DeconvPreview
package import DeconvVolume

/// A picture of the Fourier shell correlations of a run: begun before it, so that what is in its way is found at once.
package final class ResolutionPlotFile {
    private let file: PlotFile

    /// Begins the file; nothing is seen of it yet.
    /// - Parameters:
    ///   - path: a name in `.png`.
    ///   - options: of the run.
    /// - Throws: `invalidArgument` for another name, and where the run tells no correlations; `cannotCreateOutput` where it exists and may not be
    ///   replaced, or where its folder cannot be written.
    package init(path: String, _ options: JobOptions) throws(DeconvolutionError) {
        guard options.output.uncertaintyPath != nil else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.resolutionPlot): does nothing without \(.uncertainty); give that too, or leave it out"
            )
        }
        file = try PlotFile(path: path, .resolutionPlot, overwrite: options.output.overwrite)
    }

    /// Draws what a run told, once.
    /// - Parameter title: what stands above it.
    /// - Throws: `inputOutput` on a full disk.
    package func write(_ report: UncertaintyReport, title: String) throws(DeconvolutionError) {
        let plot = ResolutionPlot(
            title: title,
            unit: "cycles/\(report.unit == "voxels" ? "voxel" : report.unit)",
            threshold: report.threshold,
            panels: report.channels.enumerated().map { number, channel in
                let name = "Fourier shell correlation" + (report.channels.count > 1 ? ", channel \(number)" : "")
                let curves = channel.curves.map { curve in
                    ResolutionPlot.Curve(
                        axis: curve.axis,
                        frequencies: curve.frequencies,
                        results: curve.results,
                        images: curve.images,
                        label: curve.resolutionInWords.map { "\($0) \(report.unit)" } ?? "-",
                        end: curve.resolution.map { 1 / $0 }
                    )
                }
                return (name, curves)
            }
        )
        try file.write(plot.png())
    }
}
