public import ArgumentParser
import DeconvOptions
import DeconvPipeline
import DeconvPlan
public import GPUDeconv

extension BoundaryMode: ExpressibleByArgument {}

/// Three sizes in micrometers, written `z,y,x`.
struct SpacingArgument: ExpressibleByArgument {
    var spacing: VoxelSpacing

    init?(argument: String) {
        guard let spacing = VoxelSpacing(text: argument) else { return nil }
        self.spacing = spacing
    }

    var defaultValueDescription: String { "\(spacing.z),\(spacing.y),\(spacing.x)" }
}

/// Three numbers of voxels, written `z,y,x`.
struct ShapeArgument: ExpressibleByArgument {
    var shape: VolumeShape

    init?(argument: String) {
        guard let shape = VolumeShape(text: argument) else { return nil }
        self.shape = shape
    }

    var defaultValueDescription: String { "\(shape.z),\(shape.y),\(shape.x)" }
}

/// The image, its PSF, and what is known of its voxels.
struct InputArguments: ParsableArguments {
    @Argument(
        help: """
            TIFF stack, Zarr array or OME-Zarr image (a folder, a ZIP file, or a URL: https://, s3://), or a folder or \
            pattern of TIFF files ('t*.tif').
            """
    )
    var input: String

    @Option(
        help: ArgumentHelp(
            "PSF as a TIFF stack or Zarr array, or one for each channel: a.tif,b.tif or 'psfs/*.tif'. A name with a comma "
                + "stands in double quotes, or in a --psf of its own. (default: computed from the microscope's figures)",
            valueName: "psf"
        ),
        completion: .file()
    )
    var psf: [String] = []

    @Option(.psfAt) var psfAt: String?
    @Option(.psfModes) var psfModes: String?
    @Option(.array, alias: "image") var array: String?
    @Option(.axes) var axes: String?
    @Option(.channel, parsing: .unconditional) var channel: String?
    @Option(.time, parsing: .unconditional) var time: String?
    @Option(.spacing) var spacing: String?
    @Option(.flatField) var flatField: String?
    @Option(.mask) var mask: String?
    @Option(.view) var view: String?
    @Option(.viewPSF) var viewPSF: String?
    @Option(.viewBackground) var viewBackground: String?
    @Option(.saturation) var saturation: String?

    /// A comma separates PSFs, unless a file of the whole name is there. Of several options each names one.
    private var psfPaths: [String] {
        guard psf.count == 1, !psf[0].isEmpty, !Files.exists(psf[0]) else { return psf }
        return QuotedList.parse(psf[0]).filter { !$0.isEmpty }
    }

    /// Opens the files.
    func deconvolution(_ options: JobOptions) throws(DeconvolutionError) -> FileDeconvolution {
        try FileDeconvolution(input: input, psfPaths: psfPaths, options: options)
    }

    /// Finds the images of a batch.
    func batch(folder: String, _ options: JobOptions) throws(DeconvolutionError) -> ImageBatch {
        try ImageBatch(inputs: input, folder: folder, psfPaths: psfPaths, options: options)
    }
}

/// The method and what it needs to know of the image.
struct MethodArguments: ParsableArguments {
    @Option(.method) var method: String?
    @Option(.iterations, short: true) var iterations: String?
    @Option(.boundary) var boundary: String?
    @Option(.background) var background: String?
    @Option(.readNoise) var readNoise: String?
    @Option(.snr) var snr: String?
    @Option(.regularization) var regularization: String?
    @Option(.start) var start: String?
    @Option(.accelerate) var accelerate: String?
    @Option(.stop) var stop: String?
    @Option(.maxIterations) var maxIterations: String?
    @Option(.totalVariation) var totalVariation: String?
    @Option(.goodRoughness) var goodRoughness: String?
    @Option(.tikhonovMiller) var tikhonovMiller: String?
    @Option(.sieve) var sieve: String?
    @Option(.gain) var gain: String?
    @Option(.seed) var seed: String?
    @Option(.tuning) var tuning: String?
}

/// What happens to a PSF before it is used.
struct PSFArguments: ParsableArguments {
    @Option(.psfSpacing) var psfSpacing: String?
    @Option(.psfBackground) var psfBackground: String?
    @Flag(.psfAsIs) var psfAsIs = false
    @Flag(.radialAverage) var radialAverage = false
    @Flag(.symmetrize) var symmetrize = false
}

/// What a PSF is computed from.
struct MicroscopeArguments: ParsableArguments {
    @Option(.microscope) var microscope: String?
    @Option(.model) var model: String?
    @Option(.na) var na: String?
    @Option(.emission) var emission: String?
    @Option(.excitation) var excitation: String?
    @Option(.dye) var dye: String?
    @Option(.immersion) var immersion: String?
    @Option(.sampleIndex) var sampleIndex: String?
    @Option(.coverGlass) var coverGlass: String?
    @Option(.depth) var depth: String?
    @Option(.pinhole) var pinhole: String?
    @Option(.sheetThickness) var sheetThickness: String?
    @Option(.sheetNA) var sheetNA: String?
}

/// How large a computed PSF is.
struct ComputedPSFArguments: ParsableArguments {
    @Option(.psfShape) var psfShape: String?
}

/// Where to compute.
struct ComputeArguments: ParsableArguments {
    @Option(.backend) var backend: String?
    @Option(.device) var device: String?
    @Option(.fft) var fft: String?
    @Option(.threads) var threads: String?
}

/// How large the pieces may be.
struct MemoryArguments: ParsableArguments {
    @Option(.memoryLimit) var memoryLimit: String?
    @Option(.tile) var tile: String?
}

/// All that decides the result but the files.
struct JobArguments: ParsableArguments {
    @OptionGroup(title: "Method") var method: MethodArguments
    @OptionGroup(title: "PSF") var psfArguments: PSFArguments
    @OptionGroup(title: "Microscope") var microscope: MicroscopeArguments
    @OptionGroup(title: "Microscope") var computedPSF: ComputedPSFArguments
    @OptionGroup(title: "Device") var compute: ComputeArguments
    @OptionGroup(title: "Memory") var memory: MemoryArguments

    func options(for input: InputArguments) throws(DeconvolutionError) -> JobOptions {
        var options = JobOptions()
        let groups: [any ParsableArguments] = [input, method, psfArguments, microscope, computedPSF, compute, memory]
        for group in groups { try group.apply(to: &options) }
        return options
    }
}
