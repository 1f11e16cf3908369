package import DeconvVolume
import Foundation

/// Images by what is at a path.
package enum ImageFile {
    /// What cannot be seen from a path alone.
    package struct Options: Hashable, Sendable {
        /// The path of an array or group in a Zarr store, `--array`.
        package var array: String?
        /// What the axes of a Zarr array mean, one letter each, `--axes`.
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

    /// The image at a path.
    ///
    /// A URL is that of a Zarr store, and so is a ZIP file. Any other file is a TIFF stack, whatever its name ends in. A folder with Zarr's metadata, or in a Zarr store, is an array or group of
    /// it. A folder with TIFF stacks is a time series, and so is a pattern such as `frames/*.tif` that matches several.
    /// - Throws: `inputNotFound` where there is nothing, or it may not be read; `invalidArgument` where an option is not for this
    ///   kind of image; `invalidData` where it is empty, of another format, damaged, or holds what cannot be deconvolved, such as
    ///   color. See also `TIFFSource.init`, `ZarrSource.init` and `SeriesSource.init`.
    package static func open(
        path: String,
        options: Options = Options()
    ) throws(DeconvolutionError) -> any ImageFileSource {
        if RemoteURL.isRemote(path) { return try zarr(path, options) }
        var status = stat()
        let exists = stat(path, &status) == 0
        if exists, status.st_mode & S_IFMT == S_IFDIR {
            let isZarr = ZarrStore.hasMetadata(path.withoutTrailingSlashes)
            if !isZarr, let series = try SeriesSource(folder: path, isMask: options.isMask) {
                try refuse(options, path, "is a folder of TIFF stacks")
                return series
            }
            if try isInStore(path) { return try zarr(path, options) }
            throw DeconvolutionError(
                .inputNotFound,
                "\(path.inMessage): is a folder without TIFF files and no Zarr store; name an image file, a folder of "
                    + "stacks, or a store"
            )
        }
        if !exists {
            if PathPattern.isPattern(path) {
                let paths = try PathPattern.expand(path)
                if paths.count == 1 { return try open(path: paths[0], options: options) }
                try refuse(options, path, "is a series of TIFF stacks")
                return try SeriesSource(paths: paths, name: path, isMask: options.isMask)
            }
            let place = try ZarrStore.locate(path)
            if place != nil { return try zarr(path, options) }
        }
        let name = path.split(separator: "/").last.map(String.init) ?? path
        if exists, ZarrMetadataFile.all.contains(name) {
            throw DeconvolutionError(
                .inputNotFound,
                "\(path.inMessage): is the metadata of a Zarr store; name the folder that it is in"
            )
        }
        if exists, ZIPStorage.split(path) != nil { return try zarr(path, options) }
        let file = try TIFFSource(path: path, isMask: options.isMask)
        try refuse(options, path, "is a TIFF file")
        return file
    }

    private static func zarr(_ path: String, _ options: Options) throws(DeconvolutionError) -> ZarrSource {
        try ZarrSource(
            path: path,
            array: options.array,
            axes: options.axes,
            channelCountHint: options.channelCountHint,
            offersOptions: options.offersOptions,
            cacheByteLimit: options.cacheByteLimit,
            threadCount: options.threadCount
        )
    }

    /// Whether a folder is in a store, or a group only by what is in it.
    private static func isInStore(_ path: String) throws(DeconvolutionError) -> Bool {
        let place = try ZarrStore.locate(path)
        if place != nil { return true }
        return try !ZarrStore(path: path).nodeNames(in: .root).isEmpty
    }

    private static func refuse(_ options: Options, _ path: String, _ what: String) throws(DeconvolutionError) {
        for (name, value) in [(OptionName.array, options.array), (.axes, options.axes)] {
            guard let value else { continue }
            throw DeconvolutionError(
                .invalidArgument,
                "\(name, value.shortened): \(path.inMessage) \(what), which says itself what its axes are; leave "
                    + "\(name) out"
            )
        }
    }
}
