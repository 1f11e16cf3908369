package import DeconvIO
package import DeconvOptions
package import DeconvVolume

extension OutputOptions {
    /// A sink for an image.
    /// - Throws: `invalidArgument` for a name of no TIFF file; `cannotCreateOutput` where the target exists or its folder cannot
    ///   be written; `inputOutput` where the disk has no room for it.
    package func makeSink(path: String, image: ImageDescription) throws(DeconvolutionError) -> TIFFSink {
        let nameSays = Format(nameOf: path)
        guard nameSays != nil || Self.namesNothing(path) else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(path): its ending is not that of a TIFF file; give a name in .tif, or .ome.tif for OME-TIFF"
            )
        }
        let sink = try TIFFSink(
            path: path,
            image: image,
            pixelType: pixelType,
            format: (format ?? nameSays) == .ome ? .ome : .imageJ,
            compression: compression == .deflate ? .deflate : .none,
            overwrite: overwrite
        )
        if compression == .none {
            let voxels = image.shape.voxelCount * image.channelCount * image.timepointCount
            try DiskSpace.require(byteCount: voxels * pixelType.byteCount, for: path)
        }
        return sink
    }
}

extension OutputOptions.Format {
    /// What the name of a TIFF file says of it; nil for another name.
    init?(nameOf path: String) {
        let name = path.lowercased()
        if [".ome.tif", ".ome.tiff"].contains(where: name.hasSuffix) {
            self = .ome
        } else if [".tif", ".tiff"].contains(where: name.hasSuffix) {
            self = .imageJ
        } else {
            return nil
        }
    }
}

extension OutputOptions.Format {
    /// Whether a path is named as a TIFF file.
    static func isFile(_ path: String) -> Bool { OutputOptions.Format(nameOf: path) != nil }
}

extension OutputOptions {
    /// Whether a path names no file, which is told where files are made.
    package static func namesNothing(_ path: String) -> Bool { path.isEmpty || path.hasSuffix("/") }

    /// The options of a Zarr result.
    /// - Throws: `invalidArgument` naming the option and its value.
    func zarrOptions(isOMEByDefault: Bool) throws(DeconvolutionError) -> ZarrOutputOptions {
        guard compression == .none else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.deflate) is for TIFF files; \(.codec, "gzip") is its like in Zarr"
            )
        }
        var version: ZarrVersion?
        if let number = zarr.version {
            guard let known = ZarrVersion(rawValue: number) else {
                throw DeconvolutionError(.invalidArgument, "\(.zarrFormat, number): give 2 or 3")
            }
            version = known
        }
        return ZarrOutputOptions(
            pixelType: pixelType,
            version: version,
            chunkShape: zarr.chunkShape,
            shardShape: zarr.shardShape,
            compression: try zarr.compression(),
            ome: zarr.isOME ?? (format == .ome || isOMEByDefault),
            overwrite: overwrite
        )
    }
}

extension OutputOptions.Zarr {
    fileprivate func compression() throws(DeconvolutionError) -> ZarrOutputOptions.Compression? {
        guard let codec else { return nil }
        let parts = codec.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let level = parts.count == 2 ? Int(parts[1]) : nil
        guard let known = ZarrOutputOptions.Compression.Codec(rawValue: parts[0]), parts.count == 1 || level != nil
        else {
            let names = ZarrOutputOptions.Compression.Codec.allCases.map(\.rawValue).joined(separator: ", ")
            throw DeconvolutionError(
                .invalidArgument,
                "\(.codec, codec): give one of \(names), with a level after a colon if you like: zstd:9"
            )
        }
        return try ZarrOutputOptions.Compression(known, level: level)
    }
}

/// What a result becomes.
package enum OutputTarget {
    /// A TIFF file.
    case tiff
    /// An array or image at a path in a store, or a store of its own.
    case zarr(store: String, array: ZarrPath)

    /// Whether a path is that of a Zarr store or in one.
    package static func isZarr(_ path: String) -> Bool {
        store(among: path.split(separator: "/", omittingEmptySubsequences: false)) != nil
    }

    private static func store(among parts: [Substring]) -> Int? {
        parts.firstIndex { $0.lowercased().hasSuffix(".zarr") }
    }

    /// A path that has a folder named `….zarr` in it is one in a store; what follows that folder is a path in the store.
    /// - Throws: `invalidArgument` for a name of neither TIFF nor Zarr, where options of Zarr go with a TIFF file, or where two
    ///   paths in the store are given.
    init(_ path: String, _ options: OutputOptions) throws(DeconvolutionError) {
        guard !RemoteURL.isRemote(path) else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(path): results are not written to a server; give \(.output) a path on a disk, and copy the result then"
            )
        }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let zarr = options.zarr
        guard let store = Self.store(among: parts) else {
            guard zarr.array == nil else {
                throw DeconvolutionError(
                    .invalidArgument,
                    "\(path): \(.outputArray) puts the result into a Zarr store; give \(.output) one whose name ends "
                        + "in .zarr"
                )
            }
            guard zarr == OutputOptions.Zarr() else {
                throw DeconvolutionError(
                    .invalidArgument,
                    "\(path): options of Zarr for a TIFF file; give \(.output) a name that ends in .zarr"
                )
            }
            guard OutputOptions.Format(nameOf: path) != nil || OutputOptions.namesNothing(path) else {
                throw DeconvolutionError(
                    .invalidArgument,
                    "\(path): its ending does not say what it is to be; give \(.output) a name in .tif, .ome.tif for "
                        + "OME-TIFF, or .zarr"
                )
            }
            self = .tiff
            return
        }
        guard parts[store].count > ".zarr".count else {
            throw DeconvolutionError(.invalidArgument, "\(path): a store has no name before .zarr; give it one")
        }
        let inner = parts[(store + 1)...].joined(separator: "/")
        guard inner.isEmpty || inner == "/" || zarr.array == nil else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.outputArray, zarr.array ?? ""): \(path) names an array already; leave one of the two out"
            )
        }
        self = .zarr(
            store: parts[...store].joined(separator: "/"),
            array: try ZarrPath(zarr.array ?? inner)
        )
    }
}
