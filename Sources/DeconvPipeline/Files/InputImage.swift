import DeconvIO
import DeconvOptions
import DeconvVolume

/// An image that was opened.
struct InputImage: Sendable {
    /// All of the file.
    let whole: any ImageFileSource
    /// What is deconvolved of it.
    let source: any ImageFileSource
    /// The file's numbers of the selected channels; nil for all.
    let channels: [Int]?

    /// Of a map that has as many channels or time points as the file, those that were selected.
    func selected(of map: any ImageFileSource) throws(DeconvolutionError) -> any ImageFileSource {
        guard let selected = source as? SelectedSource else { return map }
        let (file, all) = (whole.image, map.image)
        return SelectedSource(
            map,
            channels: all.channelCount > 1 && all.channelCount == file.channelCount
                ? selected.channels : Array(0..<all.channelCount),
            timepoints: all.timepointCount > 1 && all.timepointCount == file.timepointCount
                ? selected.timepoints : Array(0..<all.timepointCount)
        )
    }

    /// What a result that is stored in the same way is made from.
    func zarrContent(_ image: ImageDescription) -> ZarrOutputContent {
        guard let zarr = whole as? ZarrSource else {
            return ZarrOutputContent(
                layout: ArrayLayout(
                    axes: [.timepoint, .channel, .z, .y, .x],
                    shape: [image.timepointCount, image.channelCount] + image.shape.axes
                ),
                image: image
            )
        }
        var shape = zarr.layout.shape
        if let axis = zarr.layout.index(of: .channel) { shape[axis] = image.channelCount }
        if let axis = zarr.layout.timeAxes.first, zarr.layout.timeAxes.count == 1 { shape[axis] = image.timepointCount }
        return ZarrOutputContent(
            layout: ArrayLayout(axes: zarr.layout.axes, shape: shape),
            image: image,
            template: zarr.array.metadata,
            multiscale: zarr.ome,
            channels: channels,
            attributes: zarr.array.metadata.attributes
        )
    }

    /// Whether a Zarr result of it is an image of OME-Zarr where nothing else is said: unless it is a plain array itself.
    var isOMEByDefault: Bool { (whole as? ZarrSource).map { $0.ome != nil } ?? true }
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
        guard channels != nil || timepoints != nil else { return InputImage(whole: file, source: file, channels: nil) }
        if let zarr = file as? ZarrSource, timepoints != nil, zarr.layout.timeAxes.count > 1 {
            throw DeconvolutionError(
                .invalidArgument,
                "--time: \(file.name) has \(zarr.layout.timeAxes.count) axes besides channel, z, y and x; leave it out"
            )
        }
        func selection(_ text: String?, _ option: String) throws(DeconvolutionError) -> IndexSelection? {
            guard let text else { return nil }
            return try IndexSelection(text, option: option)
        }
        let selected = try SelectedSource(
            file,
            channels: selection(channels, "--channel"),
            timepoints: selection(timepoints, "--time")
        )
        return InputImage(whole: file, source: selected, channels: selected.channels)
    }
}
