import DeconvMethods
import DeconvOptics
package import DeconvVolume

/// How a result is to be judged, in figures: what it was made with, and what was lost or left open on the way.
package struct RunOutcome: Encodable, Hashable, Sendable {
    /// A PSF as it was used.
    private struct PSF: Hashable, Sendable {
        /// Its voxels, (z, y, x).
        let shape: VolumeShape
        /// Full widths at half maximum in µm, (z, y, x); nil where they are not known.
        let widths: [Double?]

        init(_ report: PSFPreparationReport) {
            shape = report.outputShape
            widths = report.fullWidthAtHalfMaximumMicrometers
        }

        /// By size, and then by widths.
        var order: [Double] { [Double(shape.voxelCount)] + shape.axes.map(Double.init) + widths.map { $0 ?? 0 } }
    }

    /// Voxels of the largest PSF as it was used, (z, y, x).
    package let psfShape: [Int]
    /// Full widths at half maximum of that PSF in µm, (z, y, x); nil where they are not known.
    package let psfWidths: [Double?]
    /// The PSFs that are unlike each other, of few voxels first.
    private let psfs: [PSF]
    /// Light of the result over that of the image above its background; nil for an image without light.
    package let lightKept: Double?
    /// What an iteration at the end takes off the Poisson divergence, over what all have taken off; nil where it was not measured
    /// three times. The divergence itself is no scale: noise leaves most of it.
    package let divergenceFall: Double?
    /// Whether the number of iterations was found, or made for the image, so that convergence was not the aim.
    private let isStopped: Bool
    /// Part of the good voxels that did not count, for they are masked or saturated.
    package let leftOut: Double

    init(_ report: RunReport) {
        psfs = Set(report.psfs.map(PSF.init)).sorted { $0.order.lexicographicallyPrecedes($1.order) }
        psfShape = psfs.last?.shape.axes ?? []
        psfWidths = psfs.last?.widths ?? []
        lightKept = report.observedSum > 0 ? report.resultSum / report.observedSum : nil
        divergenceFall = Self.fall(report.convergence)
        isStopped = report.tunings.contains { $0.stop != "none" || $0.tuning.signal != nil }
        let voxels = Double(report.shape.voxelCount) * Double(report.channelCount * report.timepointCount)
        leftOut = Double(report.maskedVoxelCount + report.saturatedInputVoxelCount) / voxels
    }

    /// Over all volumes, from the last two iterations that were measured.
    private static func fall(_ convergence: [RunReport.Convergence]) -> Double? {
        var (last, all) = (0.0, 0.0)
        for volume in convergence where volume.iterations.count > 2 {
            let end = volume.iterations.count - 1
            // Channels may have numbers of iterations of their own.
            let iterations = Double(volume.iterations[end] - volume.iterations[end - 1])
            last += (volume.poissonDivergence[end - 1] - volume.poissonDivergence[end]) / iterations
            all += volume.poissonDivergence[0] - volume.poissonDivergence[end]
        }
        return all > 0 ? last / all : nil
    }

    /// What is far from converged: below, more iterations change little.
    private static let convergedFall = 1e-5

    /// Size and widths of the PSFs, from the least to the largest where there are several; nil where there is none.
    private var psfsInWords: String? {
        guard let first = psfs.first, let last = psfs.last else { return nil }
        func voxels(_ psf: PSF) -> String { psf.shape.axes.map { "\($0)" }.joined(separator: "x") }
        func range(_ least: String, _ most: String) -> String { least == most ? least : "\(least) to \(most)" }
        let text = psfs.count == 1 ? "a PSF of" : "\(psfs.count) PSFs of"
        let widths = (0..<3).compactMap { axis -> String? in
            let known = psfs.compactMap { $0.widths[axis] }
            guard known.count == psfs.count, let least = known.min(), let most = known.max() else { return nil }
            return range(least.threeFigures, most.threeFigures)
        }
        let wide = widths.count == 3 ? ", \(widths.joined(separator: " x ")) µm wide at half maximum" : ""
        return "\(text) \(range(voxels(first), voxels(last))) voxels\(wide)"
    }

    private enum CodingKeys: String, CodingKey { case psfShape, psfWidths, lightKept, divergenceFall, leftOut }

    /// All of it in one sentence for people.
    package var sentence: String {
        var parts: [String] = []
        if let psfs = psfsInWords { parts.append(psfs) }
        if let lightKept { parts.append("\((100 * lightKept).threeFigures) % of the light kept") }
        if let divergenceFall, !isStopped {
            let share =
                "an iteration adds \((100 * divergenceFall).threeFigures) % to what all have gained in likelihood"
            parts.append(divergenceFall < Self.convergedFall ? "converged (\(share))" : "not converged (\(share))")
        }
        parts.append(leftOut > 0 ? "\((100 * leftOut).threeFigures) % of the voxels left out" : "nothing left out")
        return parts.joined(separator: "; ")
    }
}

extension RunReport {
    /// How its result is to be judged.
    package var outcome: RunOutcome { RunOutcome(self) }
}
