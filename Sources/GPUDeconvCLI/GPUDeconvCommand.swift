import ArgumentParser

@main
struct GPUDeconvCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gpudeconv",
        abstract: "Takes the blur of the microscope out of 3D fluorescence images.",
        usage: "gpudeconv INPUT --psf PSF -o OUTPUT [--iterations 10]",
        discussion: """
            Without a subcommand it deconvolves. Images and PSFs are TIFF stacks; voxel sizes and channels are read from \
            ImageJ and OME descriptions. It runs on a GPU if an OpenCL driver offers one, else on all cores.

            Exit codes: 0 done, 64 wrong usage, 65 bad data, 66 no such input, 69 no such device or it failed, \
            70 a fault of this program, 71 out of memory, 73 the output cannot be created (it exists), \
            74 input or output failed, 130 interrupted.
            """,
        version: "0.1.0",
        subcommands: [
            Deconvolve.self, Devices.self, Plan.self, PSF.self, Simulate.self, Compare.self, Preview.self,
        ],
        defaultSubcommand: Deconvolve.self
    )
}
