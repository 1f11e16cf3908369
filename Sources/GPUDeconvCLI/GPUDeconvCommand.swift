import ArgumentParser
import DeconvOptions
import DeconvPipeline
import DeconvVolume

@main
struct GPUDeconvCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gpudeconv",
        abstract: "Take the blur of the microscope out of 3D fluorescence images.",
        usage: """
            gpudeconv <input> [--psf <psf>] --output <file> [<options>]
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
            Deconvolve.self, Rerun.self, Plan.self, Inspect.self, Preview.self, Compare.self, PSF.self, Devices.self,
            Options.self, Simulate.self, Bench.self,
        ],
        defaultSubcommand: Deconvolve.self
    )

    static func main() {
        Terminal.prepare()
        if let name = CommandLine.arguments.dropFirst().first, let nearest = subcommand(mistyped: name) {
            Terminal.complain(
                "\(name): no such subcommand, and no such file; did you mean 'gpudeconv \(nearest)'?",
                ExitStatus.wrongUsage
            )
            exit(withError: ExitStatus.wrongUsage)
        }
        ProcessMemory.prepare()
        Interruption.listen()
        main(nil)
    }

    /// What somebody meant who gave a word that is neither a subcommand nor a file to deconvolve; nil where it is one of these, or
    /// like no subcommand.
    private static func subcommand(mistyped word: String) -> String? {
        let names = configuration.subcommands.map { $0.configuration.commandName ?? "\($0)".lowercased() } + ["help"]
        guard word.allSatisfy(\.isLetter), !names.contains(word), !Files.exists(word) else { return nil }
        return names.nearest(to: word)
    }
}
