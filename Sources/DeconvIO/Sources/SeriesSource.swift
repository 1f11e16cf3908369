package import DeconvVolume

/// TIFF stacks, one after the other in time.
///
/// Every file's pages are looked at when the series is opened, on several threads, so that one that does not fit is an error
/// then and not after hours. Voxels are read when they are wanted. No more than a few files are open at once.
///
/// Any number of threads may read at once.
package final class SeriesSource: ImageFileSource {
    package let name: String
    package let image: ImageDescription
    package let diagnostics: [Diagnostic]
    /// The files, in the order of their time points.
    package var paths: [String] { files.paths }
    /// The first time point of each file, and behind them the number of all.
    private let starts: [Int]
    private let files: OpenFiles

    /// Stacks as one series, in the order given.
    /// - Parameters:
    ///   - paths: at least one; each may hold several time points.
    ///   - name: what messages call the series.
    ///   - isMask: as for `TIFFSource`.
    /// - Throws: as `TIFFSource.init` for any of the files; `invalidData` naming the first file that is not like the first of
    ///   all, and how it differs.
    package convenience init(paths: [String], name: String, isMask: Bool = false) throws(DeconvolutionError) {
        let files = OpenFiles(paths, options: ImageFileOptions(isMask: isMask))
        try self.init(files, files.survey(), name: name)
    }

    /// The same of files that were looked at.
    /// - Parameter doubt: why they may be no time points; nil where nothing speaks against it.
    init(
        _ files: OpenFiles,
        _ entries: [OpenFiles.Entry],
        name: String,
        doubt: Message? = nil
    ) throws(DeconvolutionError) {
        let paths = files.paths
        precondition(!paths.isEmpty, "a series has a file")
        var image = entries[0].image
        var starts = [0]
        for (number, (path, entry)) in zip(paths, entries).enumerated() {
            if let difference = Self.difference(entry.image, image) {
                throw DeconvolutionError(
                    .invalidData,
                    "\(path.inMessage): \(difference) \(paths[0].inMessage); a series is made of stacks of one kind"
                )
            }
            image.spacing = image.spacing ?? entry.image.spacing
            if entry.image.channelNames != image.channelNames { image.channelNames = [] }
            if entry.image.timeInterval != image.timeInterval { image.timeInterval = nil }
            if number > 0 { image.annotations.append(entry.image.annotations) }
            starts.append(starts[starts.count - 1] + entry.image.timepointCount)
        }
        image.timepointCount = starts[starts.count - 1]
        var diagnostics = OpenFiles.merged(entries.flatMap(\.diagnostics))
        if let doubt {
            diagnostics.append(
                Diagnostic(
                    .axesAssumed,
                    "\(subject: name.inMessage): its stacks are taken as time points in the order of their names, which seem to count "
                        + "something else; \(.each) deconvolves each by itself, and a pattern picks those of one image",
                    figures: doubt
                )
            )
        }
        let silent = entries.indices.filter { entries[$0].image.spacing == nil }
        if let first = silent.first, image.spacing != nil {
            diagnostics.append(
                Diagnostic(
                    .spacingAssumed,
                    "\(subject: paths[first].inMessage): has no voxel size; that of the other files is taken",
                    figures: OpenFiles.others(silent.count - 1)
                )
            )
        }
        self.name = name
        self.image = image
        self.diagnostics = diagnostics
        self.starts = starts
        self.files = files
    }

    /// Whether it would be one of the stacks of the folder or pattern.
    package func wouldHold(_ path: String) -> Bool { FileList.wouldHold(name, path) }

    /// The voxels of a box; see `VolumeSource.read`.
    /// - Throws: as `TIFFSource.read`; `invalidData` where a file has changed since the series was opened.
    package func read(
        _ region: Region,
        channel: Int,
        timepoint: Int
    ) throws(DeconvolutionError) -> VoxelData {
        precondition(0..<image.timepointCount ~= timepoint, "time point \(timepoint) of \(image.timepointCount)")
        let index = starts.partitioningIndex { $0 > timepoint } - 1
        let file = try files.open(index)
        guard Self.difference(file.image, image) == nil, file.image.timepointCount == starts[index + 1] - starts[index]
        else {
            throw DeconvolutionError(
                .invalidData,
                "\(paths[index].inMessage): has changed since the series was opened; run it again"
            )
        }
        return try file.read(region, channel: channel, timepoint: timepoint - starts[index])
    }

    /// Where a time point of the series is: the file, and the time point in it.
    package func place(ofTimepoint timepoint: Int) -> (path: String, timepoint: Int) {
        let index = starts.partitioningIndex { $0 > timepoint } - 1
        return (paths[index], timepoint - starts[index])
    }

    /// How a stack differs from another, such as `has 3 planes but`; nil where both belong to one series.
    private static func difference(_ image: ImageDescription, _ other: ImageDescription) -> String? {
        if image.shape != other.shape { return "is \(image.shape) voxels, not \(other.shape) as" }
        if image.pixelType != other.pixelType { return "is \(image.pixelType), not \(other.pixelType) as" }
        if image.channelCount != other.channelCount {
            return "has \(image.channelCount) channels, not \(other.channelCount) as"
        }
        if let spacing = image.spacing, let otherSpacing = other.spacing, !spacing.matches(otherSpacing) {
            return "has voxels of \(spacing), not \(otherSpacing) as"
        }
        return nil
    }
}

extension [Int] {
    /// The first position of which, in an array where it holds from there on, `predicate` holds.
    fileprivate func partitioningIndex(where predicate: (Int) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if predicate(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
