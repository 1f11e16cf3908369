public import ArgumentParser
import DeconvOptions
import DeconvPipeline
import DeconvPlan
public import GPUDeconv

extension BoundaryMode: ExpressibleByArgument {}
extension StartingEstimate: ExpressibleByArgument {}
extension DeconvolutionOptions.Backend: ExpressibleByArgument {}
extension FFTChoice: ExpressibleByArgument {}

/// Three sizes in micrometres, written `z,y,x`.
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

/// A number of bytes, such as `8GB`.
struct ByteCountArgument: ExpressibleByArgument {
    var byteCount: Int

    init?(argument: String) {
        guard let bytes = ByteCount.parse(argument) else { return nil }
        byteCount = bytes
    }
}

/// `auto` or a number of counts.
struct PSFBackgroundArgument: ExpressibleByArgument {
    var background: DeconvolutionOptions.PSFBackground

    init?(argument: String) {
        guard let background = DeconvolutionOptions.PSFBackground(text: argument) else { return nil }
        self.background = background
    }

    var defaultValueDescription: String { "auto" }
}

/// The type of the voxels of an output.
struct PixelTypeArgument: ExpressibleByArgument {
    var pixelType: PixelType

    init?(argument: String) {
        guard let type = PixelType(rawValue: argument), OutputOptions.pixelTypes.contains(type) else { return nil }
        pixelType = type
    }

    init(_ pixelType: PixelType) { self.pixelType = pixelType }

    var defaultValueDescription: String { pixelType.rawValue }
    static var allValueStrings: [String] { OutputOptions.pixelTypes.map(\.rawValue) }
}

/// The image, its PSF, and what is known of its voxels.
struct InputArguments: ParsableArguments {
    @Argument(help: "TIFF stack, Zarr array, OME-Zarr image, or a folder or pattern of stacks ('t*.tif').")
    var input: String

    @Option(
        help: ArgumentHelp(
            "PSF as a TIFF stack or Zarr array, or one for each channel: a.tif,b.tif or 'psfs/*.tif'.",
            valueName: "psf"
        )
    )
    var psf: String

    @Option(help: ArgumentHelp("Array or image in a Zarr store. (default: the only one)", valueName: "path"))
    var array: String?

    @Option(
        help: ArgumentHelp(
            "Axes of a Zarr array, such as ctzyx. (default: what its metadata say, else the last three are z, y, x)",
            valueName: "letters"
        )
    )
    var axes: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Channels to deconvolve, from 0: 1, 0:2 or 0,2. (default: all)", valueName: "range")
    )
    var channel: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Time points to deconvolve, from 0: 5, 0:10, 0:100:10 or -1. (default: all)",
            valueName: "range"
        )
    )
    var time: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Voxel size of the image in µm. (default: what its file says)", valueName: "z,y,x")
    )
    var spacing: SpacingArgument?

    @Option(
        help: ArgumentHelp(
            "File with the flat field: how sensitive each voxel is, divided by its mean; 0 is bad.",
            valueName: "file"
        )
    )
    var flatField: String?

    @Option(
        help: ArgumentHelp(
            "File that is 0 on bad voxels, which then do not count, and not 0 on good ones.",
            valueName: "file"
        )
    )
    var mask: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Counts from which on a voxel is saturated and does not count.", valueName: "n")
    )
    var saturation: Double?

    /// A comma separates PSFs, unless a file of the whole name is there.
    var psfPaths: [String] {
        if Files.exists(psf) { return [psf] }
        return psf.split(separator: ",").map(String.init)
    }

    func apply(to options: inout DeconvolutionOptions) {
        options.spacing = spacing?.spacing
        options.saturation = saturation
    }

    /// Opens the files.
    func deconvolution(_ options: DeconvolutionOptions) throws(DeconvolutionError) -> FileDeconvolution {
        var selection = InputSelection()
        selection.array = array
        selection.axes = axes
        selection.channels = channel
        selection.timepoints = time
        return try FileDeconvolution(
            input: input,
            selection: selection,
            psfPaths: psfPaths,
            flatField: flatField,
            mask: mask,
            options: options
        )
    }
}

/// The method and what it needs to know of the image.
struct MethodArguments: ParsableArguments {
    /// The methods that there are.
    enum Method: String, CaseIterable, ExpressibleByArgument {
        case richardsonLucy = "richardson-lucy"
    }

    @Option(help: "How to deconvolve.")
    var method = Method.richardsonLucy

    @Option(
        name: .shortAndLong,
        parsing: .unconditional,
        help: ArgumentHelp("Updates of the estimate; more are sharper and noisier.", valueName: "n")
    )
    var iterations = 10

    @Option(help: "What lies outside the image; extend estimates it.")
    var boundary = BoundaryMode.extend

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Camera offset and haze, in counts of the image.", valueName: "n")
    )
    var background = 0.0

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Read noise of the camera, in counts of the image.", valueName: "n")
    )
    var readNoise = 0.0

    @Option(help: "Where the estimate starts; light clears the haze of a background soonest.")
    var start = StartingEstimate.light

    func apply(to options: inout DeconvolutionOptions) {
        options.iterationCount = iterations
        options.boundary = boundary
        options.background = background
        options.readNoise = readNoise
        options.start = start
    }
}

/// What happens to a PSF before it is used.
struct PSFArguments: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Voxel size of the PSF in µm. (default: what its file says)", valueName: "z,y,x")
    )
    var psfSpacing: SpacingArgument?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Counts to subtract from the PSF, or auto to find them at its border.", valueName: "auto|n")
    )
    var psfBackground = PSFBackgroundArgument(argument: "auto")!

    @Flag(help: "Normalize the PSF and do nothing else to it: no background, centering, cropping or resampling.")
    var psfAsIs = false

    func apply(to options: inout DeconvolutionOptions) {
        options.psfSpacing = psfSpacing?.spacing
        options.psfBackground = psfBackground.background
        options.psfAsIs = psfAsIs
    }
}

/// Where to compute.
struct ComputeArguments: ParsableArguments {
    @Option(help: "What computes; auto takes a GPU if there is one, else the CPU.")
    var backend = DeconvolutionOptions.Backend.auto

    @Option(
        help: ArgumentHelp(
            "Device by its number or part of its name, as 'gpudeconv devices' lists it; several (0,2), or all GPUs: all.",
            valueName: "device"
        )
    )
    var device: String?

    @Option(help: "FFT library on an OpenCL device; auto takes clFFT, and VkFFT where that fails or is faster.")
    var fft = FFTChoice.auto

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Threads of the CPU back end. (default: one for each core)", valueName: "n")
    )
    var threads: Int?

    func apply(to options: inout DeconvolutionOptions) {
        options.backend = backend
        options.device = device
        options.fft = fft
        options.threadCount = threads
    }
}

/// How large the pieces may be.
struct MemoryArguments: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Most memory to compute in, such as 8GB. (default: what is free)", valueName: "size")
    )
    var memoryLimit: ByteCountArgument?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Voxels that a tile delivers. (default: as many as fit)", valueName: "z,y,x")
    )
    var tile: ShapeArgument?

    func apply(to options: inout DeconvolutionOptions) {
        options.memoryLimitBytes = memoryLimit?.byteCount
        options.tileShape = tile?.shape
    }
}

/// All that decides the result but the files.
struct JobArguments: ParsableArguments {
    @OptionGroup(title: "Method") var method: MethodArguments
    @OptionGroup(title: "PSF") var psfArguments: PSFArguments
    @OptionGroup(title: "Device") var compute: ComputeArguments
    @OptionGroup(title: "Memory") var memory: MemoryArguments

    func options(for input: InputArguments) -> DeconvolutionOptions {
        var options = DeconvolutionOptions()
        input.apply(to: &options)
        method.apply(to: &options)
        psfArguments.apply(to: &options)
        compute.apply(to: &options)
        memory.apply(to: &options)
        return options
    }
}
