import DeconvVolume

/// What a description says about a series of pages: axes, calibration, and which page holds which plane.
struct TIFFLayout {
    /// Planes of a volume.
    var planeCount: Int
    var channelCount: Int
    var timepointCount: Int
    /// Which page holds which plane.
    private var order: Order
    /// What pages are counted by, the slowest first, where the order is that of a list.
    private var listedOrder: [Character] = ["t", "z", "c"]
    /// Whether pages are counted among all directories of the file, as OME does, or among full-resolution ones.
    var countsAllDirectories = false
    /// Planes that every page holds one after the other, as LSM has its channels; pages are then counted by these.
    var samplesPerPage = 1
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
    /// Whether only 0 and all else are told apart.
    var isMask = false
    /// Whether stored 16-bit values have 32768 added.
    var isSigned16BitWithOffset = false
    /// Whether nobody says what the pages are counted by.
    var isAssumed = false
    /// What a person said that the axes are; nil where nobody did.
    var statedAxes: String?
    /// The number of the image, from 0, in a file of several.
    var imageNumber: Int?
    var diagnostics: [Diagnostic] = []

    private enum Order {
        /// Distance between the pages of neighbours along each axis. Nothing is listed: the counts may be lies.
        case strides(channel: Int, plane: Int, timepoint: Int)
        /// One per plane, channel fastest, then z, then time.
        case listed([Int])
    }

    /// Pages of which nobody says what they are, as one stack.
    init(planeCount: Int) {
        self.init(channels: 1, planes: planeCount, timepoints: 1, strides: (channel: 0, plane: 1, timepoint: 0))
        isAssumed = true
    }

    /// Pages in an order given by the distance between neighbours along each axis; the product of the extents fits `Int`.
    init(channels: Int, planes: Int, timepoints: Int, strides: (channel: Int, plane: Int, timepoint: Int)) {
        planeCount = planes
        channelCount = channels
        timepointCount = timepoints
        order = .strides(channel: strides.channel, plane: strides.plane, timepoint: strides.timepoint)
    }

    /// Pages one by one, channel fastest, then z, then time.
    /// - Parameter storedOrder: letters of the axes in the order in which the file counts its pages, the slowest first.
    init(channels: Int, planes: Int, timepoints: Int, pages: [Int], storedOrder: [Character] = ["t", "z", "c"]) {
        planeCount = planes
        channelCount = channels
        timepointCount = timepoints
        order = .listed(pages)
        listedOrder = storedOrder
    }

    /// Pages in the order in which they follow each other.
    /// - Parameters:
    ///   - letters: t, c and z, each at most once, the slowest first.
    ///   - sizes: one a letter; their product fits `Int`.
    init(letters: [Character], sizes: [Int]) {
        var (extents, strides) = (["t": 1, "c": 1, "z": 1] as [Character: Int], [:] as [Character: Int])
        var stride = 1
        for (letter, size) in zip(letters, sizes).reversed() {
            extents[letter] = size
            strides[letter] = stride
            stride *= size
        }
        self.init(
            channels: extents["c"] ?? 1,
            planes: extents["z"] ?? 1,
            timepoints: extents["t"] ?? 1,
            strides: (channel: strides["c"] ?? 0, plane: strides["z"] ?? 0, timepoint: strides["t"] ?? 0)
        )
    }

    /// What the values of pages are taken for.
    var meaning: TIFFMeaning { isMask ? .mask : acceptsPalette ? .indices : .intensities }

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

    /// The axes in the order in which the file counts its pages, the slowest first, with their sizes.
    private var storedAxes: [(letter: Character, size: Int)] {
        let sizes: [Character: Int] = ["t": timepointCount, "z": planeCount, "c": channelCount]
        switch order {
        case .strides(let channel, let plane, let timepoint):
            return [("t" as Character, timepoint), ("z", plane), ("c", channel)]
                .sorted { $0.1 > $1.1 }.map { ($0.0, sizes[$0.0] ?? 1) }
        case .listed: return listedOrder.map { ($0, sizes[$0] ?? 1) }
        }
    }

    /// The same pages, with the axes that a person says they have in place of those of the description.
    /// - Parameters:
    ///   - axes: what was said.
    ///   - name: the file, for messages.
    /// - Throws: `invalidArgument` where it does not go with the number of pages.
    func with(_ axes: StatedAxes, name: String) throws(DeconvolutionError) -> TIFFLayout {
        let stored = storedAxes
        let sizes = try axes.sizes(
            stored: stored,
            hasLetters: !isAssumed,
            pageCount: totalPlaneCount,
            name: name
        )
        let stated = TIFFLayout(letters: axes.leading.map(\.letter), sizes: sizes)
        var result = self
        (result.planeCount, result.channelCount) = (stated.planeCount, stated.channelCount)
        result.timepointCount = stated.timepointCount
        switch order {
        case .strides: result.order = stated.order
        case .listed:
            // Which page has a place in the order of the file, and then the same places counted anew.
            let pages = (0..<totalPlaneCount).map { position -> Int in
                var (rest, index) = (position, [:] as [Character: Int])
                for (letter, size) in stored.reversed() { (rest, index[letter]) = (rest / size, rest % size) }
                return page(channel: index["c"] ?? 0, z: index["z"] ?? 0, timepoint: index["t"] ?? 0)
            }
            result.order = .listed((0..<totalPlaneCount).map { pages[stated.page(ofPlane: $0)] })
        }
        if result.channelCount != channelCount {
            result.channelNames = []
            (result.annotations.channelColors, result.annotations.colorTables) = ([], [])
            result.annotations.channelMode = nil
            result.acquisition.channels = []
        }
        if result.timepointCount != timepointCount { result.timeInterval = nil }
        // Labels, times and positions are those of planes in another order.
        (result.annotations.planeLabels, result.annotations.planes) = ([], [])
        result.diagnostics.removeAll { $0.kind == .axesAssumed }
        result.statedAxes = axes.text
        return result
    }

    /// What it says of an image of planes of a size.
    func image(y: Int, x: Int, _ pixelType: PixelType) -> ImageDescription {
        var image = ImageDescription(
            shape: VolumeShape(z: planeCount, y: y, x: x),
            channelCount: channelCount,
            timepointCount: timepointCount,
            pixelType: pixelType,
            spacing: lengths.spacing(planeCount: planeCount),
            timeInterval: timeInterval,
            channelNames: channelNames,
            provenance: provenance
        )
        if image.spacing == nil { image.knownLengths = lengths.valid }
        image.annotations = annotations
        image.acquisition = acquisition.isEmpty ? nil : acquisition
        return image
    }

    /// A list of pages in place of their numbers in it.
    func with(pages: [Int]) -> TIFFLayout {
        var result = self
        if case .listed(let numbers) = order { result.order = .listed(numbers.map { pages[$0] }) }
        return result
    }
}

extension Diagnostic {
    /// Said of an acquisition that has fewer time points than its file says.
    static func stopped(_ name: String, whole: Int, of count: Int, missing: String) -> Diagnostic {
        Diagnostic(
            .planesMissing,
            "\(subject: name): has fewer planes than it says, as where an acquisition was stopped; the time points that are "
                + "whole are used",
            figures: "\(whole) of \(count) time points; the first plane that is missing is that of \(missing)"
        )
    }
}
