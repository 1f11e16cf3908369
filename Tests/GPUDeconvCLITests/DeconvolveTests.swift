import DeconvIO
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

@Suite struct DeconvolveTests {
    private static let job = ["image.tif", "--psf", "psf.tif", "-o", "out.tif"]

    /// FFTW measures which of its algorithms is fastest and remembers it, so runs agree to the last bit where they share a
    /// memory. This one belongs to a test.
    private let memory = try! TemporaryFolder()

    private func run(_ arguments: [String], in folder: TemporaryFolder) async throws -> CommandResult {
        let result = try await Command.run(
            arguments + ["--backend", "cpu"],
            in: folder,
            environment: ["XDG_CACHE_HOME": memory.url.path]
        )
        #expect(result.status == 0, "\(result.error)")
        return result
    }

    // MARK: What is printed

    @Test(arguments: ["cpu", "opencl"])
    func aRunSaysWhatItDidAndHowItIsToBeJudged(backend: String) async throws {
        let folder = try Scene.folder()
        let result = try await Command.run(Self.job + ["--backend", backend, "--background", "40"], in: folder)
        #expect(result.status == 0)
        #expect(result.error == "")
        let lines = result.output.split(separator: "\n")
        try #require(lines.count == 2, "\(result.output)")
        let did = /out\.tif: 8x24x28 float32; 10 iterations of [0-9.e-]+ s on [^\n;]+, [0-9.]+ s in all/
        #expect(lines[0].wholeMatch(of: did) != nil, "\(result.output)")
        let psf = /a PSF of [0-9x]+ voxels, [0-9. x]+ µm wide at half maximum; [0-9.]+ % of the light kept; .*/
        #expect(lines[1].wholeMatch(of: psf) != nil, "\(result.output)")
        #expect(lines[1].hasSuffix("to what all have gained in likelihood); nothing left out"), "\(result.output)")
        #expect(folder.contents == ["image.tif", "out.tif", "psf.tif"])
    }

    @Test func theSubcommandMayBeLeftOut() async throws {
        let folder = try Scene.folder()
        _ = try await run(Self.job, in: folder)
        _ = try await run(["deconvolve", "image.tif", "--psf", "psf.tif", "-o", "named.tif"], in: folder)
        #expect(try folder.bytes("out.tif") == folder.bytes("named.tif"))
    }

    @Test func quietPrintsNothing() async throws {
        let folder = try Scene.folder()
        let result = try await run(Self.job + ["--quiet"], in: folder)
        #expect(result.output == "")
        #expect(result.error == "")
    }

    @Test func anOffsetThatNobodyMentionedIsPointedOut() async throws {
        let result = try await run(Self.job, in: try Scene.folder())
        let told = /(.*) \(its dark parts hold ([0-9.]+) counts\)\n/
        let (_, line, level) = try #require(result.error.wholeMatch(of: told)).output
        #expect(
            line == "gpudeconv: warning: image.tif: no voxel is dark, as where a camera adds an offset; give that as "
                + "--background, or --background auto to have it found"
        )
        // A ramp of 28 counts begins at 50.
        #expect(try abs(#require(Double(level)) - 53.5) < 1, "\(level)")
    }

    @Test func progressIsShownOnATerminalAndTakenAway() async throws {
        let folder = try Scene.folder()
        let command = #"'"$GPUDECONV" image.tif --psf psf.tif -o out.tif -i 4000 --backend cpu --background 40'"#
        let result = try await Command.run(
            [],
            in: folder,
            through: Command.shell("GPUDECONV=$1 TERM=xterm exec script -qec \(command) /dev/null")
        )
        #expect(result.status == 0)
        let lines = result.output.components(separatedBy: "\r\u{1B}[K")
        #expect(lines.count > 3)
        #expect(lines.contains(String(repeating: "░", count: 20) + " 0 %, reading"))
        #expect(lines.contains { $0.wholeMatch(of: /[█░]{20} [0-9]+ %, computing, [0-9]+ s left/) != nil })
        let last = try #require(lines.last)
        #expect(last.hasPrefix("out.tif: 8x24x28 float32; 4000 iterations"), "\(last)")
        #expect(lines.allSatisfy { $0.count < 80 || $0 == last })
    }

    @Test func noProgressIsShownElsewhere() async throws {
        let folder = try Scene.folder()
        let arguments = Self.job + ["--background", "40", "-i", "1000"]
        #expect(try await run(arguments, in: folder).error == "")
        let dumb = #"'"$GPUDECONV" image.tif --psf psf.tif -o dumb.tif -i 1000 --backend cpu --background 40'"#
        let result = try await Command.run(
            [],
            in: folder,
            through: Command.shell("GPUDECONV=$1 TERM=dumb exec script -qec \(dumb) /dev/null")
        )
        #expect(result.output.hasPrefix("dumb.tif: 8x24x28 float32"), "\(result.output)")
    }

    // MARK: FFT libraries

    @Test func theFFTLibraryIsTheOneAskedFor() async throws {
        let folder = try Scene.folder()
        let job = Self.job + ["--backend", "opencl", "--background", "40", "--fft", "vkfft", "--json", "--quiet"]
        let result = try await Command.run(job, in: folder)
        #expect(result.status == 0, "\(result.error)")
        let report = try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
        #expect(report["fft"] as? String == "vkfft")
    }

    @Test func anFFTLibraryOfDevicesIsRefusedOnTheCPU() async throws {
        let folder = try Scene.folder()
        let result = try await Command.run(Self.job + ["--backend", "cpu", "--fft", "vkfft"], in: folder)
        #expect(result.status == 64)
        #expect(result.error.hasPrefix("gpudeconv: --fft vkfft is for OpenCL devices, and FFTW transforms on "))
        #expect(folder.contents == ["image.tif", "psf.tif"])
    }

    // MARK: Reports

    /// Programs read these: keys may be added, and none may go.
    @Test(arguments: ["cpu", "opencl"])
    func reportsHaveTheseKeys(backend: String) async throws {
        let folder = try Scene.folder()
        let result = try await Command.run(
            Self.job + ["--backend", backend, "--json", "--quiet", "--report", "report.json"],
            in: folder
        )
        #expect(result.status == 0)
        #expect(result.error == "")
        #expect(try folder.bytes("report.json") == Data(result.output.utf8))
        let report = try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
        #expect(
            report.keys.sorted() == [
                "backend", "background", "bottleneck", "boundary", "channels", "command", "computedPSF", "convergence",
                "device",
                "devices",
                "diagnostics",
                "fft",
                "flatField", "halo", "inputs", "iterations", "libraries", "mask", "maskedVoxelCount", "method",
                "observedSum",
                "options", "outcome", "output", "peakDeviceBytes", "peakHostBytes", "program", "psf", "psfModes",
                "resultSum",
                "resumedVolumes", "saturatedInputVoxelCount", "saturatedVoxels",
                "seconds", "secondsPerIteration", "shape", "spacing", "started", "survey", "tileCount", "timepoints",
                "version",
                "voxelsPerSecond",
                "warnings", "workShape",
            ]
        )
        let seconds = try #require(report["seconds"] as? [String: Double])
        #expect(
            seconds.keys.sorted() == [
                "compute", "download", "overlapped", "prepare", "read", "setup", "total", "upload", "write",
            ]
        )
        let parts = seconds.filter { $0.key != "total" }.values.reduce(0, +)
        #expect(parts <= seconds["total"]! * 1.001)
        let convergence = try #require(report["convergence"] as? [[String: Any]])
        #expect(convergence.map { $0.keys.sorted() } == [["channel", "iterations", "poissonDivergence", "timepoint"]])
        #expect(convergence[0]["iterations"] as? [Int] == [1, 5, 10])
        let divergence = try #require(convergence[0]["poissonDivergence"] as? [Double])
        #expect(divergence == divergence.sorted(by: >))
        let psf = try #require(report["psf"] as? [[String: Any]])
        #expect(psf.map { $0.keys.sorted() } == [PSFCommandTests.reportKeys])
        #expect(report["backend"] as? String == backend)
        #expect((report["fft"] as? String).map { $0 == "fftw" } == (backend == "cpu"))
        #expect(report["iterations"] as? Int == 10)
        #expect(report["shape"] as? [Int] == [8, 24, 28])
        #expect(report["spacing"] as? [Double] == [0.3, 0.1, 0.1])
        #expect(report["tileCount"] as? Int == 1)
        #expect(report["warnings"] as? [String] != [])
        let told = try #require((report["diagnostics"] as? [[String: String]])?.first)
        #expect(told["kind"] == "cameraOffset" && told["figures"]?.hasPrefix("its dark parts hold 5") == true)
        let observedSum = Scene.image.reduce(0.0) { $0 + Double($1) }
        #expect(try #require(report["observedSum"] as? Double) == observedSum)
        let resultSum = try Scene.voxels(of: folder.path("out.tif")).reduce(0.0) { $0 + Double($1) }
        #expect(abs(try #require(report["resultSum"] as? Double) - resultSum) <= 1e-9 * resultSum)
    }

    // MARK: Outputs

    @Test(arguments: [("uint16", 65535 as Float), ("uint8", 255)])
    func integersAreRoundedAndSaturateAndAreCounted(type: String, top: Float) async throws {
        let folder = try Scene.folder()
        // So bright that some voxels fit and some do not.
        let scale: Float = top / 900
        try Scene.write(Scene.image.map { $0 * scale }, Scene.shape, to: folder.path("bright.tif"))
        let job = ["bright.tif", "--psf", "psf.tif", "--background", "\(40 * scale)"]
        _ = try await run(job + ["-o", "float.tif"], in: folder)
        let result = try await run(job + ["-o", "out.tif", "--dtype", type, "--report", "report.json"], in: folder)
        let exact = try Scene.voxels(of: folder.path("float.tif"))
        let lost = exact.count { $0 >= top + 0.5 }
        #expect(lost > 10 && lost < exact.count / 2)
        #expect(
            result.error
                == "gpudeconv: warning: out.tif: voxels that did not fit \(type) were set to its largest or smallest "
                + "value; float32 keeps them (\(lost) voxels)\n"
        )
        let output = try ImageFile.open(path: folder.path("out.tif"))
        #expect(output.image.pixelType.rawValue == type)
        #expect(try output.readVolume().floats == exact.map { min($0.rounded(.toNearestOrEven), top) })
        let report = try JSONSerialization.jsonObject(with: folder.bytes("report.json")) as? [String: Any]
        #expect(report?["saturatedVoxels"] as? Int == lost)
    }

    /// What is written under a name must be what the name says.
    @Test func theEndingOfANameSaysWhatIsWritten() async throws {
        let folder = try Scene.folder()
        for (name, isOME) in [("a.tif", false), ("b.TIFF", false), ("c.ome.tif", true), ("d.OME.TIFF", true)] {
            _ = try await run(["image.tif", "--psf", "psf.tif", "-o", name, "-i", "1"], in: folder)
            let text = String(decoding: try folder.bytes(name), as: UTF8.self)
            #expect(text.contains("<OME ") == isOME && text.contains("ImageJ=") != isOME, "\(name)")
        }
        let prepared = try await Command.run(["psf", "prepare", "psf.tif", "-o", "ready.ome.tif"], in: folder)
        #expect(prepared.status == 0, "\(prepared.error)")
        #expect(String(decoding: try folder.bytes("ready.ome.tif"), as: UTF8.self).contains("<OME "))
        let before = folder.contents
        for (arguments, name) in [
            (Self.job.dropLast() + ["out.png"], "out.png"), (Self.job.dropLast() + ["out"], "out"),
            (Self.job.dropLast() + ["out.nd2"], "out.nd2"),
            (["psf", "prepare", "psf.tif", "-o", "psf.zarr"], "psf.zarr"),
            (["preview", "image.tif", "-o", "image.jpg"], "image.jpg"),
        ] {
            let result = try await Command.run(Array(arguments), in: folder)
            #expect(result.status == 64 && result.error.hasPrefix("gpudeconv: \(name): "), "\(result.error)")
            #expect(result.error.contains("give") && folder.contents == before)
        }
    }

    /// Floats of 0 to 1 are common, and nothing is to be seen of their result as integers.
    @Test(arguments: ["unit.tif", "unit.zarr"], [5000 as Float, 1000])
    func aResultOfWhichItsTypeLeavesNothingIsRefused(name: String, divisor: Float) async throws {
        let folder = try Scene.folder()
        let dim = Scene.image.map { $0 / divisor }
        try Scene.write(dim, Scene.shape, to: folder.path("dim.tif"))
        let options = ["--psf", "psf.tif", "-o", name, "-i", "2", "--backend", "cpu", "--dtype", "uint16"]
        let result = try await Command.run(["dim.tif"] + options, in: folder)
        #expect(result.status == 64)
        #expect(
            result.error.hasPrefix(
                "gpudeconv: dim.tif: as uint16 the result would hold nothing but 0 and 1, for the brightest "
            ),
            "\(result.error)"
        )
        #expect(folder.contents == ["dim.tif", "image.tif", "psf.tif"])
        // Among others a dim volume is said, whichever comes first.
        for volumes in [Scene.image + dim, dim + Scene.image] {
            try? FileManager.default.removeItem(atPath: folder.path("fading.tif"))
            try Scene.write(volumes, Scene.shape, timepoints: 2, to: folder.path("fading.tif"))
            let both = try await run(
                ["fading.tif"] + options.dropLast(4) + ["--dtype", "uint16", "--overwrite"],
                in: folder
            )
            let time = volumes.prefix(dim.count) == dim[...] ? 0 : 1
            #expect(
                both.error.contains(
                    "warning: fading.tif: as uint16 the result would hold nothing but 0 and 1 in some volumes (channel 0, time "
                        + "point \(time): the brightest voxel has "
                ),
                "\(both.error)"
            )
        }
        // Nothing else in any of them.
        try Scene.write(dim + dim, Scene.shape, timepoints: 2, to: folder.path("dark.tif"))
        let all = try await Command.run(["dark.tif"] + options + ["--overwrite"], in: folder)
        #expect(all.status == 64 && all.error.contains("nothing but 0 and 1 in all volumes"), "\(all.error)")
    }

    /// Warnings were told apart by their words, among which names of files are.
    @Test func aFileThatIsCalledSpacingKeepsItsWarnings() async throws {
        let folder = try Scene.folder()
        let spacings = ["--spacing", "0.3,0.1,0.1", "--psf-spacing", "0.3,0.1,0.1", "--background", "40"]
        try folder.copy(Fixtures.url("TIFF/u16-le-two-images.ome.tif"), as: "spacing.tif")
        let result = try await run(["spacing.tif"] + Self.job.dropFirst() + spacings, in: folder)
        #expect(
            result.error.contains(
                "gpudeconv: warning: spacing.tif: holds 2 images; image 0, cells, is used; --array picks one by number or name\n"
            ),
            "\(result.error)"
        )
    }

    @Test(arguments: [[], ["--ome"], ["--deflate"], ["--ome", "--deflate"]])
    func outputsKeepAxesAndSpacing(options: [String]) async throws {
        let folder = try Scene.folder()
        let spacing = VoxelSpacing(z: 0.25, y: 0.125, x: 0.0625)
        try Scene.write(
            Scene.image + Scene.image + Scene.image + Scene.image,
            Scene.shape,
            channels: 2,
            timepoints: 2,
            spacing: spacing,
            to: folder.path("many.tif")
        )
        _ = try await run(["many.tif", "--psf", "psf.tif", "-o", "out.tif", "-i", "1"] + options, in: folder)
        let output = try ImageFile.open(path: folder.path("out.tif"))
        #expect(output.image.shape == Scene.shape)
        #expect(output.image.channelCount == 2)
        #expect(output.image.timepointCount == 2)
        #expect(output.image.pixelType == .float32)
        let read = try #require(output.image.spacing)
        #expect(read.matches(spacing, relativeTolerance: 1e-6))
        let text = String(decoding: try folder.bytes("out.tif"), as: UTF8.self)
        #expect(text.contains("<OME ") == options.contains("--ome"))
        #expect(text.contains("ImageJ=") != options.contains("--ome"))
        let isPacked = try folder.bytes("out.tif").count < 4 * 4 * Scene.shape.voxelCount
        #expect(isPacked == options.contains("--deflate"))
    }

    @Test func aSpacingThatIsGivenIsWritten() async throws {
        let folder = try Scene.folder()
        _ = try await run(Self.job + ["--spacing", "0.5,0.2,0.25", "-i", "1"], in: folder)
        let spacing = try ImageFile.open(path: folder.path("out.tif")).image.spacing
        #expect(spacing?.matches(VoxelSpacing(z: 0.5, y: 0.2, x: 0.25), relativeTolerance: 1e-6) == true)
    }

    @Test func overwriteReplacesOutputAndReport() async throws {
        let folder = try Scene.folder()
        let arguments = Self.job + ["--report", "report.json", "--overwrite"]
        for name in ["out.tif", "report.json"] {
            try Data("old".utf8).write(to: folder.url.appendingPathComponent(name))
        }
        _ = try await run(arguments, in: folder)
        #expect(try Scene.voxels(of: folder.path("out.tif")).count == Scene.shape.voxelCount)
        #expect(try folder.bytes("report.json").first == UInt8(ascii: "{"))
        #expect(folder.contents == ["image.tif", "out.tif", "psf.tif", "report.json"])
    }

    // MARK: Sensitivity

    /// A flat field of one plane, voxels that are no numbers under a mask, and some that are saturated.
    @Test(arguments: ["cpu", "opencl"], [[], ["--tile", "8,12,28"]])
    func badVoxelsDoNotCount(backend: String, tiles: [String]) async throws {
        let folder = try Scene.folder()
        let plane = VolumeShape(z: 1, y: Scene.shape.y, x: Scene.shape.x)
        let lamp = (0..<plane.voxelCount).map { 200 - Float($0 % plane.x) }
        let dead = Set(stride(from: 17, to: Scene.shape.voxelCount, by: 61))
        let mask: [Float] = Scene.image.indices.map { dead.contains($0) ? 0 : 255 }
        let observed = Scene.image.enumerated().map { index, counts in
            dead.contains(index) ? Float.nan : (counts * lamp[index % plane.voxelCount] / 186).rounded()
        }
        try Scene.write(observed, Scene.shape, to: folder.path("camera.tif"))
        try Scene.write(lamp, plane, spacing: nil, pixelType: .uint16, to: folder.path("flat.tif"))
        try Scene.write(mask, Scene.shape, spacing: nil, pixelType: .uint8, to: folder.path("good.tif"))
        let maps = ["--flat-field", "flat.tif", "--mask", "good.tif", "--saturation", "700", "--background", "40"]
        let result = try await Command.run(
            ["camera.tif", "--psf", "psf.tif", "-o", "out.tif", "--report", "report.json"] + maps + tiles
                + ["--backend", backend],
            in: folder
        )
        #expect(result.status == 0, "\(result.error)")
        let saturated = observed.count { $0 >= 700 }
        #expect(saturated > 3)
        #expect(
            result.error
                == "gpudeconv: warning: camera.tif: --saturation 700 leaves voxels out (\(saturated) of "
                + "\(observed.count))\n"
        )
        let report = try #require(
            try JSONSerialization.jsonObject(with: folder.bytes("report.json")) as? [String: Any]
        )
        #expect(report["flatField"] as? String == "flat.tif")
        #expect(report["mask"] as? String == "good.tif")
        #expect(report["maskedVoxelCount"] as? Int == dead.count)
        #expect(report["saturatedInputVoxelCount"] as? Int == saturated)
        // What the camera would have shown without its faults gives nearly the same.
        _ = try await run(["image.tif", "--psf", "psf.tif", "-o", "ideal.tif", "--background", "40"], in: folder)
        let output = try Scene.voxels(of: folder.path("out.tif"))
        #expect(output.allSatisfy { $0.isFinite && $0 >= 0 })
        #expect(relativeRMSE(output, try Scene.voxels(of: folder.path("ideal.tif"))) < 0.1)
    }

    @Test func thePlanHasRoomForTheMask() async throws {
        let folder = try Scene.folder()
        try Scene.write(Scene.image, Scene.shape, to: folder.path("good.tif"))
        let job = ["plan", "image.tif", "--psf", "psf.tif"]
        let without = try await run(job, in: folder)
        let with = try await run(job + ["--mask", "good.tif"], in: folder)
        #expect(!without.output.contains("sensitivity"))
        #expect(with.output.contains("\n  sensitivity 22 kB\n"), "\(with.output)")
    }

    // MARK: Many volumes

    /// Two channels at two time points, all different, and two PSFs.
    @Test(arguments: [["psf.tif"], ["psf.tif", "wide.tif"]])
    func everyVolumeOfAHyperstackIsWhatItIsAlone(psfs: [String]) async throws {
        let folder = try Scene.folder()
        try Scene.write(Scene.psf(sigma: [1.3, 1.7, 1.5]), Scene.psfShape, to: folder.path("wide.tif"))
        let volumes = (0..<4).map { number in Scene.image.map { $0 * Float(number + 1) + Float(number) } }
        let plane = Scene.shape.planeVoxelCount
        var hyperstack: [Float] = []
        for timepoint in 0..<2 {
            for z in 0..<Scene.shape.z {
                for channel in 0..<2 { hyperstack += volumes[2 * timepoint + channel][z * plane..<(z + 1) * plane] }
            }
        }
        try Scene.write(hyperstack, Scene.shape, channels: 2, timepoints: 2, to: folder.path("many.tif"))
        let together = try await run(
            ["many.tif", "--psf", psfs.joined(separator: ","), "-o", "out.tif"],
            in: folder
        )
        #expect(together.output.hasPrefix("out.tif: 8x24x28 float32, 2 channels, 2 time points; 10 iterations"))
        for (number, voxels) in volumes.enumerated() {
            try Scene.write(voxels, Scene.shape, to: folder.path("one.tif"))
            let psf = psfs[psfs.count == 1 ? 0 : number % 2]
            _ = try await run(["one.tif", "--psf", psf, "-o", "alone.tif"], in: folder)
            let alone = try Scene.voxels(of: folder.path("alone.tif"))
            #expect(
                try Scene.voxels(of: folder.path("out.tif"), channel: number % 2, timepoint: number / 2) == alone,
                "volume \(number)"
            )
            for name in ["one.tif", "alone.tif"] { try FileManager.default.removeItem(atPath: folder.path(name)) }
        }
    }

    @Test func aPSFOfSeveralChannelsIsOnePSFForEach() async throws {
        let folder = try Scene.folder()
        let wide = Scene.psf(sigma: [1.3, 1.7, 1.5])
        try Scene.write(wide, Scene.psfShape, to: folder.path("wide.tif"))
        let plane = Scene.psfShape.planeVoxelCount
        let narrow = Scene.psf()
        var both: [Float] = []
        for start in stride(from: 0, to: narrow.count, by: plane) {
            both += narrow[start..<start + plane]
            both += wide[start..<start + plane]
        }
        try Scene.write(both, Scene.psfShape, channels: 2, to: folder.path("both.tif"))
        try Scene.write(Scene.image + Scene.image, Scene.shape, channels: 2, to: folder.path("many.tif"))
        _ = try await run(["many.tif", "--psf", "psf.tif,wide.tif", "-o", "a.tif"], in: folder)
        _ = try await run(["many.tif", "--psf", "both.tif", "-o", "b.tif"], in: folder)
        for channel in 0..<2 {
            let (apart, together) = (folder.path("a.tif"), folder.path("b.tif"))
            #expect(try Scene.voxels(of: apart, channel: channel) == Scene.voxels(of: together, channel: channel))
        }
    }

    @Test(arguments: ["cpu", "opencl"])
    func anImageOfOnePlaneIsDeconvolved(backend: String) async throws {
        let folder = try TemporaryFolder()
        let shape = VolumeShape(z: 1, y: 24, x: 28)
        let psfShape = VolumeShape(z: 1, y: 9, x: 11)
        let image = GaussianPSF.voxels(shape: shape, sigma: [1, 3, 3], peak: 1000).map { Float($0.rounded()) }
        let psf = GaussianPSF.voxels(shape: psfShape, sigma: [1, 1.5, 1.5], peak: 500).map { Float($0) }
        try Scene.write(image, shape, pixelType: .uint16, to: folder.path("image.tif"))
        try Scene.write(psf, psfShape, to: folder.path("psf.tif"))
        let result = try await Command.run(Self.job + ["--backend", backend], in: folder)
        #expect(result.status == 0)
        #expect(result.output.hasPrefix("out.tif: 1x24x28 float32; 10 iterations"), "\(result.output)")
        let sharp = try Scene.voxels(of: folder.path("out.tif"))
        // Narrower and so brighter, with the light kept.
        #expect(sharp.max()! > 1.15 * 1000)
        let light = Double(image.reduce(0, +))
        #expect(abs(Double(sharp.reduce(0, +)) - light) < 0.03 * light)
    }

    @Test func tilesAreCountedAndLeaveNoSeams() async throws {
        let folder = try Scene.folder()
        _ = try await run(Self.job, in: folder)
        let result = try await run(
            ["image.tif", "--psf", "psf.tif", "-o", "tiled.tif", "--tile", "8,12,28", "--verbose"],
            in: folder
        )
        #expect(result.output.contains(" in 2 tiles, "), "\(result.output)")
        let whole = try Scene.voxels(of: folder.path("out.tif"))
        #expect(relativeRMSE(try Scene.voxels(of: folder.path("tiled.tif")), whole) < 0.01)
    }
}
