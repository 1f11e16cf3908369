/// What a file or array holds, in the words of the field.
public struct ImageDescription: Hashable, Sendable {
    /// Voxels per axis of one volume; a 2D image has one plane.
    public var shape: VolumeShape
    /// Number of channels, at least 1.
    public var channelCount: Int
    /// Number of time points, at least 1.
    public var timepointCount: Int
    /// How the voxels are stored.
    public var pixelType: PixelType
    /// Size of a voxel, or nil where the file does not say.
    public var spacing: VoxelSpacing?
    /// Where `spacing` is nil, the distances that the file says nonetheless.
    package var knownLengths = AxisLengths()
    /// Seconds between time points, or nil where the file does not say.
    public var timeInterval: Double?
    /// One name a channel, or empty where the file does not say.
    public var channelNames: [String]
    /// How it came about, where it is a result of this program.
    public var provenance: Provenance?
    /// What the file says of the microscope; nil where it says nothing.
    public var acquisition: AcquisitionMetadata?
    /// What else the file says, for results to keep.
    package var annotations = ImageAnnotations()

    /// A description; everything beyond shape and type has the value of a plain volume.
    public init(
        shape: VolumeShape,
        channelCount: Int = 1,
        timepointCount: Int = 1,
        pixelType: PixelType,
        spacing: VoxelSpacing? = nil,
        timeInterval: Double? = nil,
        channelNames: [String] = [],
        provenance: Provenance? = nil
    ) {
        self.shape = shape
        self.channelCount = channelCount
        self.timepointCount = timepointCount
        self.pixelType = pixelType
        self.spacing = spacing
        self.timeInterval = timeInterval
        self.channelNames = channelNames
        self.provenance = provenance
    }
}

extension ImageDescription {
    /// The size of a voxel as far as it is known.
    package var lengths: AxisLengths { spacing.map(AxisLengths.init) ?? knownLengths }
}

/// Where volumes come from: a file or an array.
public protocol VolumeSource: Sendable {
    /// What a message calls it: the path of a file, or "the image".
    var name: String { get }

    /// Axes, type and spacing.
    var image: ImageDescription { get }

    /// Whether reading a voxel twice costs as little as keeping it; false unless it says so.
    var isInMemory: Bool { get }

    /// What a message calls one of its volumes, in the numbers of the file: `channel 1, time point 12`; nil where the file
    /// has one only.
    func volumeName(channel: Int, timepoint: Int) -> String?

    /// The voxels of a box inside one volume.
    /// - Parameters:
    ///   - region: inside `image.shape`.
    ///   - channel: 0 ..< `image.channelCount`.
    ///   - timepoint: 0 ..< `image.timepointCount`.
    /// - Returns: `region.shape.voxelCount` voxels, in memory as `image.pixelType.inMemory`.
    /// - Throws: `DeconvolutionError` (`invalidData`, `inputOutput`) that names the source and the plane.
    func read(_ region: Region, channel: Int, timepoint: Int) throws(DeconvolutionError) -> VoxelData
}

extension VolumeSource {
    /// A source reads files unless it says so.
    public var isInMemory: Bool { false }

    /// Channel and time point as they are given; nil where there is one volume only.
    public func volumeName(channel: Int, timepoint: Int) -> String? {
        image.channelCount * image.timepointCount == 1 ? nil : "channel \(channel), time point \(timepoint)"
    }

    /// What a message calls one volume of this source: `cell.tif, channel 1, time point 12`.
    package func name(channel: Int, timepoint: Int) -> String {
        volumeName(channel: channel, timepoint: timepoint).map { "\(name), \($0)" } ?? name
    }

    /// One whole volume.
    public func readVolume(channel: Int = 0, timepoint: Int = 0) throws(DeconvolutionError) -> VoxelData {
        try read(Region(image.shape), channel: channel, timepoint: timepoint)
    }
}

/// Where finished planes go: a file or an array.
///
/// Planes arrive one at a time with the channel fastest, then z, then the time point: the order of an
/// ImageJ hyperstack, and of OME's `XYCZT`. Nothing is visible at the target before `finish` returns.
public protocol VolumeSink: AnyObject {
    /// Takes the next plane.
    /// - Parameter plane: `shape.planeVoxelCount` values, x fastest.
    /// - Throws: `DeconvolutionError` (`inputOutput`) that names the target.
    func append(_ plane: UnsafeBufferPointer<Float>) throws(DeconvolutionError)

    /// Makes the result visible, once every plane has come.
    /// - Throws: `DeconvolutionError` (`inputOutput`, `cannotCreateOutput`) that names the target.
    func finish() throws(DeconvolutionError)
}
