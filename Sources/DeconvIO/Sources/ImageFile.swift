package import DeconvVolume
import Foundation

/// Images by what is at a path.
package enum ImageFile {
    /// What cannot be seen from a path alone.
    package typealias Options = ImageFileOptions

    /// The image at a path.
    ///
    /// A URL is that of a Zarr store, and so is a ZIP file. Any other file is what its first bytes say, whatever its name ends in. A file of a set of OME-TIFF stands for the set. A folder with
    /// Zarr's metadata, or in a Zarr store, is an array or group of it, and one with NDTiff.index a data set of Micro-Manager. What a
    /// folder with TIFF files is, or a pattern such as `frames/*.tif` that matches several, `series` finds out.
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
            let folder = path.withoutTrailingSlashes
            if ZarrStore.hasMetadata(folder) { return try zarr(path, options) }
            if let dataset = try NDTiffDataset(folder: folder) { return try dataset.open(options) }
            try refuseN5(folder)
            let paths = try FileList.tiffs(inFolder: folder)
            if !paths.isEmpty { return try series(paths, name: folder, options) }
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
                return try series(paths, name: path, options)
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
        return try file(path, options)
    }

    /// The image in a file.
    private static func file(_ path: String, _ options: Options) throws(DeconvolutionError) -> any ImageFileSource {
        let bytes = try FileBytes(path: path)
        let start = try bytes.bytes(at: 0, count: min(FileSignature.byteCount, bytes.byteCount))
        let signature = FileSignature(start, OutputPath(path).name)
        switch signature {
        case .omeXML: return try OMETIFFSet(companion: path, array: options.array).open(options)
        case .mrc:
            try refuse(options, path, "is an MRC file")
            return try RawSource(mrc: bytes)
        case .ics:
            try refuse(options, path, "is an ICS file")
            return try RawSource(ics: bytes)
        case .foreign, .hdf5: throw bytes.invalid(signature.problem)
        case .tiff, .other, .unknown: break
        }
        let contents = try TIFFContents(path: path)
        let metadata = try contents.omeMetadata()
        if let metadata, let set = try OMETIFFSet(path, metadata, array: options.array) {
            return try set.open(options)
        }
        if metadata == nil, contents.chain.first.has(.microManager), options.axes == nil,
            let dataset = try NDTiffDataset(folder: OutputPath(path).folder)
        {
            return try dataset.open(options)
        }
        return try TIFFSource(contents, TIFFLayout(of: contents, ome: metadata, options))
    }

    /// Says of a folder of N5 what it is.
    private static func refuseN5(_ folder: String) throws(DeconvolutionError) {
        guard let file = try? FileBytes(path: "\(folder)/attributes.json"),
            let bytes = try? file.bytes(at: 0, count: min(file.byteCount, 1 << 20)),
            let attributes = try? JSONValue(parsing: bytes),
            attributes[key: "n5"] != nil || attributes[key: "dataType"] != nil
        else { return }
        throw DeconvolutionError(
            .invalidData,
            "\(folder.inMessage): is an N5 container, which is not read; convert it to Zarr, for example with n5-zarr in Fiji or "
                + "with bigstitcher-spark, or to OME-TIFF with bfconvert"
        )
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
