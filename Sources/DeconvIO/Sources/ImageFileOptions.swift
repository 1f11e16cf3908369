/// What cannot be seen from the path of an image alone.
package struct ImageFileOptions: Hashable, Sendable {
    /// The path of an array or group in a Zarr store, or the number or name of an image in an OME-TIFF, `--array`.
    package var array: String?
    /// What the axes of a Zarr array mean, or what the pages of a TIFF file are counted by, one letter each, `--axes`.
    package var axes: String?
    /// The number of PSFs: the first of four axes without names is the channel if it is as long, else time.
    package var channelCountHint: Int?
    /// Whether messages may tell the user to give --array and --axes: they are for the image that is deconvolved, and other
    /// files of Zarr stores are named by their path in the store.
    package var offersOptions: Bool
    /// The most bytes of decoded chunks that are kept between reads.
    package var cacheByteLimit: Int
    /// The most threads that decode for one read; nil for one a processor.
    package var threadCount: Int?
    /// Whether it is a mask, of which only 0 and all else are told apart; see `TIFFSource.init`.
    package var isMask: Bool

    /// Options; what is left out is up to the file.
    package init(
        array: String? = nil,
        axes: String? = nil,
        channelCountHint: Int? = nil,
        offersOptions: Bool = false,
        cacheByteLimit: Int = ZarrSource.defaultCacheByteLimit,
        threadCount: Int? = nil,
        isMask: Bool = false
    ) {
        self.array = array
        self.axes = axes
        self.channelCountHint = channelCountHint
        self.offersOptions = offersOptions
        self.cacheByteLimit = cacheByteLimit
        self.threadCount = threadCount
        self.isMask = isMask
    }
}
