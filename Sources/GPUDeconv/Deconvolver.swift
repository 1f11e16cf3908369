public import DeconvOptions
public import DeconvPipeline
public import DeconvVolume
import Foundation
public import Logging

/// Deconvolves volumes in memory, and image files.
///
/// ```swift
/// var options = DeconvolutionOptions()
/// options.iterationCount = 20
/// options.background = 98
/// let result = try Deconvolver(options).deconvolve(volume, psf: psf)
/// print(result.report.device.name, result.volume.voxels.count)
/// ```
///
/// A deconvolver holds no state and may be used from any thread. A run blocks its thread until it is done.
public struct Deconvolver: Sendable {
    /// What to do.
    public var options: DeconvolutionOptions
    /// Where messages for developers go; nothing is printed unless this writes to somewhere.
    public var logger: Logger

    /// A deconvolver with the given options.
    public init(
        _ options: DeconvolutionOptions = DeconvolutionOptions(),
        logger: Logger = Logger(label: "gpudeconv", factory: { _ in SwiftLogNoOpLogHandler() })
    ) {
        self.options = options
        self.logger = logger
    }

    /// A deconvolved volume and what was done to get it.
    public struct Result: Sendable {
        /// Shape and spacing of the observed image; counts per voxel, none negative.
        public var volume: Volume
        /// Device, tiles, PSF preparation, times and warnings.
        public var report: RunReport
    }

    /// Deconvolves a volume in memory.
    /// - Parameters:
    ///   - image: observed counts, z, y, x; one plane for a 2D image.
    ///   - psf: as measured, in any unit and of any size; it is prepared as the options say.
    ///   - sensitivity: flat field, and which voxels are bad; the image may hold anything there, NaN too.
    ///   - cancellation: a request to stop is seen within one iteration.
    ///   - progress: called on this thread after every iteration.
    /// - Throws: `DeconvolutionError`: `invalidArgument` for options out of range or a memory limit that is too small,
    ///   `invalidData` for NaN in the image, a PSF that is none, or a sensitivity of another shape, `deviceUnavailable`, `deviceFailed`, `outOfMemory`, and
    ///   `cancelled`.
    public func deconvolve(
        _ image: Volume,
        psf: Volume,
        sensitivity: Sensitivity = Sensitivity(),
        cancellation: Cancellation = Cancellation(),
        progress: @escaping @Sendable (DeconvolutionProgress) -> Void = { _ in }
    ) throws(DeconvolutionError) -> Result {
        try deconvolve(
            image,
            [MeasuredPSF(name: "the PSF", volume: psf, shouldHaveSpacing: false)],
            sensitivity,
            options,
            cancellation,
            progress
        )
    }

    /// Deconvolves a volume in memory whose PSF varies from place to place.
    /// - Parameters:
    ///   - image: as for `deconvolve(_:psf:sensitivity:cancellation:progress:)`; it or the options say how large its voxels are.
    ///   - psfs: each with its place, which take that of `options.psfPlaces`: some depths, or every combination of some depths, rows
    ///     and columns. Between places the PSF is a mean of its neighbors by their distance.
    ///   - sensitivity, cancellation, progress: as there.
    /// - Throws: as there, and `invalidArgument` for places that are no grid, for an image whose voxels have no size, and for a
    ///   method that takes one PSF.
    public func deconvolve(
        _ image: Volume,
        psfs: [(place: PSFPlace, psf: Volume)],
        sensitivity: Sensitivity = Sensitivity(),
        cancellation: Cancellation = Cancellation(),
        progress: @escaping @Sendable (DeconvolutionProgress) -> Void = { _ in }
    ) throws(DeconvolutionError) -> Result {
        guard !psfs.isEmpty else {
            throw DeconvolutionError(.invalidArgument, "there are no PSFs; give one for each of some places")
        }
        var options = options
        options.psfPlaces = psfs.map(\.place)
        let measured = psfs.enumerated().map { number, psf in
            MeasuredPSF(name: "PSF \(number)", volume: psf.psf, shouldHaveSpacing: false)
        }
        return try deconvolve(image, measured, sensitivity, options, cancellation, progress)
    }

    private func deconvolve(
        _ image: Volume,
        _ psfs: [MeasuredPSF],
        _ sensitivity: Sensitivity,
        _ options: DeconvolutionOptions,
        _ cancellation: Cancellation,
        _ progress: @escaping @Sendable (DeconvolutionProgress) -> Void
    ) throws(DeconvolutionError) -> Result {
        guard image.shape.voxelCount > 0 else {
            throw DeconvolutionError(.invalidData, "the image has no voxels: its shape is \(image.shape)")
        }
        let sink = ArraySink()
        let job = DeconvolutionJob(
            source: ArraySource(image),
            psfs: psfs,
            sensitivity: sensitivity,
            options: options,
            scratchFolder: FileManager.default.temporaryDirectory.path,
            cancellation: cancellation,
            logger: logger,
            progress: progress
        )
        let report = try job.run(into: sink)
        return Result(
            volume: Volume(shape: image.shape, voxels: sink.voxels, spacing: report.spacing),
            report: report
        )
    }

    /// Deconvolves the volumes of an image file: a TIFF stack, a Zarr array or image of OME-Zarr, or a folder or pattern of
    /// TIFF stacks.
    ///
    /// Where the output's name ends in `.zarr`, or is a path in such a store, the result is an array or image of a Zarr store. It is
    /// begun as `NAME.partial`; after an interruption the same call goes on with it.
    /// - Parameters:
    ///   - input: path of the image.
    ///   - selection: which array, channels and time points of it.
    ///   - psf: paths or patterns of the PSFs: one for all channels, one a channel, or one file with a channel for each; with
    ///     `options.psfPlaces` as many for each place.
    ///   - flatField: path of the relative sensitivity of the voxels; see `Sensitivity`.
    ///   - mask: path of a file that is 0 on bad voxels; see `Sensitivity`.
    ///   - view: path of a second image of the object, aligned with the first voxel by voxel; see `DeconvolutionOptions.viewBackground`.
    ///   - viewPSF: path or pattern of its PSF, which goes with it.
    ///   - output: path of the result, which appears when it is whole.
    ///   - outputOptions: how it is written.
    ///   - cancellation: a request to stop is seen within one iteration; volumes that are computed still go into a Zarr result.
    ///   - progress: called after every iteration, on threads of the run, one at a time.
    /// - Throws: as `deconvolve(_:psf:sensitivity:cancellation:progress:)`, and `inputNotFound`, `invalidData` for files that cannot be
    ///   used, `cannotCreateOutput` where the output exists, and `inputOutput` where the disk is full.
    public func deconvolve(
        file input: String,
        selection: InputSelection = InputSelection(),
        psf: [String],
        flatField: String? = nil,
        mask: String? = nil,
        view: String? = nil,
        viewPSF: String? = nil,
        to output: String,
        outputOptions: OutputOptions = OutputOptions(),
        cancellation: Cancellation = Cancellation(),
        progress: @escaping @Sendable (DeconvolutionProgress) -> Void = { _ in }
    ) throws(DeconvolutionError) -> RunReport {
        try FileDeconvolution(
            input: input,
            psfPaths: psf,
            options: JobOptions(
                options,
                selection: selection,
                flatField: flatField,
                mask: mask,
                view: view,
                viewPSF: viewPSF,
                output: outputOptions
            )
        ).run(
            output: output,
            cancellation: cancellation,
            logger: logger,
            progress: progress
        )
    }
}

extension Deconvolver {
    /// Removes the hidden files of all outputs of this process that are not finished: for a program that is about to end
    /// without waiting for its runs. Safe in a signal handler.
    public static func removeUnfinishedOutputs() { FileDeconvolution.removeUnfinishedOutputs() }
}
