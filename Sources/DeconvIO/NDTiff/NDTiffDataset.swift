import DeconvVolume
import Foundation

/// A data set of Micro-Manager and Pycro-Manager: a folder with TIFF files and `NDTiff.index`, which says for each plane its axes and
/// where it is.
///
/// An entry of the index is the length of a text, the text (JSON such as `{"z": 3, "channel": "GFP"}`), the length of the file's
/// name, the name, and eight numbers of 32 bits, of which the first is where the voxels start: NDTiff's specification, version 3.
struct NDTiffDataset {
    private static let indexName = "NDTiff.index"

    /// A plane of the index.
    private struct Entry {
        var axes: [String: FileCounters.Value]
        var fileName: String
        var offset: UInt64
    }

    private let folder: String
    private let entries: [Entry]

    /// The data set of a folder, or nil where there is no index.
    /// - Throws: `invalidData` where the index is damaged.
    init?(folder: String) throws(DeconvolutionError) {
        let path = (folder as NSString).appendingPathComponent(Self.indexName)
        guard access(path, F_OK) == 0 else { return nil }
        let file = try FileBytes(path: path)
        let bytes = try file.bytes(at: 0, count: file.byteCount)
        var position = 0
        func damaged() -> DeconvolutionError {
            file.invalid("is damaged at byte \(position) of \(bytes.count); copy the data set again from its source")
        }
        func integer(at offset: Int) -> Int? {
            guard offset <= bytes.count - 4 else { return nil }
            return Int(bytes[offset..<offset + 4].reversed().reduce(0 as UInt32) { $0 << 8 | UInt32($1) })
        }
        func text() throws(DeconvolutionError) -> String {
            guard let length = integer(at: position), length <= bytes.count - position - 4 else { throw damaged() }
            defer { position += 4 + length }
            return String(decoding: bytes[position + 4..<position + 4 + length], as: UTF8.self)
        }
        var entries: [[String: FileCounters.Value]: Entry] = [:]
        var order: [[String: FileCounters.Value]] = []
        // Where an acquisition was stopped the index ends in zeros.
        while let length = integer(at: position), length > 0 {
            guard let axes = try Self.axes(text()) else { throw damaged() }
            let fileName = try text()
            guard let offset = integer(at: position), position <= bytes.count - 32 else { throw damaged() }
            position += 32
            // A plane that was recorded again replaces the first one.
            if entries.updateValue(Entry(axes: axes, fileName: fileName, offset: UInt64(offset)), forKey: axes) == nil {
                order.append(axes)
            }
        }
        guard !entries.isEmpty else { throw file.invalid("names no plane; the data set is empty") }
        self.folder = folder
        self.entries = order.compactMap { entries[$0] }
    }

    private static func axes(_ text: String) -> [String: FileCounters.Value]? {
        guard let object = (try? JSONValue(parsing: Array(text.utf8)))?.object else { return nil }
        var axes: [String: FileCounters.Value] = [:]
        for (key, value) in object {
            if let number: Int = value.integer() {
                axes[key] = .number(number)
            } else if let name = value.string {
                axes[key] = .name(name)
            } else {
                return nil
            }
        }
        return axes
    }

    /// Opens the data set, or the position of it that the options name.
    /// - Throws: `invalidData` where it has axes beside time, position, channel and z, or files are damaged; `invalidArgument`
    ///   where the options do not go with it; `inputNotFound` where a file is missing.
    func open(_ options: ImageFileOptions) throws(DeconvolutionError) -> PlaneSetSource {
        var (chosen, positions) = (entries, Set(entries.compactMap { $0.axes["position"] }).sorted())
        if positions.count > 1 || options.array != nil {
            let number = try position(options.array, of: positions)
            chosen = entries.filter { $0.axes["position"] == positions[number] }
            positions = [positions[number]]
        }
        let known: [String: FileCounters.Axis] = ["z": .plane, "channel": .channel, "time": .timepoint]
        for axis in Set(chosen.flatMap(\.axes.keys)).sorted() where known[axis] == nil {
            let count = Set(chosen.map { $0.axes[axis] }).count
            guard count == 1 else {
                throw DeconvolutionError(
                    .invalidData,
                    "\(folder.inMessage): has \(count) planes along its axis \(axis.shortened), which is not read; save what is to be "
                        + "deconvolved as OME-TIFF or Zarr, for example with pycromanager and tifffile"
                )
            }
        }
        let places = chosen.map { entry in
            var place: PlaneGrid.Place = [:]
            for (name, axis) in known { place[axis] = entry.axes[name] }
            return place
        }
        let grid: PlaneGrid
        do throws(DescriptionProblem) {
            grid = try PlaneGrid(places, names: chosen.map(\.fileName), mayStopAndGoOn: true)
        } catch {
            throw DeconvolutionError(.invalidData, "\(folder.inMessage): its planes \(error.message)")
        }
        let whole = grid.wholeTimepointCount
        guard whole > 0 else {
            throw DeconvolutionError(
                .invalidData,
                "\(folder.inMessage): is not whole: its first time point lacks \(grid.missing ?? "a plane"); choose what is whole "
                    + "in Micro-Manager and save it again"
            )
        }
        var layout = TIFFLayout(
            letters: ["t", "z", "c"],
            sizes: [whole, grid.planeCount, grid.channelCount]
        )
        layout.channelNames = grid.channelNames
        if whole < grid.timepointCount {
            layout.diagnostics.append(
                .stopped(folder.inMessage, whole: whole, of: grid.timepointCount, missing: grid.missing ?? "")
            )
        }
        if let skipped = grid.skippedTimepoint {
            layout.diagnostics.append(
                Diagnostic(
                    .planesMissing,
                    "\(subject: folder.inMessage): time points are left out, and those behind them follow at once",
                    figures: "the first that is missing is \(skipped)"
                )
            )
        }
        if let text = options.axes { layout = try layout.with(StatedAxes(text), name: folder) }
        let ordered = (0..<layout.totalPlaneCount).compactMap { grid.planes[layout.page(ofPlane: $0)] }
        let (paths, pages, lengths) = try pages(of: chosen)
        layout.lengths = lengths
        return try PlaneSetSource(
            pagesOf: paths,
            ordered.map { pages[$0] },
            layout: layout,
            name: folder,
            metadataPaths: [(folder as NSString).appendingPathComponent(Self.indexName)]
        )
    }

    /// The number of the position that is wanted.
    private func position(
        _ array: String?,
        of positions: [FileCounters.Value]
    ) throws(DeconvolutionError) -> Int {
        if let array, let number = positions.firstIndex(where: { $0.text == array }) { return number }
        if let array, let number = Int(array), positions.indices.contains(number) { return number }
        throw DeconvolutionError(
            .invalidArgument,
            positions.isEmpty
                ? "\(.array, (array ?? "").shortened): \(folder.inMessage) has one position; leave \(.array) out"
                : "\(folder.inMessage): has \(positions.count) positions (\(positions[0].text) to "
                    + "\(positions[positions.count - 1].text)); pick one with \(.array)"
        )
    }

    /// The files of planes, the page of each plane, and the size of a voxel as far as the first one says it.
    private func pages(
        of entries: [Entry]
    ) throws(DeconvolutionError) -> ([String], [PagePlace], AxisLengths) {
        var paths: [String] = []
        var files: [String: (number: Int, pages: [UInt64: Int])] = [:]
        var lengths = AxisLengths()
        var places: [PagePlace] = []
        for entry in entries {
            if files[entry.fileName] == nil {
                let name = entry.fileName.split(separator: "/").last.map(String.init) ?? entry.fileName
                let contents = try TIFFContents(path: (folder as NSString).appendingPathComponent(name))
                var pages: [UInt64: Int] = [:]
                for (number, link) in contents.chain.directories.enumerated() {
                    let directory = try TIFFDirectory(contents.file, contents.header, at: link.offset)
                    let offset = try directory.integer(.stripOffsets, default: 0, contents.file, contents.header)
                    pages[offset] = number
                }
                if paths.isEmpty { lengths = contents.microManagerLengths }
                files[entry.fileName] = (paths.count, pages)
                paths.append(contents.file.path)
            }
            guard let file = files[entry.fileName], let page = file.pages[entry.offset] else {
                throw DeconvolutionError(
                    .invalidData,
                    "\(folder.inMessage): its index names a plane at byte \(entry.offset) of \(entry.fileName.inMessage), where there "
                        + "is none; copy the data set again from its source"
                )
            }
            places.append(PagePlace(file: file.number, page: page))
        }
        return (paths, places, lengths)
    }
}

extension TIFFContents {
    /// What Micro-Manager says of the size of voxels: of pixels with each plane, of steps with the acquisition, whose text stands
    /// behind the header of the file.
    fileprivate var microManagerLengths: AxisLengths {
        func positive(_ value: Double?) -> Double? { value.flatMap { $0 > 0 && $0.isFinite ? $0 : nil } }
        let plane = text(.microManager).flatMap { try? JSONValue(parsing: Array($0.utf8)) }
        var summary: JSONValue?
        if let start = try? file.bytes(at: 20, count: 8), header.integer(start[0..<4]) == 2_355_492,
            let bytes = try? file.bytes(at: 28, count: header.integer(start[4..<8]))
        {
            summary = try? JSONValue(parsing: bytes)
        }
        func number(_ names: [String]) -> Double? {
            for name in names {
                if let value = positive((plane?[key: name] ?? summary?[key: name])?.double.map(abs)) { return value }
            }
            return nil
        }
        let pixel = number(["PixelSizeUm", "PixelSize_um"])
        return AxisLengths(z: number(["z-step_um", "ZStepUm"]), y: pixel, x: pixel)
    }
}
