import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

/// A mistake, and what the program says to it.
struct BadInput: Sendable, CustomTestStringConvertible {
    /// What is wrong, in words.
    var testDescription: String
    /// The command line.
    var arguments: [String]
    /// The exit code.
    var status: Int32
    /// What stands behind `gpudeconv: ` on the only line of standard error.
    var message: String
    /// Makes what the arguments name beyond `image.tif` and `psf.tif`.
    var prepare: @Sendable (TemporaryFolder) throws -> Void

    init(
        _ description: String,
        _ arguments: String,
        _ status: Int32,
        _ message: String,
        prepare: @escaping @Sendable (TemporaryFolder) throws -> Void = { _ in }
    ) {
        testDescription = description
        self.arguments = arguments.split(separator: " ").map { $0 == "''" ? "" : String($0) }
        self.status = status
        self.message = message
        self.prepare = prepare
    }
}

extension BadInput {
    private static let job = "image.tif --psf psf.tif -o out.tif"

    private static func image(_ change: @escaping @Sendable (inout [Float]) -> Void)
        -> @Sendable (TemporaryFolder) throws
        -> Void
    {
        { folder in
            var voxels = Scene.image
            change(&voxels)
            try Scene.write(voxels, Scene.shape, to: folder.path("bad.tif"))
        }
    }

    private static func psf(_ change: @escaping @Sendable (inout [Float]) -> Void)
        -> @Sendable (TemporaryFolder) throws
        -> Void
    {
        { folder in
            var voxels = Scene.psf()
            change(&voxels)
            try Scene.write(voxels, Scene.psfShape, to: folder.path("bad.tif"))
        }
    }

    private static func text(_ text: String) -> @Sendable (TemporaryFolder) throws -> Void {
        { try Data(text.utf8).write(to: $0.url.appendingPathComponent("bad.tif")) }
    }

    private static func fixture(_ name: String) -> @Sendable (TemporaryFolder) throws -> Void {
        { try $0.copy(Fixtures.url("TIFF/\(name)"), as: "bad.tif") }
    }

    /// Voxel (z 3, y 4, x 5) of the image.
    private static let voxel = (3 * Scene.shape.y + 4) * Scene.shape.x + 5

    /// Mistakes in the files, seen on either back end.
    static let ofFiles: [BadInput] = [
        BadInput(
            "the input is missing",
            "missing.tif --psf psf.tif -o out.tif",
            66,
            "missing.tif: no such file; check the path"
        ),
        BadInput(
            "the store has no name",
            "image.tif --psf psf.tif -o .zarr",
            64,
            ".zarr: a store has no name before .zarr; give it one"
        ),
        BadInput(
            "the PSF is missing",
            "image.tif --psf missing.tif -o out.tif",
            66,
            "missing.tif: no such file; check the path"
        ),
        BadInput(
            "the input is a folder",
            "bad.tif --psf psf.tif -o out.tif",
            66,
            "bad.tif: is a folder without TIFF files and no Zarr store; name an image file, a folder of stacks, or a store"
        ) { try FileManager.default.createDirectory(atPath: $0.path("bad.tif"), withIntermediateDirectories: false) },
        BadInput(
            "the input is a device",
            "/dev/zero --psf psf.tif -o out.tif",
            66,
            "/dev/zero: is a pipe or device, not a file; save the image to a file first"
        ),
        BadInput(
            "the input is empty",
            "bad.tif --psf psf.tif -o out.tif",
            65,
            "bad.tif: is empty; copy it again from its source",
            prepare: text("")
        ),
        BadInput(
            "the input is text",
            "bad.tif --psf psf.tif -o out.tif",
            65,
            "bad.tif: is not a TIFF file; convert it to TIFF, for example with Fiji",
            prepare: text("no image at all\n")
        ),
        BadInput(
            "the input is a PNG file",
            "bad.tif --psf psf.tif -o out.tif",
            65,
            "bad.tif: is a PNG file, not a TIFF file; convert it to TIFF, for example with Fiji"
        ) { try Data([0x89, 0x50, 0x4E, 0x47, 13, 10, 26, 10]).write(to: $0.url.appendingPathComponent("bad.tif")) },
        BadInput(
            "the input is in color",
            "bad.tif --psf psf.tif -o out.tif",
            65,
            "bad.tif: page 1 is in color (3 samples per pixel); split the channels and save them as one stack of grey pages",
            prepare: fixture("bad-rgb.tif")
        ),
        BadInput(
            "the input has a palette",
            "bad.tif --psf psf.tif -o out.tif",
            65,
            "bad.tif: page 1 is in color by a palette; save it as a grey image of intensities",
            prepare: fixture("bad-palette.tif")
        ),
        BadInput(
            "a voxel is not a number",
            "bad.tif --psf psf.tif -o out.tif",
            65,
            "bad.tif: the voxel at (z 3, y 4, x 5) is nan; replace it by a number and try again",
            prepare: image { $0[voxel] = .nan }
        ),
        BadInput(
            "a voxel is infinite",
            "bad.tif --psf psf.tif -o out.tif",
            65,
            "bad.tif: the voxel at (z 3, y 4, x 5) is inf; replace it by a number and try again",
            prepare: image { $0[voxel] = .infinity }
        ),
        BadInput(
            "a voxel is too large",
            "bad.tif --psf psf.tif -o out.tif",
            65,
            "bad.tif: the voxel at (z 3, y 4, x 5) is 1e+30; divide the image by a factor, for counts above 1e+24 leave "
                + "single precision",
            prepare: image { $0[voxel] = 1e30 }
        ),
        BadInput(
            "a voxel is infinitely negative",
            "bad.tif --psf psf.tif -o out.tif",
            65,
            "bad.tif: the voxel at (z 3, y 4, x 5) is -inf; replace it by a number and try again",
            prepare: image { $0[voxel] = -.infinity }
        ),
        BadInput(
            "a voxel of an image in tiles is not a number",
            "bad.tif --psf psf.tif -o out.tif --tile 8,12,28",
            65,
            "bad.tif: the voxel at (z 3, y 4, x 5) is nan; replace it by a number and try again",
            prepare: image { $0[voxel] = .nan }
        ),
        BadInput(
            "a voxel of the PSF is not a number",
            "image.tif --psf bad.tif -o out.tif",
            65,
            "bad.tif: the PSF holds nan at (z 1, y 2, x 3); every voxel must be finite",
            prepare: psf { $0[(1 * Scene.psfShape.y + 2) * Scene.psfShape.x + 3] = .nan }
        ),
        BadInput(
            "the PSF is zero",
            "image.tif --psf bad.tif -o out.tif",
            65,
            "bad.tif: every voxel of the PSF is 0; give a file with the image of a point",
            prepare: psf { $0 = $0.map { _ in 0 } }
        ),
        BadInput(
            "the PSF sums to less than zero",
            "image.tif --psf bad.tif -o out.tif",
            65,
            "bad.tif: the PSF sums to 0 or less, which cannot be scaled to 1; give the image of a point",
            prepare: psf { $0 = $0.map { -$0 } }
        ),
        BadInput(
            "the PSF as it is sums to less than zero",
            "image.tif --psf bad.tif -o out.tif --psf-as-is",
            65,
            "bad.tif: the PSF sums to -693.0, which cannot be scaled to 1; leave out --psf-as-is to prepare it",
            prepare: psf { $0 = $0.map { _ in -1 } }
        ),
        BadInput(
            "the PSF is all background",
            "image.tif --psf psf.tif -o out.tif --psf-background 1e9",
            65,
            "psf.tif: nothing is left of the PSF once its background of 1000000000.0 is subtracted; "
                + "--psf-background 0 subtracts none"
        ),
        BadInput(
            "the PSF has more channels than the image",
            "image.tif --psf bad.tif -o out.tif",
            65,
            "image.tif has 1 channel, but 2 PSFs are given (bad.tif, channel 0; bad.tif, channel 1); "
                + "give one for all or one a channel"
        ) { folder in
            try Scene.write(
                Scene.psf().flatMap { [$0, $0] },
                Scene.psfShape,
                channels: 2,
                to: folder.path("bad.tif")
            )
        },
        BadInput(
            "two PSFs are given for three channels",
            "bad.tif --psf psf.tif,psf.tif -o out.tif",
            65,
            "bad.tif has 3 channels, but 2 PSFs are given (psf.tif; psf.tif); give one for all or one a channel"
        ) { folder in
            try Scene.write(
                Scene.image + Scene.image + Scene.image,
                Scene.shape,
                channels: 3,
                to: folder.path("bad.tif")
            )
        },
        BadInput(
            "the PSF has time points",
            "image.tif --psf bad.tif -o out.tif",
            65,
            "bad.tif: a PSF of 2 time points; give a stack of planes"
        ) { folder in
            try Scene.write(
                Scene.psf() + Scene.psf(),
                Scene.psfShape,
                timepoints: 2,
                to: folder.path("bad.tif")
            )
        },
        BadInput(
            "the mask is missing",
            "\(job) --mask missing.tif",
            66,
            "missing.tif: no such file; check the path"
        ),
        BadInput(
            "the flat field is text",
            "\(job) --flat-field bad.tif",
            65,
            "bad.tif: is not a TIFF file; convert it to TIFF, for example with Fiji",
            prepare: text("no image at all\n")
        ),
        BadInput(
            "the mask has another shape",
            "\(job) --mask psf.tif",
            65,
            "psf.tif has 7x9x11 voxels, 1 channel, 1 time point, but image.tif has 8x24x28 voxels, 1 channel, 1 time "
                + "point; give as many, or one plane, channel or time point for all"
        ),
        BadInput(
            "the flat field has too few time points",
            "bad.tif --psf psf.tif -o out.tif --flat-field two.tif",
            65,
            "two.tif has 8x24x28 voxels, 1 channel, 2 time points, but bad.tif has 8x24x28 voxels, 1 channel, 3 time "
                + "points; give as many, or one plane, channel or time point for all"
        ) { folder in
            let image = Scene.image
            try Scene.write(image + image + image, Scene.shape, timepoints: 3, to: folder.path("bad.tif"))
            try Scene.write(image + image, Scene.shape, timepoints: 2, to: folder.path("two.tif"))
        },
        BadInput(
            "a voxel of the flat field is negative",
            "\(job) --flat-field bad.tif",
            65,
            "bad.tif: the voxel at (z 3, y 4, x 5) is -0.5; write finite values above 0, and 0 on bad voxels",
            prepare: image { $0[voxel] = -0.5 }
        ),
        BadInput(
            "a voxel of the flat field is infinite",
            "\(job) --flat-field bad.tif --tile 8,12,28",
            65,
            "bad.tif: the voxel at (z 3, y 4, x 5) is inf; write finite values above 0, and 0 on bad voxels",
            prepare: image { $0[voxel] = .infinity }
        ),
        BadInput(
            "a voxel of the mask is not a number",
            "\(job) --mask bad.tif",
            65,
            "bad.tif: the voxel at (z 3, y 4, x 5) is nan; write 0 on bad voxels and 1 on good ones",
            prepare: image { $0[voxel] = .nan }
        ),
        BadInput(
            "the mask is all zero",
            "\(job) --mask bad.tif",
            65,
            "bad.tif: every voxel is 0, so none of image.tif is good; write 1 on good voxels",
            prepare: image { $0 = $0.map { _ in 0 } }
        ),
        BadInput(
            "the flat field is all zero",
            "\(job) --flat-field bad.tif",
            65,
            "bad.tif: every voxel is 0; give the image of an evenly lit field",
            prepare: image { $0 = $0.map { _ in 0 } }
        ),
        BadInput(
            "mask and flat field leave nothing",
            "\(job) --flat-field bad.tif --mask half.tif",
            65,
            "bad.tif and half.tif: no voxel is above 0 in both; write 0 on bad voxels only"
        ) { folder in
            let first = Scene.image.indices.map { Float($0 < 1000 ? 1 : 0) }
            try Scene.write(first, Scene.shape, to: folder.path("bad.tif"))
            try Scene.write(first.map { 1 - $0 }, Scene.shape, to: folder.path("half.tif"))
        },
        BadInput(
            "every voxel is saturated",
            "\(job) --saturation 50",
            65,
            "image.tif: no good voxel is below --saturation 50; give the counts at which the camera saturates"
        ),
        BadInput(
            "the output is the mask",
            "image.tif --psf psf.tif -o bad.tif --mask bad.tif --overwrite",
            73,
            "bad.tif: would replace an input of this run; choose another name",
            prepare: image { _ in }
        ),
        BadInput(
            "the background is above the mean",
            "bad.tif --psf psf.tif -o out.tif --background 98.5",
            64,
            "bad.tif: --background 98.5 is not below the image's mean of 7; give a lower one",
            prepare: image { $0 = $0.map { _ in 7 } }
        ),
        BadInput(
            "the spacings are so different that the PSF would fill the memory",
            "image.tif --psf psf.tif -o out.tif --psf-spacing 1000,1000,1000",
            64,
            "psf.tif: centered and resampled from 1000.0, 1000.0, 1000.0 µm to 0.3, 0.1, 0.1 µm the PSF would have "
                + "20001x80001x100001 voxels; check --spacing and --psf-spacing"
        ),
        BadInput(
            "the output exists",
            "image.tif --psf psf.tif -o bad.tif",
            73,
            "bad.tif: exists already; give --overwrite to replace it, or choose another name",
            prepare: text("precious")
        ),
        BadInput(
            "the output's folder is missing",
            "image.tif --psf psf.tif -o missing/out.tif",
            73,
            "missing/out.tif: its folder missing does not exist; create it"
        ),
        BadInput(
            "the output's folder is a file",
            "image.tif --psf psf.tif -o psf.tif/out.tif",
            73,
            "psf.tif/out.tif: psf.tif is not a folder; choose another"
        ),
        BadInput(
            "the output's folder takes no files",
            "image.tif --psf psf.tif -o /proc/out.tif",
            73,
            "/proc/out.tif: its folder /proc takes no files; choose another folder"
        ),
        BadInput(
            "the output is a folder",
            "image.tif --psf psf.tif -o bad.tif --overwrite",
            73,
            "bad.tif: is a folder; name a file in it"
        ) { try FileManager.default.createDirectory(atPath: $0.path("bad.tif"), withIntermediateDirectories: false) },
        BadInput(
            "the output is a device",
            "image.tif --psf psf.tif -o full.tif --overwrite",
            73,
            "full.tif: is a pipe or device, not a file; choose another name"
        ) { try FileManager.default.createSymbolicLink(atPath: $0.path("full.tif"), withDestinationPath: "/dev/full") },
        BadInput(
            "the output has no name",
            "image.tif --psf psf.tif -o ''",
            73,
            "the output has no name; give one"
        ),
        BadInput(
            "the output is the input",
            "image.tif --psf psf.tif -o image.tif --overwrite",
            73,
            "image.tif: would replace an input of this run; choose another name"
        ),
        BadInput(
            "the output is the input by another name",
            "image.tif --psf psf.tif -o bad.tif --overwrite",
            73,
            "bad.tif: would replace an input of this run; choose another name"
        ) { try FileManager.default.createSymbolicLink(atPath: $0.path("bad.tif"), withDestinationPath: "image.tif") },
        BadInput(
            "the output is a PSF of several channels",
            "image.tif --psf bad.tif -o bad.tif --overwrite",
            73,
            "bad.tif: would replace an input of this run; choose another name"
        ) { folder in
            try Scene.write(
                Scene.psf().flatMap { [$0, $0] },
                Scene.psfShape,
                channels: 2,
                to: folder.path("bad.tif")
            )
        },
        BadInput(
            "the report exists",
            "\(job) --report bad.json",
            73,
            "bad.json: exists already; give --overwrite to replace it, or choose another name"
        ) { try Data("{}".utf8).write(to: $0.url.appendingPathComponent("bad.json")) },
        BadInput(
            "the report's folder is missing",
            "\(job) --report missing/report.json",
            73,
            "missing/report.json: its folder missing does not exist; create it"
        ),
        BadInput(
            "the report is the output",
            "\(job) --report ./out.tif --overwrite",
            73,
            "./out.tif: would replace another output of this run; choose another name"
        ),
        BadInput(
            "the report is the input",
            "\(job) --report image.tif --overwrite",
            73,
            "image.tif: would replace an input of this run; choose another name"
        ),
        BadInput(
            "the report is a device",
            "\(job) --report /dev/full --overwrite",
            73,
            "/dev/full: is a pipe or device, not a file; choose another name"
        ),
    ]

    /// Values of options that no file is needed for.
    static let ofOptions: [BadInput] = [
        BadInput("no iterations", "\(job) --iterations 0", 64, "--iterations 0: give a whole number from 1 to 1000000"),
        BadInput("negative iterations", "\(job) -i -3", 64, "--iterations -3: give a whole number from 1 to 1000000"),
        BadInput(
            "more iterations than can be counted",
            "\(job) -i 9223372036854775807",
            64,
            "--iterations 9223372036854775807: give a whole number from 1 to 1000000"
        ),
        BadInput(
            "a negative spacing",
            "\(job) --spacing -0.3,0.1,0.1",
            64,
            "--spacing -0.3,0.1,0.1: give three positive sizes in micrometers, as z,y,x"
        ),
        BadInput(
            "a spacing of zero",
            "\(job) --spacing 0,0.1,0.1",
            64,
            "--spacing 0,0.1,0.1: give three positive sizes in micrometers, as z,y,x"
        ),
        BadInput(
            "a spacing that is not a number",
            "\(job) --psf-spacing nan,1,1",
            64,
            "--psf-spacing nan,1,1: give three positive sizes in micrometers, as z,y,x"
        ),
        BadInput(
            "a negative background",
            "\(job) --background -1",
            64,
            "--background -1: give auto, or numbers of counts, one for all channels or one for each, of 0 or more"
        ),
        BadInput(
            "an infinite background",
            "\(job) --background inf",
            64,
            "--background inf: give auto, or numbers of counts, one for all channels or one for each, of 0 or more"
        ),
        BadInput(
            "a negative read noise",
            "\(job) --read-noise -1.5",
            64,
            "--read-noise -1.5: give counts from 0 to 1000000"
        ),
        BadInput(
            "a background of the PSF that is not a number",
            "\(job) --psf-background nan",
            64,
            "--psf-background nan: give a number of counts, or auto"
        ),
        BadInput(
            "a saturation of zero",
            "\(job) --saturation 0",
            64,
            "--saturation 0: give auto, or a number of counts above 0"
        ),
        BadInput(
            "an infinite saturation",
            "\(job) --saturation inf",
            64,
            "--saturation inf: give auto, or a number of counts above 0"
        ),
        BadInput(
            "no mask's name",
            "\(job) --mask ''",
            64,
            "--mask names no file; give a mask as a TIFF stack"
        ),
        BadInput(
            "no flat field's name",
            "\(job) --flat-field ''",
            64,
            "--flat-field names no file; give a flat field as a TIFF stack"
        ),
        BadInput("no threads", "\(job) --threads 0", 64, "--threads 0: give a whole number from 1 to 4096"),
        BadInput(
            "a million threads",
            "\(job) --threads 1000000",
            64,
            "--threads 1000000: give a whole number from 1 to 4096"
        ),
        BadInput(
            "no PSF, and nothing to compute one from",
            "image.tif -o out.tif",
            64,
            "image.tif: there is no PSF, and its file says nothing of the microscope: give --na, --immersion, --microscope "
                + "and --emission to have one computed, or a file with --psf"
        ),
        BadInput(
            "a PSF's option without a PSF",
            "image.tif -o out.tif --psf-background 3 --na 1.2",
            64,
            "--psf-background: is for a PSF in a file, and none is named; give --psf, or leave it out"
        ),
        BadInput(
            "a figure of a computed PSF beside a PSF",
            "\(job) --depth 5",
            64,
            "--depth: is for a PSF that is computed, and --psf names a file; leave one of them out"
        ),
        BadInput(
            "a wavelength in micrometers",
            "image.tif -o out.tif --emission 0.52",
            64,
            "--emission 0.52: give numbers in nm, one for all channels or one for each, from 200 to 2000"
        ),
        BadInput(
            "no PSF's name",
            "image.tif --psf '' -o out.tif",
            64,
            "--psf names no file; give the PSF as a TIFF stack"
        ),
        BadInput(
            "a device that is not there",
            "\(job) --device Voodoo",
            69,
            "--device Voodoo: no such device; 'gpudeconv devices' lists what is here"
        ),
        BadInput(
            "a device's number that is not there",
            "\(job) --device 99 --backend opencl",
            69,
            "--device 99: no such device of --backend opencl; 'gpudeconv devices' lists what is here"
        ),
        BadInput(
            "a device without a name",
            "\(job) --device ''",
            69,
            "--device : no such device; 'gpudeconv devices' lists what is here"
        ),
        BadInput("an unknown back end", "\(job) --backend cuda", 64, "--backend cuda: give auto, opencl or cpu"),
        BadInput(
            "an unknown boundary",
            "\(job) --boundary mirror",
            64,
            "--boundary mirror: give extend, zero, edge, reflect or periodic"
        ),
        BadInput("an unknown type", "\(job) --dtype int8", 64, "--dtype int8: give float32, uint16 or uint8"),
        BadInput(
            "a spacing of words",
            "\(job) --spacing fine,1,1",
            64,
            "--spacing fine,1,1: give three positive sizes in micrometers, as z,y,x"
        ),
        BadInput(
            "a spacing of two numbers",
            "\(job) --spacing 1,1",
            64,
            "--spacing 1,1: give three positive sizes in micrometers, as z,y,x"
        ),
        BadInput(
            "iterations in words",
            "\(job) --iterations many",
            64,
            "--iterations many: give a whole number from 1 to 1000000"
        ),
        BadInput(
            "a tile of words",
            "\(job) --tile big",
            64,
            "--tile big: give three sizes from 1 to 1048576, as z,y,x"
        ),
        BadInput(
            "a flat tile",
            "\(job) --tile 0,16,16",
            64,
            "--tile 0,16,16: give three sizes from 1 to 1048576, as z,y,x"
        ),
        BadInput(
            "a tile whose voxels cannot be counted",
            "\(job) --tile 16777216,16777216,16777216",
            64,
            "--tile 16777216,16777216,16777216: give three sizes from 1 to 1048576, as z,y,x"
        ),
        BadInput(
            "a memory limit of words",
            "\(job) --memory-limit lots",
            64,
            "--memory-limit lots: give a size such as 8GB"
        ),
        BadInput(
            "a negative memory limit",
            "\(job) --memory-limit -8GB",
            64,
            "--memory-limit -8GB: give a size such as 8GB"
        ),
        BadInput(
            "an option of another method",
            "\(job) --snr 30",
            64,
            "--snr means nothing to --method richardson-lucy: it is for wiener; leave it out"
        ),
    ]

    /// What the parser refuses: its first line is matched, the usage follows.
    static let ofUsage: [BadInput] = [
        BadInput("an unknown option", "\(job) --frobnicate", 64, "Unknown option '--frobnicate'"),
        BadInput("no output", "image.tif --psf psf.tif", 64, "Missing expected argument '--output <path>'"),
        BadInput("two inputs", "\(job) more.tif", 64, "Unexpected argument 'more.tif'"),
    ]

    /// Mistakes with the other subcommands.
    static let ofSubcommands: [BadInput] = [
        BadInput(
            "a PSF prepared over itself",
            "psf prepare psf.tif -o psf.tif --overwrite",
            73,
            "psf.tif: would replace an input of this run; choose another name"
        ),
        BadInput(
            "a PSF prepared over another file",
            "psf prepare psf.tif -o image.tif",
            73,
            "image.tif: exists already; give --overwrite to replace it, or choose another name"
        ),
        BadInput("a PSF that is missing", "psf inspect missing.tif", 66, "missing.tif: no such file; check the path"),
        BadInput(
            "a simulation into a file",
            "simulate image.tif",
            73,
            "image.tif: is a file, not a folder; choose another name"
        ),
        BadInput(
            "a simulation where no folder can be made",
            "simulate /proc/cell",
            73,
            "/proc/cell: the folder cannot be made; choose a place that you may write to"
        ),
        BadInput(
            "a simulation with a PSF in the way",
            "simulate . --psf ./psf.tif --overwrite --shape 4,8,8",
            73,
            "./psf.tif: would replace an input of this run; choose another name"
        ),
        BadInput(
            "a simulation without light",
            "simulate cell --photons 0",
            64,
            "a peak of 0.0 photons is not within 0 and 1e12"
        ),
        BadInput(
            "a simulation through an impossible objective",
            "simulate cell --na 1.4",
            64,
            "--na 1.4: is not above 0 and below the refractive index of the immersion, 1.33; correct it or give --immersion"
        ),
        BadInput(
            "a comparison of different shapes",
            "compare image.tif psf.tif",
            64,
            "image.tif has 8x24x28 voxels and psf.tif 7x9x11 voxels; only images of one shape can be compared"
        ),
        BadInput(
            "a comparison with a voxel that is not a number",
            "compare bad.tif image.tif",
            65,
            "bad.tif holds a voxel that is not a finite number at (z 3, y 4, x 5); it cannot be compared",
            prepare: image { $0[voxel] = .nan }
        ),
        BadInput(
            "a preview of a channel that is not there",
            "preview image.tif -o out.png --channel 1",
            64,
            "--channel 1: image.tif has 1, counted from 0"
        ),
        BadInput(
            "a preview of a negative channel",
            "preview image.tif -o out.png --channel -1",
            64,
            "--channel -1: image.tif has 1, counted from 0"
        ),
        BadInput(
            "a preview with falling percentiles",
            "preview image.tif -o out.png --percentiles 99,1",
            64,
            "--percentiles 99,1: give two rising numbers from 0 to 100"
        ),
        BadInput(
            "a section that is not in the image",
            "preview image.tif -o out.png --section 3,24,5",
            64,
            "--section 3,24,5: image.tif has 8x24x28 voxels, counted from 0"
        ),
        BadInput(
            "a section that moves",
            "preview image.tif -o out.png --section 3,4,5 --animate turn",
            64,
            "--section is for pictures that stand still; leave it out, or --animate"
        ),
        BadInput(
            "a preview of needles",
            "preview image.tif -o out.png --spacing 1e300,1,1e-300",
            64,
            "a voxel of 1e+300, 1.0, 1e-300 µm is too long and thin to be shown; check --spacing"
        ),
        BadInput(
            "a preview over its image",
            "preview image.tif -o image.tif --overwrite",
            73,
            "image.tif: would replace an input of this run; choose another name"
        ),
        BadInput(
            "a preview in a missing folder",
            "preview image.tif -o missing/out.png",
            73,
            "missing/out.png: its folder missing does not exist; create it"
        ),
    ]
}

@Suite struct BadInputTests {
    @Test(arguments: BadInput.ofFiles, ["cpu", "opencl"])
    func aBadFileIsNamedInOneLineAndLeavesNothing(mistake: BadInput, backend: String) async throws {
        try await expectRefusal(mistake, adding: ["--backend", backend])
    }

    @Test(arguments: BadInput.ofOptions)
    func aBadOptionIsNamedInOneLineAndLeavesNothing(mistake: BadInput) async throws {
        try await expectRefusal(mistake)
    }

    @Test(arguments: BadInput.ofSubcommands)
    func aMistakeWithAnotherSubcommandIsNamedInOneLineAndLeavesNothing(mistake: BadInput) async throws {
        try await expectRefusal(mistake)
    }

    @Test(arguments: BadInput.ofUsage)
    func wrongUsageIsAnsweredWithTheUsage(mistake: BadInput) async throws {
        let folder = try Scene.folder()
        let before = folder.files
        let result = try await Command.run(mistake.arguments, in: folder)
        #expect(result.status == mistake.status)
        #expect(result.error.hasPrefix("Error: \(mistake.message)\n"), "\(result.error)")
        #expect(result.error.contains("\nUsage: gpudeconv "))
        #expect(result.output == "")
        #expect(folder.files == before)
    }

    @Test(arguments: ["cpu", "opencl"], [[], ["-o", "out.tif"]])
    func aMemoryLimitThatHoldsNoTileIsRefused(backend: String, output: [String]) async throws {
        let folder = try Scene.folder()
        let before = folder.files
        let job = ["image.tif", "--psf", "psf.tif", "--memory-limit", "1kB", "--backend", backend] + output
        let result = try await Command.run([output.isEmpty ? "plan" : "deconvolve"] + job, in: folder)
        #expect(result.status == 64)
        let answer =
            /gpudeconv: the smallest tile takes [0-9.]+ kB but 1\.0 kB are allowed: raise --memory-limit or crop the PSF\n/
        #expect(result.error.wholeMatch(of: answer) != nil, "\(result.error)")
        #expect(result.output == "")
        #expect(folder.files == before)
    }

    @Test func theDeviceOfTheOtherBackEndIsRefused() async throws {
        let folder = try Scene.folder()
        let job = ["image.tif", "--psf", "psf.tif", "-o", "out.tif"]
        for (backend, device) in [("cpu", "1"), ("opencl", "0")] {
            let result = try await Command.run(job + ["--backend", backend, "--device", device], in: folder)
            #expect(result.status == 64)
            let end = ", which --backend \(backend) does not use; leave out one of the two\n"
            #expect(result.error.hasPrefix("gpudeconv: --device \(device) is "), "\(result.error)")
            #expect(result.error.hasSuffix(end), "\(result.error)")
            #expect(folder.contents == ["image.tif", "psf.tif"])
        }
    }

    @Test func aLineBreakInAFileNameDoesNotBreakTheMessage() async throws {
        let folder = try Scene.folder()
        try Scene.write(Scene.image + Scene.image, Scene.shape, channels: 2, to: folder.path("a\nb.tif"))
        let result = try await Command.run(
            ["a\nb.tif", "--psf", "psf.tif,psf.tif,psf.tif", "-o", "out.tif"],
            in: folder
        )
        #expect(result.status == 65)
        #expect(
            result.error
                == "gpudeconv: a b.tif has 2 channels, but 3 PSFs are given (psf.tif; psf.tif; psf.tif); "
                + "give one for all or one a channel\n"
        )
    }

    /// Runs the program, and expects its answer, and everything in the folder as it was.
    private func expectRefusal(_ mistake: BadInput, adding options: [String] = []) async throws {
        let folder = try Scene.folder()
        try mistake.prepare(folder)
        let before = folder.files
        let result = try await Command.run(mistake.arguments + options, in: folder)
        #expect(result.status == mistake.status)
        #expect(result.error == "gpudeconv: \(mistake.message)\n")
        #expect(result.output == "")
        #expect(folder.files == before)
    }
}

@Suite struct TruncatedInputTests {
    /// Everything in these files is needed: pixels from the front, directories to the last byte.
    @Test(arguments: ["cpu", "opencl"])
    func anImageCutAtAnyKilobyteIsRefused(backend: String) async throws {
        let folder = try Scene.folder()
        let whole = try folder.bytes("image.tif")
        // Reading comes before any device, so the second back end samples.
        for length in stride(from: 0, to: whole.count, by: backend == "cpu" ? 1024 : 4096) {
            try await expectRefusal(
                of: "cut.tif",
                ["cut.tif", "--psf", "psf.tif"],
                whole.prefix(length),
                backend,
                folder
            )
        }
    }

    @Test func aPSFCutAtAnyKilobyteIsRefused() async throws {
        let folder = try Scene.folder()
        let whole = try folder.bytes("psf.tif")
        for length in stride(from: 0, to: whole.count, by: 1024) {
            try await expectRefusal(
                of: "cut.tif",
                ["image.tif", "--psf", "cut.tif"],
                whole.prefix(length),
                "cpu",
                folder
            )
        }
    }

    /// ImageJ's own file has words behind its last voxel that nobody needs.
    @Test(arguments: [
        ("u16-le-tiles-lzma.tif", nil), ("f32-be-lzw.ome.tif", nil),
        ("u16-be-imagej-one-directory.tif", 400 + 12 * 494),
    ])
    func aFileOfAnotherProgramCutAnywhereIsRefused(name: String, end: Int?) async throws {
        let folder = try Scene.folder()
        let whole = try Data(contentsOf: Fixtures.url("TIFF/\(name)"))
        for part in 0..<6 {
            let length = (end ?? whole.count) * part / 6
            try await expectRefusal(
                of: "cut.tif",
                ["cut.tif", "--psf", "psf.tif"],
                whole.prefix(length),
                "cpu",
                folder
            )
        }
    }

    private func expectRefusal(
        of name: String,
        _ arguments: [String],
        _ bytes: Data,
        _ backend: String,
        _ folder: TemporaryFolder
    ) async throws {
        try bytes.write(to: folder.url.appendingPathComponent(name))
        let before = folder.contents
        let result = try await Command.run(arguments + ["-o", "out.tif", "--backend", backend], in: folder)
        #expect(result.status == 65, "\(bytes.count) bytes")
        #expect(result.error.hasPrefix("gpudeconv: \(name): "), "\(bytes.count) bytes: \(result.error)")
        #expect(result.error.hasSuffix("; copy it again from its source\n"), "\(bytes.count) bytes: \(result.error)")
        #expect(result.error.count(where: \.isNewline) == 1, "\(bytes.count) bytes")
        #expect(result.output == "")
        #expect(folder.contents == before, "\(bytes.count) bytes")
    }
}
