import DeconvDevice
import DeconvIO
import DeconvOptions
import DeconvPipeline
package import DeconvPreview
package import DeconvVolume

/// Pictures of one image, or of two side by side, as a PNG file.
package struct PreviewJob: Sendable {
    /// Where sections are.
    package enum Section: Sendable, Hashable {
        /// Through the brightest place of the first image.
        case brightest
        /// Through a voxel.
        case point(VolumeIndex)

        /// A place in words: `brightest`, or three numbers `z,y,x`.
        package init?(text: String) {
            if text == "brightest" {
                self = .brightest
                return
            }
            let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
            guard parts.count == 3, let z = parts[0], let y = parts[1], let x = parts[2] else { return nil }
            self = .point(VolumeIndex(z: z, y: y, x: x))
        }
    }

    /// The images with what stands above them, from left to right.
    package var inputs: [(path: String, caption: String)]
    /// Which channel, from 0; nil for all, each in its color.
    package var channel: Int?
    /// Which time point, from 0.
    package var timepoint = 0
    /// Size of a voxel, µm; nil for what the first file says.
    package var spacing: VoxelSpacing?
    /// Percentiles that become black and white, 0 to 100.
    package var percentiles = (low: 1.0, high: 99.8)
    /// Whether from black to white it is as many counts in all images, each counted from its own background.
    package var isCommonScale = false
    /// Sections in place of projections.
    package var section: Section?
    /// What moves; nil for a picture that stands still.
    package var motion: PreviewAnimation.Motion?
    /// Exponent of the display.
    package var gamma = 1.0

    package init(inputs: [(path: String, caption: String)]) { self.inputs = inputs }

    /// Draws and writes.
    /// - Returns: what a person should know.
    /// - Throws: `DeconvolutionError` for a file that is none, a channel or voxel that is not there, or an output that exists.
    package func run(output: String, overwrite: Bool) throws(DeconvolutionError) -> [Diagnostic] {
        try check(output: output)
        var files: [any ImageFileSource] = []
        var warnings: [Diagnostic] = []
        for (path, _) in inputs {
            let file = try ImageFile.open(path: path)
            let image = file.image
            for (option, wanted, count) in [
                (OptionName.channel, channel ?? 0, image.channelCount), (.time, timepoint, image.timepointCount),
            ] where !(0..<count).contains(wanted) {
                throw DeconvolutionError(
                    .invalidArgument,
                    "\(option, wanted): \(path) has \(count), counted from 0"
                )
            }
            let channels = channel.map { [$0] } ?? Array(0..<image.channelCount)
            let survey = try file.surveyChunks(channels: channels, timepoints: [timepoint], withStamps: false)
            warnings += survey?.diagnostics ?? []
            files.append(file)
        }
        let known = spacing ?? files.lazy.compactMap { $0.image.spacing }.first
        let bytes: [UInt8]
        if let motion { bytes = try animation(motion, files, known) } else { bytes = try picture(files, known) }
        try AtomicOutput.write(bytes, to: output, overwrite: overwrite)
        return warnings
    }

    private func check(output: String) throws(DeconvolutionError) {
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
        if motion != nil, section != nil {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.section) is for pictures that stand still; leave it out, or \(.animate)"
            )
        }
        try OutputPaths.check([output], against: inputs.map(\.path))
        guard output.lowercased().hasSuffix(".png") || OutputOptions.namesNothing(output) else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(output): a preview is a PNG file; give \(.output) a name in .png"
            )
        }
    }

    private var contrast: Contrast { .percentiles(low: percentiles.low / 100, high: percentiles.high / 100) }

    /// Channels that are drawn of a file.
    private func channels(of file: any ImageFileSource) -> [Int] {
        channel.map { [$0] } ?? Array(0..<file.image.channelCount)
    }

    /// Names and colors of the channels; none where there is one only.
    private func legend(_ files: [any ImageFileSource]) -> [(name: String, color: PictureColor)] {
        guard let widest = files.max(by: { channels(of: $0).count < channels(of: $1).count }),
            channels(of: widest).count > 1
        else { return [] }
        let image = widest.image
        return (0..<image.channelCount).map { number in
            let name = image.channelNames.count == image.channelCount ? image.channelNames[number] : "channel \(number)"
            let color =
                image.annotations.channelColors.count == image.channelCount
                ? PictureColor(rgb: image.annotations.channelColors[number])
                : PictureColor.palette[number % PictureColor.palette.count]
            return (name, color)
        }
    }

    private func picture(
        _ files: [any ImageFileSource],
        _ spacing: VoxelSpacing?
    ) throws(DeconvolutionError) -> [UInt8] {
        let point = try sectionPoint(in: files[0])
        var panels: [Preview.Panel] = []
        for (file, input) in zip(files, inputs) {
            var views: [VolumeViews] = []
            for channel in channels(of: file) {
                if let point {
                    try check(point, in: file)
                    views.append(try VolumeViews(through: point, of: file, channel: channel, timepoint: timepoint))
                } else {
                    views.append(VolumeViews(try projections(of: file, channel)))
                }
            }
            panels.append(Preview.Panel(caption: input.caption, channels: views))
        }
        var preview = try Preview(panels, spacing: spacing, contrast: contrast, gamma: gamma)
        preview.isCommonScale = isCommonScale
        preview.legend = legend(files)
        preview.point = point
        return try preview.png()
    }

    private func projections(
        of file: any ImageFileSource,
        _ channel: Int
    ) throws(DeconvolutionError) -> MaximumProjections {
        try MaximumProjections(
            of: file,
            channel: channel,
            timepoint: timepoint,
            memoryLimit: file.memoryBesideReading
        )
    }

    private func check(_ point: VolumeIndex, in file: any ImageFileSource) throws(DeconvolutionError) {
        let shape = file.image.shape
        guard (0..<3).allSatisfy({ (0..<shape[$0]).contains(point[$0]) }) else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.section, "\(point.z),\(point.y),\(point.x)"): \(file.name) has \(shape) voxels, counted from 0"
            )
        }
    }

    private func sectionPoint(in file: any ImageFileSource) throws(DeconvolutionError) -> VolumeIndex? {
        switch section {
        case nil: return nil
        case .point(let point): return point
        case .brightest:
            let channel = channel ?? 0
            let place = try projections(of: file, channel).brightestColumn()
            let column = Region(
                origin: VolumeIndex(z: 0, y: place.y, x: place.x),
                shape: VolumeShape(z: file.image.shape.z, y: 1, x: 1)
            )
            let values = try file.read(column, channel: channel, timepoint: timepoint).floats
            let z = values.indices.filter { values[$0].isFinite }.max { values[$0] < values[$1] } ?? 0
            return VolumeIndex(z: z, y: place.y, x: place.x)
        }
    }

    private func animation(
        _ motion: PreviewAnimation.Motion,
        _ files: [any ImageFileSource],
        _ spacing: VoxelSpacing?
    ) throws(DeconvolutionError) -> [UInt8] {
        let legend = legend(files)
        // Refuses what cannot be shown, and what memory does not hold.
        var panelsAtRest: [Preview.Panel] = []
        for file in files { panelsAtRest.append(Preview.Panel(try projections(of: file, channel ?? 0))) }
        _ = try Preview(panelsAtRest, spacing: spacing, contrast: contrast, gamma: gamma)
        let sizes = PreviewAnimation.Sizes(
            motion,
            files.map { $0.image.shape },
            spacing: spacing,
            isColor: !legend.isEmpty
        )
        var panels: [PreviewAnimation.Panel] = []
        for (number, file) in files.enumerated() {
            var volumes: [ReducedVolume] = []
            for channel in channels(of: file) {
                volumes.append(
                    try ReducedVolume(
                        of: file,
                        to: sizes.shapes[number],
                        channel: channel,
                        timepoint: timepoint
                    )
                )
            }
            panels.append(PreviewAnimation.Panel(caption: inputs[number].caption, channels: volumes))
        }
        var animation = PreviewAnimation(panels, sizes: sizes)
        animation.contrast = contrast
        animation.isCommonScale = isCommonScale
        animation.gamma = gamma
        animation.legend = legend
        return try animation.png()
    }
}

extension ImageFileSource {
    /// Bytes of memory that are free beside what it takes to decode a plane.
    var memoryBesideReading: Int {
        let reading = readingMemory(of: VolumeShape(z: 1, y: image.shape.y, x: image.shape.x))
        return max(0, HostSystem.freeBytes - reading.bufferBytes - reading.leastKeptBytes)
    }
}
