package import DeconvVolume

/// A volume source that is a file, with what its user should know about how it was understood.
package protocol ImageFileSource: VolumeSource {
    /// What was assumed, left out or ignored; empty for a file that says everything.
    var diagnostics: [Diagnostic] { get }

    /// Every file or folder that it is read from.
    var paths: [String] { get }

    /// What tells it from another image of that name, in words; nil where size and time of its files do.
    var identity: String? { get }

    /// What reading has found that nobody could know before; empty for files whose parts are all there.
    var readingDiagnostics: [Diagnostic] { get }

    /// What the axes of the stored array mean, one letter each as in `--axes`; nil where the format says it.
    var axes: String? { get }

    /// The number of the image, from 0, in a file of several; nil elsewhere.
    var imageNumber: Int? { get }

    /// How many axes of what is stored are counted through as time.
    var timeAxisCount: Int { get }

    /// Whether a new file of that name would be part of it when it is opened next.
    func wouldHold(_ path: String) -> Bool

    /// What a Zarr result that is stored as this image is made from.
    /// - Parameter image: of the result: as this one, but for the numbers of channels and time points.
    func storageTemplate(for image: ImageDescription) -> ZarrOutputContent

    /// What reading parts of a shape takes in memory beside their voxels.
    /// - Parameter part: a whole volume, or less of it.
    func readingMemory(of part: VolumeShape) -> ReadingMemory

    /// Changes the most bytes of decoded chunks that are kept between reads, where any are.
    /// - Parameter limit: gives it from what it is now.
    func limitKeptBytes(_ limit: (_ now: Int) -> Int)

    /// Looks which files there are of the chunks that volumes are read from; nil for what is one file or a series of them.
    /// - Parameters:
    ///   - channels: those of these volumes; nil for all.
    ///   - timepoints: the same.
    ///   - withStamps: whether to look how long they are and when they were written, too.
    /// - Throws: `invalidData` where none of the array's chunks is there and others are, with names that its metadata do not say;
    ///   `inputOutput` where a folder may not be listed.
    func surveyChunks(
        channels: [Int]?,
        timepoints: [Int]?,
        withStamps: Bool
    ) throws(DeconvolutionError) -> ChunkSurvey?
}

extension ImageFileSource {
    package var paths: [String] { [name] }

    package var identity: String? { nil }

    package var readingDiagnostics: [Diagnostic] { [] }

    package var axes: String? { nil }

    package var imageNumber: Int? { nil }

    package var timeAxisCount: Int { 1 }

    package func wouldHold(_ path: String) -> Bool { false }

    package func storageTemplate(for image: ImageDescription) -> ZarrOutputContent { ZarrOutputContent(image) }

    /// For stacks that are decoded plane by plane: a chunk, which is no larger than a plane, in the file and decoded, and a plane
    /// as it is stored.
    package func readingMemory(of part: VolumeShape) -> ReadingMemory {
        ReadingMemory(bufferBytes: 3 * image.shape.planeVoxelCount * image.pixelType.byteCount)
    }

    package func limitKeptBytes(_ limit: (_ now: Int) -> Int) {}

    package func surveyChunks(
        channels: [Int]?,
        timepoints: [Int]?,
        withStamps: Bool
    ) throws(DeconvolutionError) -> ChunkSurvey? { nil }

    /// The same for all that is read of it.
    package func surveyChunks(withStamps: Bool = false) throws(DeconvolutionError) -> ChunkSurvey? {
        try surveyChunks(channels: nil, timepoints: nil, withStamps: withStamps)
    }
}
