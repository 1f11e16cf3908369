import DeconvMethods
package import DeconvOptions
package import DeconvPipeline
import DeconvPreview
package import DeconvVolume

/// A picture of how the number of iterations of a run was found: begun before it, so that what is in its way is found at once.
package final class StopPlotFile {
    private let file: PlotFile

    /// Begins the file; nothing is seen of it yet.
    /// - Parameters:
    ///   - path: a name in `.png`.
    ///   - options: of the run.
    /// - Throws: `invalidArgument` for another name, and where the run looks for no number of iterations; `cannotCreateOutput` where it exists
    ///   and may not be replaced, or where its folder cannot be written.
    package init(path: String, _ options: JobOptions) throws(DeconvolutionError) {
        let settled = OptionTable.standard.settled(options).deconvolution
        let method = try Methods.method(settled)
        guard let request = method.tuningRequest, request.stop != .none else {
            let taken = OptionTable.standard[.stop]?.methods?.contains(method.name) ?? false
            throw DeconvolutionError(
                .invalidArgument,
                taken
                    ? "\(.stopPlot): the number of iterations is given or usual, and nothing looks for one; give \(.stop, "held-out"), or "
                        + "leave it out"
                    : "\(.stopPlot): \(.method, method.name) looks for no number of iterations; give \(.method, "auto"), or leave it out"
            )
        }
        file = try PlotFile(path: path, .stopPlot, overwrite: options.output.overwrite)
    }

    /// Draws what was found out, once.
    /// - Parameter title: what stands above it.
    /// - Throws: `inputOutput` on a full disk.
    package func write(_ tunings: [ChannelTuning], title: String) throws(DeconvolutionError) {
        let panels = tunings.enumerated().map { number, tuning in
            StopPlot.Panel(
                name: tunings.count > 1 ? "channel \(number)" : "",
                decision: tuning.sentence,
                measure: Self.measure(tuning.searchRule),
                curves: tuning.curves.map { curve in
                    StopPlot.Curve(
                        name: "TV \(curve.totalVariation.inMessage)",
                        values: curve.values,
                        isChosen: curve.totalVariation == tuning.weight
                    )
                },
                iteration: tuning.tuning.stepCount
            )
        }
        try file.write(StopPlot(title: title, panels: panels).png())
    }

    /// What a rule looks at.
    private static func measure(_ rule: StopRule) -> StopPlot.Measure {
        switch rule {
        case .heldOut: .likelihood
        case .divergence: .falling(name: "Poisson divergence from the image", threshold: nil)
        case .consensus:
            .falling(name: "part of the light that halves still change", threshold: StopSearch.leastAgreement)
        case .none, .auto, .whiteness:
            .falling(name: "likeness of neighbors in what is left of the image", threshold: 0)
        }
    }
}
