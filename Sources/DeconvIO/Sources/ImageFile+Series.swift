import DeconvVolume

extension ImageFile {
    /// TIFF files of a folder or pattern as one image.
    ///
    /// Files of one set of OME-TIFF are that set. Stacks are time points, in their order, unless counters in their names say that
    /// they are channels. Files of a single plane are what the counters in their names say; without any they could be planes
    /// or time points, and a person has to say which.
    /// - Parameters:
    ///   - paths: in natural order.
    ///   - name: of the folder or pattern.
    static func series(
        _ paths: [String],
        name: String,
        _ options: Options
    ) throws(DeconvolutionError) -> any ImageFileSource {
        if let set = try omeSet(of: paths, name: name, options) { return set }
        if let array = options.array {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.array, array.shortened): \(name.inMessage) is a folder or pattern of TIFF files; leave \(.array) out"
            )
        }
        let files = OpenFiles(paths, options: ImageFileOptions(isMask: options.isMask))
        let entries = try files.survey()
        let arePlanes = entries.allSatisfy { $0.image.isPlane }
        let names = paths.map { OutputPath($0).name }
        if arePlanes, paths.count > 1 {
            if let text = options.axes {
                return try planes(files, entries, name, StatedAxes(text))
            }
            guard let counted = try PlaneGrid(ofFiles: names, in: name, options.offersOptions) else {
                throw ambiguous(name, paths.count, options.offersOptions)
            }
            return try self.counted(counted, files, entries, name)
        }
        if let text = options.axes {
            // Every file says the same wrong, and is overruled alike.
            _ = try StatedAxes(text)
            return try SeriesSource(OpenFiles(paths, options: options), name: name)
        }
        var doubt: Message?
        do throws(DeconvolutionError) {
            let counted = try PlaneGrid(ofFiles: names, in: name, false)
            if let counted, counted.countsPlanes {
                doubt = "they count \(counted.summary)"
            } else if let counted, counted.countsChannels, Self.areVolumesOfOneKind(entries) {
                return try self.counted(counted, files, entries, name)
            }
        } catch {
            doubt = error.line
        }
        return try SeriesSource(files, entries, name: name, doubt: paths.count > 1 ? doubt : nil)
    }

    private static func areVolumesOfOneKind(_ entries: [OpenFiles.Entry]) -> Bool {
        entries.allSatisfy { entry in
            entry.image.channelCount == 1 && entry.image.timepointCount == 1
                && entry.image.shape == entries[0].image.shape
        }
    }

    /// The set of OME-TIFF that files belong to, or nil where they are not all of one.
    private static func omeSet(
        of paths: [String],
        name: String,
        _ options: Options
    ) throws(DeconvolutionError) -> PlaneSetSource? {
        let contents = try TIFFContents(path: paths[0])
        guard let metadata = try contents.omeMetadata(),
            let set = try OMETIFFSet(paths[0], metadata, array: options.array), set.holds(paths)
        else { return nil }
        return try set.open(options, list: name)
    }

    private static func ambiguous(_ name: String, _ count: Int, _ offersAxes: Bool) -> DeconvolutionError {
        let remedy: Message =
            offersAxes ? "say which with \(.axes, "zyx") or \(.axes, "tyx")" : "save them as one stack of planes"
        return DeconvolutionError(
            .invalidArgument,
            "\(name.inMessage): \(count) files of one plane each, whose names do not count them by z or t: they could be the "
                + "planes of one stack or time points of 2D images; " + remedy
        )
    }

    /// Files of one plane in their order.
    private static func planes(
        _ files: OpenFiles,
        _ entries: [OpenFiles.Entry],
        _ name: String,
        _ axes: StatedAxes
    ) throws(DeconvolutionError) -> PlaneSetSource {
        let plain = TIFFLayout(planeCount: files.paths.count)
        var layout = try plain.with(axes, name: name)
        layout.lengths = lengths(entries)
        layout.diagnostics = OpenFiles.merged(entries.flatMap(\.diagnostics))
        return try PlaneSetSource(
            files,
            entries,
            layout: layout,
            places: (0..<layout.totalPlaneCount).map { .init(file: layout.page(ofPlane: $0), plane: 0) },
            name: name,
            isOpen: true
        )
    }

    /// Files by the counters in their names; each has a plane, or all planes of a channel.
    private static func counted(
        _ counted: PlaneGrid,
        _ files: OpenFiles,
        _ entries: [OpenFiles.Entry],
        _ name: String
    ) throws(DeconvolutionError) -> PlaneSetSource {
        let whole = counted.wholeTimepointCount
        guard whole > 0 else {
            throw DeconvolutionError(
                .invalidData,
                "\(name.inMessage): the names of its files count \(counted.summary), but none is that of "
                    + "\(counted.missing ?? "a plane"); copy the file that is missing"
            )
        }
        let inFile = entries[0].image.shape.z
        let planeCount = counted.planeCount * inFile
        var places: [PlaneSetSource.Place] = []
        for timepoint in 0..<whole {
            for z in 0..<planeCount {
                for channel in 0..<counted.channelCount {
                    let plane = timepoint * counted.planeCount + z / inFile
                    let file = counted.planes[plane * counted.channelCount + channel] ?? 0
                    places.append(.init(file: file, plane: z % inFile))
                }
            }
        }
        var layout = TIFFLayout(
            letters: ["t", "z", "c"],
            sizes: [whole, planeCount, counted.channelCount]
        )
        layout.channelNames = counted.channelNames
        layout.lengths = lengths(entries)
        layout.diagnostics = OpenFiles.merged(entries.flatMap(\.diagnostics))
        layout.diagnostics.append(
            Diagnostic(
                .axesAssumed,
                "\(subject: name.inMessage): its files are one image by the counters in their names; a pattern picks some of them",
                figures: "\(counted.summary)"
            )
        )
        if whole < counted.timepointCount {
            layout.diagnostics.append(
                .stopped(name.inMessage, whole: whole, of: counted.timepointCount, missing: counted.missing ?? "")
            )
        }
        return try PlaneSetSource(files, entries, layout: layout, places: places, name: name, isOpen: true)
    }

    /// The size of voxels as far as all files say the same.
    private static func lengths(_ entries: [OpenFiles.Entry]) -> AxisLengths {
        func same(_ length: (AxisLengths) -> Double?) -> Double? {
            let all = entries.map { length($0.lengths) }
            guard let first = all[0], all.allSatisfy({ $0.map { abs($0 - first) <= 1e-3 * first } ?? false }) else {
                return nil
            }
            return first
        }
        return AxisLengths(z: same(\.z), y: same(\.y), x: same(\.x)).valid
    }
}

extension ImageDescription {
    /// Whether it is a single plane.
    fileprivate var isPlane: Bool { shape.z == 1 && channelCount == 1 && timepointCount == 1 }
}

extension SeriesSource {
    /// Files that are looked at now.
    fileprivate convenience init(_ files: OpenFiles, name: String) throws(DeconvolutionError) {
        try self.init(files, files.survey(), name: name)
    }
}
