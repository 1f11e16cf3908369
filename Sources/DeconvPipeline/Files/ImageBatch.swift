package import DeconvIO
import DeconvMethods
package import DeconvOptions
package import DeconvVolume
import Foundation
package import Logging

/// Many images of their own, one after the other, each with a result in one folder.
///
/// What one of them sets up is kept for the next: devices, FFT plans and prepared PSFs. One that fails is told and left out. A result
/// that is there already, of the same image, PSFs and options, is not made again, so that the same command goes on after an
/// interruption.
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
        for option in [OptionName.uncertainty, .writeMask, .outputArray, .view] where options.given.contains(option) {
            throw DeconvolutionError(
                .invalidArgument,
                "\(option) is for one image, and \(.each) for many; leave one of them out"
            )
        }
        guard !OutputOptions.Format.isFile(folder), !OutputTarget.isZarr(folder) else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(folder): is the name of one result, and \(.each) makes one of every image; give \(.output) a folder"
            )
        }
        let paths = try Self.images(inputs)
        let start = folder.isEmpty ? "" : folder.hasSuffix("/") ? folder : folder + "/"
        entries = paths.map { path in
            Entry(input: path, output: start + Self.resultName(path, options.output.format))
        }
        let outputs = entries.map(\.output)
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
        let inputPaths = paths + psfPaths + [options.mask, options.flatField].compactMap(\.self)
        for output in outputs { try OutputPaths.check([output], against: inputPaths) }
        (self.folder, self.psfPaths, self.options) = (folder, psfPaths, options)
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
            !name.hasPrefix(".") && (OutputOptions.Format.isFile(name) || OutputTarget.isZarr(name))
        }
        guard !images.isEmpty else {
            throw DeconvolutionError(
                .inputNotFound,
                "\(inputs.inMessage): has no TIFF files and no Zarr stores in it; name a folder of images, or a pattern"
            )
        }
        return images.sorted(by: NaturalOrder.precedes).map { start + $0 }
    }

    /// The name of an image's result: a store for a store, OME-TIFF for OME-TIFF and where somebody asks for it, else TIFF.
    private static func resultName(_ path: String, _ format: OutputOptions.Format?) -> String {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        if OutputTarget.isZarr(name) { return name }
        let isOME = OutputOptions.Format(nameOf: name) == .ome
        var stem = name
        for ending in [".ome.tiff", ".ome.tif", ".tiff", ".tif"] where stem.lowercased().hasSuffix(ending) {
            stem = String(stem.dropLast(ending.count))
            break
        }
        return stem + (isOME || format == .ome ? ".ome.tif" : ".tif")
    }

    /// Refuses other outputs that would replace an input or a result.
    /// - Throws: `cannotCreateOutput` naming the output.
    package func check(outputs: [String]) throws(DeconvolutionError) {
        let inputs = entries.map(\.input) + psfPaths
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
        for path in options.psfFiles ?? psfPaths {
            for file in try PathPattern.expand(path) { _ = try ImageFile.open(path: file) }
        }
        try makeFolder()
        let session = DeconvolutionSession()
        var report = BatchReport()
        for (number, entry) in entries.enumerated() {
            try cancellation.check()
            let image = BatchReport.Image(
                entry,
                try outcome(of: entry, in: session, cancellation, logger) { state in
                    var state = state
                    (state.image, state.imageCount) = (number + 1, entries.count)
                    progress(state)
                }
            )
            report.images.append(image)
            told(image)
        }
        report.seconds = (ContinuousClock().now - start).inSeconds
        return report
    }

    private func outcome(
        of entry: Entry,
        in session: DeconvolutionSession,
        _ cancellation: Cancellation,
        _ logger: Logger,
        _ progress: @escaping @Sendable (DeconvolutionProgress) -> Void
    ) throws(DeconvolutionError) -> BatchReport.Outcome {
        do throws(DeconvolutionError) {
            let deconvolution = try FileDeconvolution(input: entry.input, psfPaths: psfPaths, options: options)
            if !options.output.overwrite, deconvolution.isMade(at: entry.output) { return .there }
            return .done(
                try deconvolution.run(
                    output: entry.output,
                    in: session,
                    cancellation: cancellation,
                    logger: logger,
                    progress: progress
                )
            )
        } catch {
            if error.code == .cancelled { throw error }
            return .failed(error)
        }
    }

    private func makeFolder() throws(DeconvolutionError) {
        guard !folder.isEmpty else { return }
        do { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
            throw DeconvolutionError(
                .cannotCreateOutput,
                "\(folder.inMessage): is no folder and cannot be made one; choose another one for the results"
            )
        }
    }
}
