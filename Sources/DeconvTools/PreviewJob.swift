import DeconvDevice
import DeconvIO
import DeconvOptions
import DeconvPipeline
import DeconvPreview
package import DeconvVolume

/// Pictures of one image, or of two side by side, as a PNG file.
package struct PreviewJob: Sendable {
    /// The images with what stands above them, from left to right.
    package var inputs: [(path: String, caption: String)]
    /// Which channel, from 0.
    package var channel = 0
    /// Which time point, from 0.
    package var timepoint = 0
    /// Size of a voxel, µm; nil for what the first file says.
    package var spacing: VoxelSpacing?
    /// Percentiles that become black and white, 0 to 100.
    package var percentiles = (low: 1.0, high: 99.8)
    /// Exponent of the display.
    package var gamma = 1.0

    package init(inputs: [(path: String, caption: String)]) { self.inputs = inputs }

    /// Draws and writes.
    /// - Returns: what a person should know.
    /// - Throws: `DeconvolutionError` for a file that is none, a channel that is not there, or an output that exists.
    package func run(output: String, overwrite: Bool) throws(DeconvolutionError) -> [Diagnostic] {
        guard 0 <= percentiles.low, percentiles.low < percentiles.high, percentiles.high <= 100 else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.percentiles, "\(percentiles.low.inMessage),\(percentiles.high.inMessage)"): give two rising "
                    + "numbers from 0 to 100"
            )
        }
        if let spacing, !spacing.isValid {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.spacing, spacing.inMessage): give three positive sizes in micrometers, as z,y,x"
            )
        }
        try OutputPaths.check([output], against: inputs.map(\.path))
        guard output.lowercased().hasSuffix(".png") || OutputOptions.namesNothing(output) else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(output): a preview is a PNG file; give \(.output) a name in .png"
            )
        }
        var panels: [Preview.Panel] = []
        var warnings: [Diagnostic] = []
        var known = spacing
        for (path, caption) in inputs {
            let file = try ImageFile.open(path: path)
            let image = file.image
            for (option, wanted, count) in [
                (OptionName.channel, channel, image.channelCount), (.time, timepoint, image.timepointCount),
            ] where !(0..<count).contains(wanted) {
                throw DeconvolutionError(
                    .invalidArgument,
                    "\(option, wanted): \(path) has \(count), counted from 0"
                )
            }
            let survey = try file.surveyChunks(channels: [channel], timepoints: [timepoint], withStamps: false)
            warnings += survey?.diagnostics ?? []
            known = known ?? image.spacing
            panels.append(
                Preview.Panel(
                    caption: caption,
                    try MaximumProjections(
                        of: file,
                        channel: channel,
                        timepoint: timepoint,
                        memoryLimit: file.memoryBesideReading
                    )
                )
            )
        }
        let contrast = Contrast.percentiles(low: percentiles.low / 100, high: percentiles.high / 100)
        let preview = try Preview(panels, spacing: known, contrast: contrast, gamma: gamma)
        try AtomicOutput.write(try preview.png(), to: output, overwrite: overwrite)
        return warnings
    }
}

extension ImageFileSource {
    /// Bytes of memory that are free beside what it takes to decode a plane.
    var memoryBesideReading: Int {
        let reading = readingMemory(of: VolumeShape(z: 1, y: image.shape.y, x: image.shape.x))
        return max(0, HostSystem.freeBytes - reading.bufferBytes - reading.leastKeptBytes)
    }
}
