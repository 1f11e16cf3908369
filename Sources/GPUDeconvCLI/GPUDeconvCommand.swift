import ArgumentParser
import DeconvPipeline
import DeconvVolume

@main
struct GPUDeconvCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gpudeconv",
        abstract: "Take the blur of the microscope out of 3D fluorescence images.",
        usage: """
            gpudeconv <input> --psf <psf> --output <file> [<options>]
            gpudeconv <subcommand>
            """,
        discussion: """
            Without a subcommand it deconvolves. Images and PSFs are TIFF stacks; voxel sizes and channels are read from \
            ImageJ and OME descriptions. It runs on a GPU if an OpenCL driver offers one, else on all cores.

            Examples:
              gpudeconv cell.tif --psf psf.tif -o sharp.tif
              gpudeconv plan cell.tif --psf psf.tif
              gpudeconv preview cell.tif sharp.tif -o both.png

            \(ExitStatus.table)
            """,
        version: ProgramVersion.text,
        subcommands: [
            Deconvolve.self, Devices.self, Plan.self, PSF.self, Simulate.self, Compare.self, Preview.self,
            Bench.self,
        ],
        defaultSubcommand: Deconvolve.self
    )

    static func main() {
        Terminal.prepare()
        ProcessMemory.prepare()
        Interruption.listen()
        main(nil)
    }
}
