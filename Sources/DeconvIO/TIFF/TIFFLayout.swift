import DeconvVolume

/// What a description says about a series of pages: axes, calibration, and which page holds which plane.
struct TIFFLayout {
    /// Planes of a volume.
    var planeCount: Int
    var channelCount = 1
    var timepointCount = 1
    /// One per plane, channel fastest, then z, then time: the number of its page, or of its run of bytes where only
    /// the first page has a directory.
    var pages: [Int]
    /// Whether pages are counted among all directories of the file, as OME does, or among full-resolution ones.
    var countsAllDirectories = false
    var lengths = AxisLengths()
    /// Seconds between time points.
    var timeInterval: Double?
    var channelNames: [String] = []
    /// Width and height where the description gives them.
    var planeSize: (width: Int, height: Int)?
    /// Whether palette indices are intensities.
    var acceptsPalette = false
    /// Whether stored 16-bit values have 32768 added.
    var isSigned16BitWithOffset = false
    var diagnostics: [Diagnostic] = []

    /// Pages as one stack.
    init(planeCount: Int) {
        self.planeCount = planeCount
        pages = Array(0..<planeCount)
    }

    /// Pages in an order given by the distance between neighbours along each axis.
    init(channels: Int, planes: Int, timepoints: Int, strides: (channel: Int, plane: Int, timepoint: Int)) {
        planeCount = planes
        channelCount = channels
        timepointCount = timepoints
        pages = []
        pages.reserveCapacity(channels * planes * timepoints)
        for timepoint in 0..<timepoints {
            for plane in 0..<planes {
                for channel in 0..<channels {
                    pages.append(
                        channel * strides.channel + plane * strides.plane + timepoint * strides.timepoint
                    )
                }
            }
        }
    }

    /// The entry of `pages` for one plane.
    func page(channel: Int, z: Int, timepoint: Int) -> Int {
        pages[(timepoint * planeCount + z) * channelCount + channel]
    }
}

extension Int {
    /// The product of numbers that are at least 1, or nil where it does not fit.
    static func product(_ factors: [Int]) -> Int? {
        var product = 1
        for factor in factors {
            let (next, overflow) = product.multipliedReportingOverflow(by: factor)
            if overflow { return nil }
            product = next
        }
        return product
    }
}
