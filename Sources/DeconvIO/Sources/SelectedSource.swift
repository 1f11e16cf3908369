package import DeconvVolume

/// Some channels and time points of another source, in any order. Nothing else of it is read.
///
/// The other source is read with its own numbers, so its messages name positions in the file; `volumeName` does the same for
/// messages of others.
package struct SelectedSource: ImageFileSource {
    package let image: ImageDescription
    /// The number in the file of each channel.
    package let channels: [Int]
    /// The number in the file of each time point.
    package let timepoints: [Int]
    private let base: any VolumeSource

    /// The other source's.
    package var name: String { base.name }
    /// The other source's.
    package var diagnostics: [Diagnostic] { file?.diagnostics ?? [] }
    /// The other source's.
    package var paths: [String] { file?.paths ?? [name] }
    /// The other source's.
    package var axes: String? { file?.axes }
    /// The other source's.
    package var imageNumber: Int? { file?.imageNumber }
    /// The other source's.
    package var timeAxisCount: Int { file?.timeAxisCount ?? 1 }

    /// The other source, where it is a file.
    private var file: (any ImageFileSource)? { base as? any ImageFileSource }

    /// A part of a source.
    /// - Parameters:
    ///   - channels: nil for all.
    ///   - timepoints: nil for all.
    /// - Throws: `invalidArgument` naming the option where it selects nothing, or what is not there.
    package init(
        _ base: any VolumeSource,
        channels: IndexSelection? = nil,
        timepoints: IndexSelection? = nil
    ) throws(DeconvolutionError) {
        let whole = base.image
        self.init(
            base,
            channels: try channels?.indices(of: whole.channelCount, "channels") ?? Array(0..<whole.channelCount),
            timepoints: try timepoints?.indices(of: whole.timepointCount, "time points")
                ?? Array(0..<whole.timepointCount)
        )
    }

    /// A part of a source, by the numbers of its channels and time points, which must be there.
    package init(_ base: any VolumeSource, channels: [Int], timepoints: [Int]) {
        let whole = base.image
        self.base = base
        self.channels = channels
        self.timepoints = timepoints
        var image = whole
        image.channelCount = channels.count
        image.timepointCount = timepoints.count
        if whole.channelNames.count == whole.channelCount {
            image.channelNames = channels.map { whole.channelNames[$0] }
        }
        if let acquisition = whole.acquisition, acquisition.channels.count == whole.channelCount {
            image.acquisition?.channels = channels.map { acquisition.channels[$0] }
        }
        image.annotations = whole.annotations.selecting(channels: channels, timepoints: timepoints, of: whole)
        if timepoints != Array(0..<whole.timepointCount) {
            image.timeInterval = Self.step(timepoints).flatMap { step in whole.timeInterval.map { Double(step) * $0 } }
        }
        self.image = image
    }

    /// The distance between neighbors where it is the same for all and goes forward, or nil.
    private static func step(_ indices: [Int]) -> Int? {
        guard indices.count > 1 else { return nil }
        let steps = Set(zip(indices, indices.dropFirst()).map { $1 - $0 })
        return steps.count == 1 ? steps.first.flatMap { $0 > 0 ? $0 : nil } : nil
    }

    /// The other source's name of the volume.
    package func volumeName(channel: Int, timepoint: Int) -> String? {
        base.volumeName(channel: channels[channel], timepoint: timepoints[timepoint])
    }

    /// That of the other source.
    package var identity: String? { file?.identity }

    /// Those of the other source.
    package var readingDiagnostics: [Diagnostic] { file?.readingDiagnostics ?? [] }

    /// Whether it would be part of the other source.
    package func wouldHold(_ path: String) -> Bool { file?.wouldHold(path) ?? false }

    /// The other source's, with the numbers of the channels in it.
    package func storageTemplate(for image: ImageDescription) -> ZarrOutputContent {
        var content = file?.storageTemplate(for: image) ?? ZarrOutputContent(image)
        content.channels = channels
        return content
    }

    /// The other source's.
    package func readingMemory(of part: VolumeShape) -> ReadingMemory {
        file?.readingMemory(of: part) ?? ReadingMemory(bufferBytes: 0)
    }

    /// Those of the other source.
    package func limitKeptBytes(_ limit: (_ now: Int) -> Int) { file?.limitKeptBytes(limit) }

    /// Those of the other source that are read.
    package func surveyChunks(
        channels: [Int]?,
        timepoints: [Int]?,
        withStamps: Bool
    ) throws(DeconvolutionError) -> ChunkSurvey? {
        try file?.surveyChunks(
            channels: channels?.map { self.channels[$0] } ?? self.channels,
            timepoints: timepoints?.map { self.timepoints[$0] } ?? self.timepoints,
            withStamps: withStamps
        )
    }

    /// The voxels of a box; see `VolumeSource.read`.
    package func read(
        _ region: Region,
        channel: Int,
        timepoint: Int
    ) throws(DeconvolutionError) -> VoxelData {
        try base.read(region, channel: channels[channel], timepoint: timepoints[timepoint])
    }
}
