import DeconvVolume

/// What a description says about a series of pages: axes, calibration, and which page holds which plane.
struct TIFFLayout {
    /// Planes of a volume.
    var planeCount: Int
    var channelCount: Int
    var timepointCount: Int
    /// Which page holds which plane.
    private var order: Order
    /// Whether pages are counted among all directories of the file, as OME does, or among full-resolution ones.
    var countsAllDirectories = false
    var lengths = AxisLengths()
    /// Seconds between time points.
    var timeInterval: Double?
    var channelNames: [String] = []
    /// What else is said, for results to keep.
    var annotations = ImageAnnotations()
    /// How the image came about, where this program wrote it.
    var provenance: Provenance?
    /// What is said of the microscope.
    var acquisition = AcquisitionMetadata()
    /// Width and height where the description gives them.
    var planeSize: (width: Int, height: Int)?
    /// Whether palette indices are intensities.
    var acceptsPalette = false
    /// Whether stored 16-bit values have 32768 added.
    var isSigned16BitWithOffset = false
    var diagnostics: [Diagnostic] = []

    private enum Order {
        /// Distance between the pages of neighbours along each axis. Nothing is listed: the counts may be lies.
        case strides(channel: Int, plane: Int, timepoint: Int)
        /// One per plane, channel fastest, then z, then time.
        case listed([Int])
    }

    /// Pages as one stack.
    init(planeCount: Int) {
        self.init(channels: 1, planes: planeCount, timepoints: 1, strides: (channel: 0, plane: 1, timepoint: 0))
    }

    /// Pages in an order given by the distance between neighbours along each axis; the product of the extents fits `Int`.
    init(channels: Int, planes: Int, timepoints: Int, strides: (channel: Int, plane: Int, timepoint: Int)) {
        planeCount = planes
        channelCount = channels
        timepointCount = timepoints
        order = .strides(channel: strides.channel, plane: strides.plane, timepoint: strides.timepoint)
    }

    /// Pages one by one, channel fastest, then z, then time.
    init(channels: Int, planes: Int, timepoints: Int, pages: [Int]) {
        planeCount = planes
        channelCount = channels
        timepointCount = timepoints
        order = .listed(pages)
    }

    /// Number of planes of all channels and time points.
    var totalPlaneCount: Int { planeCount * channelCount * timepointCount }

    /// The page of one plane, or the number of its run of bytes where only the first page has a directory.
    func page(channel: Int, z: Int, timepoint: Int) -> Int {
        switch order {
        case .strides(let perChannel, let perPlane, let perTimepoint):
            channel * perChannel + z * perPlane + timepoint * perTimepoint
        case .listed(let pages): pages[(timepoint * planeCount + z) * channelCount + channel]
        }
    }

    /// The page of a plane counted with the channel fastest, then z, then time.
    func page(ofPlane plane: Int) -> Int {
        page(
            channel: plane % channelCount,
            z: plane / channelCount % planeCount,
            timepoint: plane / channelCount / planeCount
        )
    }
}
