import DeconvIO
import DeconvOptions
import DeconvVolume

/// An image that was opened.
struct InputImage: Sendable {
    /// All of the file.
    let whole: any ImageFileSource
    /// The part of it that was selected; nil for all.
    let selected: SelectedSource?

    /// What is deconvolved of it.
    var source: any ImageFileSource { if let selected { selected } else { whole } }

    /// Which channels of the file are deconvolved.
    var chosenChannels: ChosenChannels {
        let count = whole.image.channelCount
        return selected.map { ChosenChannels($0.channels, of: count) } ?? ChosenChannels(all: count)
    }

    /// Of a map that has as many channels or time points as the file, those that were selected.
    func selected(of map: any ImageFileSource) throws(DeconvolutionError) -> any ImageFileSource {
        guard let selected else { return map }
        let (file, all) = (whole.image, map.image)
        return SelectedSource(
            map,
            channels: all.channelCount > 1 && all.channelCount == file.channelCount
                ? selected.channels : Array(0..<all.channelCount),
            timepoints: all.timepointCount > 1 && all.timepointCount == file.timepointCount
                ? selected.timepoints : Array(0..<all.timepointCount)
        )
    }
}

extension InputSelection {
    /// The image at a path.
    /// - Parameter psfCount: the first of four axes without names is the channel if it is as long.
    /// - Throws: as `ImageFile.open`, and `invalidArgument` where nothing is selected.
    func open(_ path: String, psfCount: Int?) throws(DeconvolutionError) -> InputImage {
        let file = try ImageFile.open(
            path: path,
            options: ImageFile.Options(array: array, axes: axes, channelCountHint: psfCount, offersOptions: true)
        )
        guard channels != nil || timepoints != nil else { return InputImage(whole: file, selected: nil) }
        if timepoints != nil, file.timeAxisCount > 1 {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.time): \(file.name) has \(file.timeAxisCount) axes besides channel, z, y and x; leave it out"
            )
        }
        func selection(_ text: String?, _ option: OptionName) throws(DeconvolutionError) -> IndexSelection? {
            guard let text else { return nil }
            return try IndexSelection(text, option: option)
        }
        let selected = try SelectedSource(
            file,
            channels: selection(channels, .channel),
            timepoints: selection(timepoints, .time)
        )
        return InputImage(whole: file, selected: selected)
    }
}
