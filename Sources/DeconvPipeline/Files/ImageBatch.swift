package import DeconvIO
import DeconvMethods
package import DeconvOptions
package import DeconvVolume
import Foundation
package import Logging

/// Many images of their own, one after the other, each with a result in one folder.
///
/// What one of them sets up is kept for the next: devices, FFT plans and prepared PSFs. One that fails is told and left out. A result
/// that is there already, of the same files as they are now and the same options, is not made again, so that the same command goes on
/// after an interruption. Several files of one image are deconvolved once.
package struct ImageBatch: Sendable {
    /// An image, and where its result goes.
    package struct Entry: Sendable, Hashable {
        /// The image's path.
        package let input: String
        /// The path of its result.
        package let output: String
    }

    /// The images, in natural order of their names.
    package let entries: [Entry]
    private let folder: String
    private let psfPaths: [String]
    /// PSFs, mask and flat field.
    private let sharedPaths: [String]
    private let options: JobOptions

    /// Finds the images.
    /// - Parameters:
    ///   - inputs: a folder, in which TIFF files and Zarr stores are images, a pattern, or one image.
    ///   - folder: where results go, each by the name of its image; made if it is not there.
    ///   - psfPaths: as for `FileDeconvolution`: those of every image.
    ///   - options: for every image.
    /// - Throws: `invalidArgument` naming an option that is for one image; `inputNotFound` where there is no image;
    ///   `cannotCreateOutput` where two results would have one name, or one would replace an input.
    package init(
        inputs: String,
        folder: String,
        psfPaths: [String],
        options: JobOptions
    ) throws(DeconvolutionError) {
        try OptionTable.standard.validate(options)
        for option in [OptionName.uncertainty, .writeMask, .outputArray, .view, .viewPSF, .viewBackground]
        where options.given.contains(option) {
            throw DeconvolutionError(
                .invalidArgument,
                "\(option) is for one image, and \(.each) for many; leave one of them out"
            )
        }
        guard !folder.isEmpty else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.output) names no folder; give one for the results of \(.each)"
            )
        }
        guard !OutputOptions.Format.isFile(folder), !OutputTarget.isZarr(folder) else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(folder): is the name of one result, and \(.each) makes one of every image; give \(.output) a folder"
            )
        }
        let paths = try Self.images(inputs)
        let start = folder.hasSuffix("/") ? folder : folder + "/"
        entries = paths.map { path in
            Entry(input: path, output: start + Self.resultName(path, options.output.format))
        }
        var owners: [String: String] = [:]
        for entry in entries {
            if let other = owners.updateValue(entry.input, forKey: entry.output) {
                throw DeconvolutionError(
                    .cannotCreateOutput,
                    "\(entry.output.inMessage): would be the result of \(other.inMessage) and of \(entry.input.inMessage); give "
                        + "them names that differ before their endings"
                )
            }
        }
        var others: [String] = []
        for path in options.psfFiles ?? psfPaths { others += try PathPattern.expand(path) }
        for map in [options.mask, options.flatField] {
            if let map, map != JobOptions.foundMask { others.append(map) }
        }
        sharedPaths = others
        (self.folder, self.psfPaths, self.options) = (folder, psfPaths, options)
        for entry in entries { try OutputPaths.check([entry.output], against: paths + others) }
    }

    /// The images that a path stands for.
    private static func images(_ inputs: String) throws(DeconvolutionError) -> [String] {
        var status = stat()
        let isFolder = stat(inputs, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
        guard isFolder, !OutputTarget.isZarr(inputs) else { return try PathPattern.expand(inputs) }
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: inputs) else {
            throw DeconvolutionError(.inputNotFound, "\(inputs.inMessage): may not be read; check its permissions")
        }
        let start = inputs.hasSuffix("/") ? inputs : inputs + "/"
        let images = names.filter { name in
            !name.hasPrefix(".") && Self.endings.contains(where: name.lowercased().hasSuffix)
        }
        guard !images.isEmpty else {
            throw DeconvolutionError(
                .inputNotFound,
                "\(inputs.inMessage): has no TIFF files, Zarr stores or the like in it; name a folder of images, or a pattern"
            )
        }
        return images.sorted(by: NaturalOrder.precedes).map { start + $0 }
    }

    /// What names of images end in; of one that has several the longest comes first.
    private static let endings = [
        ".ome.tiff", ".ome.tif", ".tiff", ".tif", ".zarr.zip", ".zarr", ".ozx", ".lsm", ".dv", ".r3d", ".mrc", ".ics",
    ]

    /// The name of an image's result: a store for a store, OME-TIFF for OME-TIFF and where somebody asks for it, else TIFF.
    private static func resultName(_ path: String, _ format: OutputOptions.Format?) -> String {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let ending = endings.first(where: name.lowercased().hasSuffix) ?? ""
        let stem = String(name.dropLast(ending.count))
        switch ending {
        case ".zarr", ".zarr.zip": return stem + ".zarr"
        case ".ozx": return stem + ".ome.zarr"
        case ".ome.tif", ".ome.tiff": return stem + ".ome.tif"
        default: return stem + (format == .ome ? ".ome.tif" : ".tif")
        }
    }

    /// Refuses other outputs that would replace an input or a result.
    /// - Throws: `cannotCreateOutput` naming the output.
    package func check(outputs: [String]) throws(DeconvolutionError) {
        let inputs = entries.map(\.input) + sharedPaths
        for entry in entries { try OutputPaths.check(outputs + [entry.output], against: []) }
        try OutputPaths.check(outputs, against: inputs)
    }

    /// Does the work.
    /// - Parameters:
    ///   - progress: as for `FileDeconvolution.run`, with the number of the image.
    ///   - told: called after each image.
    /// - Returns: what became of every image.
    /// - Throws: `cancelled`, `cannotCreateOutput` where the folder cannot be made, and what opening the PSFs throws; what is wrong
    ///   with one image is told in its outcome.
    package func run(
        cancellation: Cancellation = Cancellation(),
        logger: Logger = Logger(label: "gpudeconv"),
        progress: @escaping @Sendable (DeconvolutionProgress) -> Void = { _ in },
        told: (BatchReport.Image) -> Void = { _ in }
    ) throws(DeconvolutionError) -> BatchReport {
        let start = ContinuousClock().now
        // What is wrong with them is wrong for every image.
        for path in sharedPaths {
            _ = try ImageFile.open(path: path, options: ImageFileOptions(isMask: path == options.mask))
        }
        try makeFolder()
        let session = DeconvolutionSession()
        var journal = BatchJournal(folder: folder)
        var report = BatchReport()
        // Files of an image that an earlier one of the batch is of, too.
        var owners: [String: String] = [:]
        for (number, entry) in entries.enumerated() {
            let outcome: BatchReport.Outcome
            if let owner = owners[FileRecord.absolute(entry.input)] {
                outcome = .partOf(owner)
            } else {
                do throws(DeconvolutionError) {
                    try cancellation.check()
                    outcome = try self.outcome(of: entry, in: session, &journal, &owners, cancellation, logger) {
                        state in
                        var state = state
                        (state.image, state.imageCount) = (number + 1, entries.count)
                        progress(state)
                    }
                } catch {
                    guard error.code == .cancelled else { throw error }
                    throw DeconvolutionError(
                        .cancelled,
                        "interrupted at image \(number + 1) of \(entries.count); those before it are done, and the same command goes on"
                    )
                }
            }
            let image = BatchReport.Image(entry, outcome)
            report.images.append(image)
            told(image)
        }
        report.seconds = (ContinuousClock().now - start).inSeconds
        return report
    }

    private func outcome(
        of entry: Entry,
        in session: DeconvolutionSession,
        _ journal: inout BatchJournal,
        _ owners: inout [String: String],
        _ cancellation: Cancellation,
        _ logger: Logger,
        _ progress: @escaping @Sendable (DeconvolutionProgress) -> Void
    ) throws(DeconvolutionError) -> BatchReport.Outcome {
        do throws(DeconvolutionError) {
            let deconvolution = try FileDeconvolution(input: entry.input, psfPaths: psfPaths, options: options)
            for path in deconvolution.imagePaths { owners[FileRecord.absolute(path)] = entry.input }
            let job = try deconvolution.identity()
            if !options.output.overwrite, journal.holds(entry.output, madeOf: job) { return .there }
            let report = try deconvolution.run(
                output: entry.output,
                in: session,
                cancellation: cancellation,
                logger: logger,
                progress: progress
            )
            try journal.note(entry.output, madeOf: job)
            return .done(report)
        } catch {
            if error.code == .cancelled { throw error }
            return .failed(error)
        }
    }

    private func makeFolder() throws(DeconvolutionError) {
        do { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
            throw DeconvolutionError(
                .cannotCreateOutput,
                "\(folder.inMessage): is no folder and cannot be made one; choose another one for the results"
            )
        }
    }
}
