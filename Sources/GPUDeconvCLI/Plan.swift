import ArgumentParser
import DeconvOptics
import DeconvOptions
import DeconvPipeline
import DeconvPlan
import Foundation
import GPUDeconv

struct Plan: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what deconvolving would do, without doing it: PSF, device, tiles, memory and time.",
        usage: "gpudeconv plan <input> [--psf <psf>] [<options>]",
        discussion: "Takes the options of deconvolve, without those of its output."
    )

    @OptionGroup(title: "Input") var files: InputArguments
    @OptionGroup var job: JobArguments

    @Flag(help: "Print as JSON.")
    var json = false

    func run() throws {
        try reportingErrors { () throws(DeconvolutionError) in
            let options = try job.options(for: files)
            let deconvolution = try files.deconvolution(options)
            let plans = try deconvolution.plans()
            let estimate = try TimeEstimate(plans, options.deconvolution)
            let plan = plans[0]
            for line in deconvolution.computedPSF?.lines ?? [] { Terminal.note(line) }
            for warning in plan.warnings { Terminal.warn(warning) }
            try Terminal.print(
                json
                    ? JSONText.of(
                        PlanDescription(plan, estimate: estimate, computedPSF: deconvolution.computedPSF),
                        .flag
                    )
                    : text(plans, estimate, isComputed: deconvolution.computedPSF != nil)
            )
        }
    }

    private func text(_ plans: [JobPlan], _ estimate: TimeEstimate?, isComputed: Bool) -> String {
        let plan = plans[0]
        let image = plan.image
        let tiles = plan.tiles
        let footprint = tiles.footprint
        var lines: [String] = []
        func line(_ name: String, _ value: String) {
            lines.append(name.padding(toLength: 14, withPad: " ", startingAt: 0) + value)
        }
        line(
            "image",
            "\(image.shape) \(image.pixelType.rawValue), \(image.channelCount) x \(image.timepointCount) volumes"
        )
        line("voxel", plan.voxelText)
        for (number, psf) in plan.psfs.enumerated() {
            let isOfSecond = number >= plan.firstPSFs.count
            line(
                isOfSecond ? "view PSF" : "PSF",
                isComputed && !isOfSecond
                    ? "\(psf.report.outputShape), computed"
                    : "\(psf.report.inputShape) as measured, \(psf.report.outputShape) prepared"
            )
        }
        for modes in plan.blurs.compactMap(\.report) {
            let error = "\((modes.error * 1e4).rounded() / 100) %"
            line("PSF modes", "\(modes.modeCount) of \(modes.places.count) PSFs, which leave \(error) at most")
        }
        line("device", "\(plan.backend.device.name) (\(plan.backend.device.backend.rawValue))")
        line("method", plan.method.name.rawValue)
        let atMost = plan.method.tuningRequest.map { $0.stop == .none ? "" : "at most " } ?? ""
        line("iterations", "\(atMost)\(plan.method.stepCount), boundary \(plan.boundary.rawValue)")
        line(
            "tiles",
            tiles.tile == nil ? "none: in one piece" : "\(tiles.tileCount) (\(tiles.tileCounts)), halo \(tiles.halo)"
        )
        if let estimate {
            line(
                "time",
                "\(atMost.isEmpty ? "about " : atMost)\(estimate.seconds.inWords), \(estimate.secondsPerIteration.inWords) an iteration, "
                    + "as measured on a small volume"
                    + (atMost.isEmpty ? "" : "; and what it takes to find their number")
            )
        }
        line("transform", "\(tiles.workShape), \(plan.transformsPerIteration) an iteration")
        line("memory", "\(ByteCount(footprint.deviceBytes)) where it is computed")
        line("  work", "\(ByteCount(footprint.workBytes))")
        if footprint.temporaryBytes > 0 { line("  FFT scratch", "\(ByteCount(footprint.temporaryBytes))") }
        line("  OTF", "\(ByteCount(footprint.otfBytes))")
        line("  fields", "\(ByteCount(footprint.fieldBytes))")
        line("  observed", "\(ByteCount(footprint.observedBytes))")
        if footprint.sensitivityBytes > 0 { line("  sensitivity", "\(ByteCount(footprint.sensitivityBytes))") }
        if let overlap = plan.overlap {
            line("  next volume", "\(ByteCount(overlap.deviceBytes)), and \(ByteCount(overlap.hostBytes)) on its way")
        }
        let kept = footprint.wholeBytes + plan.storeBytes
        if kept > 0 {
            line("beside it", "\(ByteCount(kept)) in \(plan.usesScratchFiles ? "scratch files" : "memory")")
        }
        let reading = plan.reading
        let chunkBytes = reading.keptBytes.reduce(0, +)
        let chunks = chunkBytes > 0 ? ", of which \(ByteCount(chunkBytes)) are decoded chunks" : ""
        line("reading", "\(ByteCount(reading.byteCount))\(chunks)")
        if plan.writeBytes > 0 { line("writing", "\(ByteCount(plan.writeBytes))") }
        for other in plans.dropFirst() {
            let tiles = other.tiles.tile == nil ? "in one piece" : "in \(other.tiles.tileCount) tiles"
            line(
                "and device",
                "\(other.backend.device.name), \(tiles), \(ByteCount(other.tiles.footprint.deviceBytes)) there"
            )
        }
        return lines.joined(separator: "\n")
    }
}
