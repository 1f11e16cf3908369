import DeconvIO
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

/// The subcommands around the main one.
@Suite struct SubcommandTests {
    private func object(_ result: CommandResult) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    }

    // MARK: simulate

    @Test func aSimulationIsItsSeed() async throws {
        let folder = try TemporaryFolder()
        // Shared, so that both blur with the same transforms to the last bit.
        let memory = try TemporaryFolder()
        func simulate(_ name: String, seed: Int) async throws -> [Data] {
            let result = try await Command.run(
                [
                    "simulate", name, "--shape", "8,24,28", "--psf-shape", "7,9,11", "--seed", "\(seed)", "--backend",
                    "cpu",
                ],
                in: folder,
                environment: ["XDG_CACHE_HOME": memory.url.path]
            )
            #expect(result.status == 0)
            #expect(result.error == "")
            #expect(result.output == "\(name)/truth.tif\n\(name)/observed.tif\n\(name)/psf.tif\n")
            return try ["truth", "observed", "psf"].map { try folder.bytes("\(name)/\($0).tif") }
        }
        let first = try await simulate("a", seed: 7)
        let same = try await simulate("b", seed: 7)
        let other = try await simulate("c", seed: 8)
        #expect(first == same)
        #expect(first[0] != other[0])
        #expect(first[1] != other[1])
        #expect(first[2] == other[2])
    }

    @Test(arguments: ["cpu", "opencl"])
    func aSimulationIsWhatItSays(backend: String) async throws {
        let folder = try TemporaryFolder()
        let result = try await Command.run(
            ["simulate", "new/cell", "--shape", "8,24,28", "--psf-shape", "7,9,11", "--json", "--backend", backend],
            in: folder
        )
        #expect(result.status == 0)
        let files = try object(result)
        #expect(files.keys.sorted() == ["observed", "psf", "saturatedVoxels", "truth"])
        #expect(files["saturatedVoxels"] as? Int == 0)
        let truth = try ImageFile.open(path: folder.path("new/cell/truth.tif"))
        let observed = try ImageFile.open(path: folder.path("new/cell/observed.tif"))
        let psf = try ImageFile.open(path: folder.path("new/cell/psf.tif"))
        #expect(truth.image.pixelType == .float32 && observed.image.pixelType == .uint16)
        #expect(truth.image.shape == Scene.shape && observed.image.shape == Scene.shape)
        #expect(psf.image.shape == Scene.psfShape)
        #expect(try truth.readVolume().floats.max() == 5000)
        #expect(abs(try psf.readVolume().floats.reduce(0.0) { $0 + Double($1) } - 1) < 1e-6)
        for image in [truth.image, observed.image, psf.image] {
            let spacing = try #require(image.spacing)
            #expect(spacing.matches(VoxelSpacing(z: 0.25, y: 0.1, x: 0.1), relativeTolerance: 1e-6))
        }
        #expect(folder.contents == ["new"])
    }

    @Test func moreThanTheMemoryHoldsIsRefused() async throws {
        let folder = try TemporaryFolder()
        let result = try await Command.run(["simulate", "cell", "--shape", "100000,100000,100000"], in: folder)
        #expect(result.status == 71)
        #expect(
            result.error.hasPrefix("gpudeconv: --shape 100000,100000,100000: takes about 32000 TB but "),
            "\(result.error)"
        )
        #expect(result.error.hasSuffix(" are free; give a smaller one\n"))
        #expect(folder.contents == [])
    }

    // MARK: compare

    /// One voxel of 12 is off by 3; Σb² = 650, largest 12, 4 rows; the correlation is numpy.corrcoef's.
    @Test func aComparisonGivesTheMeasuresWorkedOutByHand() async throws {
        let folder = try TemporaryFolder()
        let shape = VolumeShape(z: 2, y: 2, x: 3)
        try Scene.write([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 15], shape, to: folder.path("a.tif"))
        try Scene.write([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], shape, to: folder.path("b.tif"))
        let result = try await Command.run(["compare", "a.tif", "b.tif"], in: folder)
        #expect(result.status == 0)
        #expect(result.error == "")
        #expect(
            result.output == """
                NRMSE                    0.11767
                PSNR                     22.833 dB
                Pearson                  0.982628
                max absolute difference  3
                max relative difference  0.25
                largest row NRMSE        0.235339

                """
        )
        let json = try object(
            try await Command.run(["compare", "a.tif", "b.tif", "--json", "--match-scale"], in: folder)
        )
        #expect(
            json.keys.sorted() == [
                "largestRowNRMSE", "maxAbsoluteDifference", "maxRelativeDifference", "nrmse", "pearson", "psnr",
                "scale",
                "voxelCount",
            ]
        )
        #expect(abs(try #require(json["scale"] as? Double) - 686.0 / 731) < 1e-12)
    }

    @Test func identicalImagesHaveNoPSNR() async throws {
        let folder = try Scene.folder()
        let result = try await Command.run(["compare", "image.tif", "image.tif"], in: folder)
        #expect(result.status == 0)
        #expect(result.output.contains("NRMSE                    0\nPSNR                     -\n"))
        let json = try object(try await Command.run(["compare", "image.tif", "image.tif", "--json"], in: folder))
        #expect(json["psnr"] is NSNull)
    }

    // MARK: preview

    @Test func aPreviewIsAPictureOfOneImageOrTwo() async throws {
        let folder = try Scene.folder()
        func preview(_ images: [String], _ name: String) async throws -> (width: Int, height: Int) {
            let result = try await Command.run(["preview"] + images + ["-o", name], in: folder)
            #expect(result.status == 0)
            #expect(result.output == "\(name)\n")
            #expect(result.error == "")
            let bytes = try [UInt8](folder.bytes(name))
            #expect(Array(bytes.prefix(8)) == [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
            #expect(Array(bytes.suffix(8).prefix(4)) == Array("IEND".utf8))
            func number(_ start: Int) -> Int { bytes[start..<start + 4].reduce(0) { 256 * $0 + Int($1) } }
            return (number(16), number(20))
        }
        let one = try await preview(["image.tif"], "one.png")
        let two = try await preview(["image.tif", "image.tif"], "two.png")
        // Planes of 28 x 24 voxels and a depth of 24 in the same unit, enlarged by the same whole factor.
        #expect((200...900).contains(one.width) && (200...900).contains(one.height))
        #expect(two.width > two.height)
        #expect((200...900).contains(two.width))
    }

    @Test(arguments: [
        ["--section", "3,8,10"], ["--section", "brightest"], ["--animate", "turn"], ["--animate", "walk"],
        ["--common-scale"],
    ])
    func aPreviewShowsSectionsAndMoves(options: [String]) async throws {
        let folder = try Scene.folder()
        let result = try await Command.run(["preview", "image.tif", "image.tif", "-o", "a.png"] + options, in: folder)
        #expect(result.status == 0 && result.error == "", "\(result.error)")
        let bytes = try folder.bytes("a.png")
        let isAnimated = bytes.range(of: Data("acTL".utf8)) != nil
        #expect(isAnimated == options.contains("--animate"))
    }

    @Test func channelsAreDrawnInTheColorsOfTheirFile() async throws {
        let folder = try TemporaryFolder()
        let shape = VolumeShape(z: 2, y: 20, x: 20)
        // Planes in the order z, channel: light on the left in the first, on the right in the second.
        let voxels = (0..<2).flatMap { _ in
            (0..<2).flatMap { channel in
                (0..<400).map { Float((($0 % 20 < 10) == (channel == 0)) ? 100 : 0) }
            }
        }
        try Scene.write(voxels, shape, channels: 2, to: folder.path("two.tif"))
        func colorType(_ options: [String]) async throws -> UInt8 {
            let result = try await Command.run(
                ["preview", "two.tif", "-o", "a.png", "--overwrite"] + options,
                in: folder
            )
            #expect(result.status == 0, "\(result.error)")
            return try [UInt8](folder.bytes("a.png"))[25]
        }
        #expect(try await colorType([]) == 2)
        #expect(try await colorType(["--channel", "1"]) == 0)
    }

    // MARK: devices and plan

    /// Headers are a few bytes, whatever they claim.
    @Test func whatAHeaderClaimsAndMemoryCannotHoldIsOneLine() async throws {
        let folder = try TemporaryFolder()
        func claim(_ name: String, _ shape: [Int]) throws {
            try FileManager.default.createDirectory(atPath: folder.path(name), withIntermediateDirectories: true)
            let text = """
                {"zarr_format": 2, "shape": \(shape), "chunks": \(shape.map { min($0, 16) }), "dtype": "|u1", "compressor": null,
                "fill_value": 0, "order": "C", "filters": null}
                """
            try text.write(toFile: folder.path("\(name)/.zarray"), atomically: true, encoding: .utf8)
        }
        try claim("planes.zarr", [2, 2, 6, 1_000_000_000, 18])
        try claim("volumes.zarr", [1 << 40, 1, 4, 4])
        try claim("volume.zarr", [1 << 47, 4, 4])
        try claim("voxels.zarr", [1 << 59, 1, 1])
        try Scene.write(Scene.psf(), Scene.psfShape, to: folder.path("psf.tif"))
        let psf = ["--psf", "psf.tif", "--backend", "cpu"]
        for (arguments, status, words) in [
            (
                ["preview", "planes.zarr", "-o", "a.png"], 71,
                "planes.zarr: projections of 6x1000000000x18 voxels take "
            ),
            (["preview", "volume.zarr", "-o", "a.png"], 71, "volume.zarr: projections of "),
            (["preview", "volumes.zarr", "-o", "a.png"], 65, "volumes.zarr: claims 1099511627776 volumes of "),
            (["compare", "planes.zarr", "planes.zarr"], 71, "planes.zarr: planes of 1000000000x18 voxels take "),
            (["plan", "volume.zarr"] + psf, 65, "volume.zarr: volumes of 140737488355328x4x4 voxels are more than "),
            (["plan", "volumes.zarr", "--time", "0"] + psf, 65, "volumes.zarr: claims 1099511627776 volumes of "),
            (["plan", "voxels.zarr"] + psf, 65, "voxels.zarr: is damaged: it claims more elements than memory has"),
            (
                ["plan", "volume.zarr", "--psf", "volume.zarr"], 65,
                "volume.zarr: 140737488355328x4x4 voxels are too many "
            ),
            (["psf", "inspect", "volume.zarr"], 65, "volume.zarr: 140737488355328x4x4 voxels are too many "),
        ] as [([String], Int32, String)] {
            let run = try await Command.run(arguments, in: folder)
            #expect(run.status == status && run.error.hasPrefix("gpudeconv: \(words)"), "\(arguments): \(run.error)")
            #expect(run.error.count { $0 == "\n" } == 1 && run.output == "", "\(arguments): \(run.error)")
        }
        #expect(folder.contents.count == 5)
    }

    @Test func devicesAreListedWithTheCPUFirst() async throws {
        let folder = try TemporaryFolder()
        let result = try await Command.run(["devices", "--json"], in: folder)
        #expect(result.status == 0)
        let devices = try #require(
            try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [[String: Any]]
        )
        #expect(devices.count >= 2, "OpenCL tests need a device, such as PoCL's")
        for (number, device) in devices.enumerated() {
            #expect(
                device.keys.sorted() == [
                    "backend", "computeUnits", "driver", "largestBufferBytes", "memoryBytes", "name", "number", "type",
                ]
            )
            #expect(device["number"] as? Int == number)
            #expect(device["backend"] as? String == (number == 0 ? "cpu" : "opencl"))
        }
        let text = try await Command.run(["devices"], in: folder)
        #expect(text.status == 0)
        for (number, device) in devices.enumerated() {
            #expect(text.output.contains("\(number)  \(try #require(device["name"] as? String))\n"))
        }
    }

    @Test func aDeviceIsFoundByNumberAndName() async throws {
        let folder = try Scene.folder()
        let list = try await Command.run(["devices", "--json"], in: folder)
        let devices = try #require(
            try JSONSerialization.jsonObject(with: Data(list.output.utf8)) as? [[String: Any]]
        )
        let name = try #require(devices[1]["name"] as? String)
        for (device, backend) in [("0", "cpu"), ("cpu", "cpu"), ("1", "opencl"), (name.uppercased(), "opencl")] {
            let plan = try object(
                try await Command.run(
                    ["plan", "image.tif", "--psf", "psf.tif", "--json", "--device", device],
                    in: folder
                )
            )
            #expect(plan["backend"] as? String == backend, "--device \(device)")
        }
    }

    @Test(arguments: ["cpu", "opencl"])
    func aPlanHasTheseKeysAndWritesNothing(backend: String) async throws {
        let folder = try Scene.folder()
        let arguments = [
            "plan", "image.tif", "--psf", "psf.tif", "--tile", "8,12,28", "--backend", backend,
        ]
        let result = try await Command.run(arguments + ["--json"], in: folder)
        #expect(result.status == 0)
        #expect(result.error == "")
        let plan = try object(result)
        // PoCL's compiler would take longer than the job.
        let seconds = backend == "cpu" ? ["seconds", "secondsPerIteration"] : []
        #expect(
            plan.keys.sorted()
                == ([
                    "backend", "boundary", "channels", "device", "deviceBytes", "halo", "iterations", "keptBytes",
                    "method",
                    "psf", "psfModes", "readBytes", "shape", "spacing", "tileCount", "tiles", "timepoints",
                    "transformsPerIteration", "usesScratchFiles", "views",
                    "warnings", "workShape", "writeBytes",
                ] + seconds).sorted()
        )
        #expect(plan["tiles"] as? [Int] == [1, 2, 1])
        #expect(plan["tileCount"] as? Int == 2)
        let text = try await Command.run(arguments, in: folder)
        #expect(text.output.contains("\ntiles         2 (1x2x1), halo "), "\(text.output)")
        #expect(folder.contents == ["image.tif", "psf.tif"])
    }
}
