import ArgumentParser
import DeconvOptions
import DeconvPipeline
import DeconvTools
import GPUDeconv

struct Deconvolve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Deconvolve a TIFF stack, a series of them, or a Zarr array; runs without a subcommand too.",
        usage: "gpudeconv [deconvolve] <input> [--psf <psf>] --output <path> [<options>]",
        discussion: """
            Without a PSF one is computed, from what the image's file says of the
            microscope and from the options of Microscope.

            Examples:
              gpudeconv cell.ome.tif -o sharp.tif
              gpudeconv cell.tif -o sharp.tif --na 1.4 --immersion oil --dye GFP
              gpudeconv cell.tif --psf psf.tif -o sharp.tif
              gpudeconv cell.tif --psf psf.tif -o sharp.tif -i 20 --background 98
              gpudeconv cell.tif --psf green.tif,red.tif -o sharp.tif --dtype uint16
              gpudeconv cell.tif --psf psf.tif -o sharp.tif --psf-spacing 0.1,0.1,0.1
              gpudeconv cell.tif --psf psf.tif -o sharp.tif --mask good.tif
              gpudeconv 'frames/t*.tif' --psf psf.tif -o sharp.zarr
              gpudeconv 'cells/*.tif' --psf psf.tif -o sharp/ --each
              gpudeconv data.zarr --array raw --psf 'psfs/*.tif' -o sharp.zarr
              gpudeconv data.zarr --array raw --psf 'psfs/*.tif' -o data.zarr/sharp

            An output in Zarr is begun as NAME.partial and gets its name when all of it
            is there. After an interruption the same command goes on where it was.
            With --each, results that are there already are not made again.
            """
    )

    @OptionGroup(title: "Input") var files: InputArguments
    @OptionGroup(title: "Output") var result: ResultArguments
    @OptionGroup(title: "Output") var execution: ExecutionArguments
    @OptionGroup(title: "Zarr output") var zarr: ZarrArguments
    @OptionGroup var job: JobArguments

    struct ResultArguments: ParsableArguments {
        @Option(
            name: .shortAndLong,
            help: ArgumentHelp(
                "File for the result: a name in .tif, .ome.tif for OME-TIFF, or .zarr for a Zarr store.",
                valueName: "path"
            )
        )
        var output: String

        @Flag(
            help:
                "The files of the folder or pattern are images of their own; each gets a result in the folder --output."
        )
        var each = false

        @Option(.dtype) var dtype: String?
        @Flag(.ome) var ome = false
        @Flag(.deflate) var deflate = false
        @Flag(.overwrite) var overwrite = false
        @Option(.writeMask) var writeMask: String?
        @Option(.uncertainty) var uncertainty: String?
        @Option(
            help: ArgumentHelp(
                "PNG file for the Fourier shell correlations that --uncertainty finds.",
                valueName: "file.png"
            ),
            completion: .file()
        )
        var resolutionPlot: String?
        @Option(
            help: ArgumentHelp(
                "PNG file for how the number of iterations was found: what was seen after each.",
                valueName: "file.png"
            ),
            completion: .file()
        )
        var stopPlot: String?
        @Option(.divergenceInterval) var divergenceInterval: String?
    }

    struct ZarrArguments: ParsableArguments {
        @Option(.outputArray) var outputArray: String?
        @Option(.zarrFormat) var zarrFormat: String?
        @Option(.chunks) var chunks: String?
        @Option(.shards) var shards: String?
        @Option(.codec) var codec: String?
    }

    func run() throws {
        if result.each { return try execution.runEach { () throws(DeconvolutionError) in try batch() } }
        try execution.run { () throws(DeconvolutionError) in
            let options = try options()
            let deconvolution = try files.deconvolution(options)
            return ExecutionArguments.Job(
                deconvolution: deconvolution,
                options: options,
                output: result.output,
                resolutionPlot: result.resolutionPlot,
                stopPlot: result.stopPlot
            )
        }
    }

    private func options() throws(DeconvolutionError) -> JobOptions {
        var options = try job.options(for: files)
        try result.apply(to: &options)
        try zarr.apply(to: &options)
        return options
    }

    private func batch() throws(DeconvolutionError) -> (ImageBatch, JobOptions) {
        let options = try options()
        for (option, path) in [(OptionName.resolutionPlot, result.resolutionPlot), (.stopPlot, result.stopPlot)]
        where path != nil {
            throw DeconvolutionError(
                .invalidArgument,
                "\(option) is for one image, and \(.each) for many; leave one of them out"
            )
        }
        return (try files.batch(folder: result.output, options), options)
    }
}
