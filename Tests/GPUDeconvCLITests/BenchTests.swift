import DeconvDevice
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

/// `gpudeconv bench`, at the transform that tests share: 14x24x28 under `extend`.
@Suite struct BenchTests {
    private static let tiny = ["bench", "--shape", "8,16,18", "--psf-shape", "7,9,11", "--iterations", "3"]

    private func object(_ result: CommandResult) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    }

    @Test func allDevicesAreMeasuredAndTheKeysAreThese() async throws {
        let folder = try TemporaryFolder()
        let result = try await Command.run(Self.tiny + ["--json", "--baseline"], in: folder)
        #expect(result.status == 0)
        #expect(result.error == "")
        let report = try object(result)
        #expect(
            report.keys.sorted() == [
                "boundary", "devices", "iterations", "method", "pixelType", "psfShape", "seed", "shape", "skipped",
                "timedIterations",
            ]
        )
        #expect(report["iterations"] as? Int == 5 && report["timedIterations"] as? Int == 3)
        #expect((report["skipped"] as? [Any])?.isEmpty == true)
        let devices = try #require(report["devices"] as? [[String: Any]])
        #expect(devices.count >= 2, "OpenCL tests need a device, such as PoCL's")
        for (number, device) in devices.enumerated() {
            #expect(
                device.keys.sorted() == [
                    "backend", "baseline", "check", "computeUnits", "copyBytesPerSecond", "device", "deviceBytes",
                    "deviceBytesPerWorkVoxel", "deviceIterationSeconds", "deviceSecondsPerIteration", "driver",
                    "fastestIterationSeconds", "fft", "firstIterationSeconds",
                    "iterationPerTransforms", "iterationSeconds", "leastBytes", "leastBytesPerSecond", "nominalFlops",
                    "nominalFlopsPerSecond", "number", "partOfCopyRate", "passSeconds", "passes", "peakHostBytes",
                    "peakHostBytesPerWorkVoxel",
                    "secondsPerIteration", "setupSeconds", "transfers", "transformSeconds", "warnings", "workShape",
                ]
            )
            for key in ["check", "passes", "passSeconds", "transfers"] { #expect(device[key] is NSNull, "\(key)") }
            #expect(device["number"] as? Int == number)
            #expect(device["backend"] as? String == (number == 0 ? "cpu" : "opencl"))
            #expect((device["iterationSeconds"] as? [Double])?.count == 3)
            let setup = try #require(device["setupSeconds"] as? [String: Double])
            #expect(setup.keys.sorted() == ["plans", "total", "transferFunction", "upload"])
            guard number > 0 else {
                #expect(device["baseline"] is NSNull)
                #expect(device["deviceIterationSeconds"] is NSNull)
                #expect(device["deviceSecondsPerIteration"] is NSNull)
                continue
            }
            // Both clocks are read at the ends of iterations, the wall's when somebody wakes up who waited.
            let seconds = try #require(device["deviceIterationSeconds"] as? [Double])
            #expect(seconds.count == 3)
            let wall = try #require(device["iterationSeconds"] as? [Double])
            for (seconds, wall) in zip(seconds, wall) { #expect(seconds > 0 && seconds < 2 * wall + 0.1) }
            let baseline = try #require(device["baseline"] as? [String: Any])
            #expect(
                baseline.keys.sorted() == [
                    "deviceBytes", "fastestIterationSeconds", "firstIterationSeconds", "iterationSeconds", "nrmse",
                    "secondsPerIteration", "setupSeconds",
                ]
            )
            #expect(try #require(baseline["nrmse"] as? Double) < 1e-5)
        }
        #expect(folder.contents == [])
    }

    @Test func theTableHasAColumnForEachDevice() async throws {
        let folder = try TemporaryFolder()
        let result = try await Command.run(Self.tiny + ["--device", "cpu", "--threads", "1"], in: folder)
        #expect(result.status == 0)
        #expect(result.error == "")
        #expect(
            result.output.hasPrefix(
                "image       8x16x18 uint16\nPSF         7x9x11, boundary extend\nmethod      richardson-lucy\n"
            ),
            "\(result.output)"
        )
        #expect(result.output.contains(", cpu, 1 thread\n"))
        let names = result.output.split(separator: "\n").dropFirst(6).map { line in
            line.split(separator: "  ").first.map(String.init) ?? ""
        }
        #expect(
            names == [
                "FFT library", "work shape", "set-up", "plans, memory", "OTF, weights", "upload", "first iteration",
                "iteration, median", "iteration, fastest", "bare transforms, fastest", "iteration / transforms",
                "device bytes / work voxel", "process bytes / work voxel", "nominal arithmetic", "least traffic",
                "copy rate", "least traffic / copy rate",
            ],
            "\(names)"
        )
    }

    @Test(arguments: TestBackend.libraries)
    func aLibraryAskedForTransformsOnOpenCLDevices(choice: FFTChoice) async throws {
        let folder = try TemporaryFolder()
        let arguments = Self.tiny + ["--fft", choice.rawValue]
        let all = try await Command.run(arguments + ["--json"], in: folder)
        #expect(all.status == 0)
        let devices = try #require(try object(all)["devices"] as? [[String: Any]])
        let libraries = devices.map { $0["fft"] as? String }
        #expect(libraries == ["fftw"] + [String](repeating: choice.rawValue, count: devices.count - 1))
        for cpu in [["--device", "0"], ["--backend", "cpu"]] {
            let refused = try await Command.run(arguments + cpu, in: folder)
            #expect(refused.status == 64 && refused.output == "")
            #expect(
                refused.error.hasPrefix(
                    "gpudeconv: --fft \(choice.rawValue) is for OpenCL devices, and FFTW transforms on "
                )
            )
        }
    }

    @Test func bothLibrariesAreMeasuredAndCheckedOneAfterTheOther() async throws {
        let folder = try TemporaryFolder()
        let result = try await Command.run(
            Self.tiny + ["--backend", "opencl", "--fft", "both", "--check", "--json", "--save", "."],
            in: folder
        )
        #expect(result.status == 0)
        #expect(result.error == "")
        let devices = try #require(try object(result)["devices"] as? [[String: Any]])
        #expect(devices.prefix(2).map { $0["fft"] as? String } == ["clfft", "vkfft"])
        #expect(devices.prefix(2).allSatisfy { $0["number"] as? Int == 1 })
        // The CPU's result, which was computed for the comparison alone, from the program itself.
        let cpu = try await Command.run(Self.tiny + ["--device", "cpu", "--save", "cpu"], in: folder)
        #expect(cpu.status == 0)
        let expected = try Scene.voxels(of: folder.path("cpu/result-0.tif"))
        for device in devices.prefix(2) {
            let library = try #require(device["fft"] as? String)
            let check = try #require(device["check"] as? [String: Any])
            #expect(check.keys.sorted() == ["limit", "nrmse", "passed"])
            #expect(check["passed"] as? Bool == true && check["limit"] as? Double == 1e-4)
            let nrmse = try #require(check["nrmse"] as? Double)
            let ours = try relativeRMSE(Scene.voxels(of: folder.path("result-1-\(library).tif")), expected)
            #expect(nrmse > 0 && abs(nrmse - ours) < 1e-8)
        }

        let table = try await Command.run(Self.tiny + ["--fft", "both", "--check"], in: folder)
        #expect(table.status == 0)
        #expect(table.output.contains(/\nFFT library +FFTW +clFFT +VkFFT/), "\(table.output)")
        #expect(table.output.contains(/\nNRMSE to the CPU +- +[0-9.]+e-07 +[0-9.]+e-07/), "\(table.output)")
        let refused = try await Command.run(Self.tiny + ["--fft", "both", "--device", "cpu"], in: folder)
        #expect(refused.status == 64 && refused.output == "")
        #expect(refused.error.hasPrefix("gpudeconv: --fft both is for OpenCL devices, and FFTW transforms on "))
    }

    private static let passNames: [String: [String]] = [
        "fftw": ["forward: slabs", "forward: rows, ratio", "back: slabs", "back: rows, update"],
        "clfft": ["forward", "back"].flatMap { half in
            ["rows", "lines", "columns, product", "inverse columns", "inverse lines"].map { "\(half): \($0)" }
                + ["\(half): inverse rows, \(half == "forward" ? "ratio" : "update")"]
        },
        // The domain fills the transform along z, and the frame does not.
        "vkfft": ["forward: estimate to planes", "forward: rows", "forward: lines", "forward: columns"]
            + ["product", "inverse columns", "inverse lines", "inverse rows", "ratio"].map { "forward: \($0)" }
            + ["rows", "lines", "clearing", "columns", "product", "inverse columns", "inverse lines", "inverse rows"]
            .map { "back: \($0)" } + ["back: update"],
    ]

    @Test func passesHaveNamesBytesAndTimesThatAddUp() async throws {
        let folder = try TemporaryFolder()
        let result = try await Command.run(Self.tiny + ["--fft", "both", "--passes", "--json"], in: folder)
        #expect(result.status == 0)
        #expect(result.error == "")
        let devices = try #require(try object(result)["devices"] as? [[String: Any]])
        #expect(devices.count >= 3)
        for device in devices {
            let passes = try #require(device["passes"] as? [[String: Any]])
            let library = try #require(device["fft"] as? String)
            #expect(passes.compactMap { $0["name"] as? String } == Self.passNames[library])
            let bytes = passes.compactMap { $0["bytes"] as? Double }
            #expect(try abs(bytes.reduce(0, +) - #require(device["leastBytes"] as? Double)) < 1)
            let seconds = passes.compactMap { $0["seconds"] as? Double }
            #expect(seconds.count == passes.count && seconds.allSatisfy { $0 > 0 })
            let sum = try #require(device["passSeconds"] as? Double)
            #expect(abs(sum - seconds.reduce(0, +)) < 1e-9)
            // Both are of the same machine, which has more to do.
            #expect(sum < 20 * (try #require(device["secondsPerIteration"] as? Double)) + 0.1)
            for (pass, rate) in zip(passes, zip(bytes, seconds).map(/)) {
                #expect(abs(try #require(pass["bytesPerSecond"] as? Double) / rate - 1) < 1e-9)
            }
        }

        let table = try await Command.run(Self.tiny + ["--device", "1", "--fft", "clfft", "--passes"], in: folder)
        let lines = table.output.split(separator: "\n").map(String.init)
        let title = try #require(lines.firstIndex { $0.contains(/^passes of device 1, clFFT +bytes +median +rate$/) })
        #expect(lines.count == title + 15)
        #expect(lines[title + 6].contains(/^  forward: inverse rows, ratio +[0-9.]+ kB +[0-9.]+ ms +[0-9.]+ GB\/s$/))
        #expect(lines[title + 13].contains(/^all passes +[0-9.]+ kB +[0-9.]+ ms +[0-9.]+ GB\/s$/), "\(lines)")
        #expect(lines[title + 14].hasPrefix("iteration without marks "))
    }

    @Test func transferRatesAreThoseOfFramesAndResults() async throws {
        let folder = try TemporaryFolder()
        let result = try await Command.run(Self.tiny + ["--transfers", "--json"], in: folder)
        #expect(result.status == 0)
        let devices = try #require(try object(result)["devices"] as? [[String: Any]])
        for device in devices {
            let rates = try #require(device["transfers"] as? [String: Any])
            #expect(
                rates.keys.sorted() == [
                    "downloadBytesPerSecond", "pinnedDownloadBytesPerSecond", "pinnedUploadBytesPerSecond",
                    "uploadBytesPerSecond",
                ]
            )
            for (name, rate) in rates {
                // The CPU back end has no bus. More than a terabyte a second does not come from memory.
                if device["backend"] as? String == "cpu", name.hasPrefix("pinned") {
                    #expect(rate is NSNull)
                } else {
                    let rate = try #require(rate as? Double)
                    #expect(rate > 1e5 && rate < 1e12, "\(name)")
                }
            }
        }
        let table = try await Command.run(Self.tiny + ["--device", "1", "--transfers"], in: folder)
        let names = table.output.split(separator: "\n").suffix(4).map { $0.split(separator: "  ")[0] }
        #expect(names == ["frames to the device", "pinned copy", "results to the host", "pinned copy"])
    }

    /// Other programs compute on the saved volume: the main command gives on it what the benchmark gave.
    @Test(arguments: ["cpu", "opencl"])
    func savedVolumesGiveTheSavedResult(backend: String) async throws {
        let folder = try TemporaryFolder()
        let number = backend == "cpu" ? 0 : 1
        let bench = try await Command.run(
            Self.tiny + ["--device", "\(number)", "--save", "volumes"],
            in: folder
        )
        #expect(bench.status == 0)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path("volumes")).sorted()
        #expect(names == ["observed.tif", "psf.tif", "result-\(number).tif"])
        let deconvolution = try await Command.run(
            [
                "volumes/observed.tif", "--psf", "volumes/psf.tif", "--psf-as-is", "-i", "5", "--backend", "cpu", "-o",
                "out.tif",
            ],
            in: folder
        )
        #expect(deconvolution.status == 0)
        let ours = try Scene.voxels(of: folder.path("volumes/result-\(number).tif"))
        #expect(try relativeRMSE(ours, Scene.voxels(of: folder.path("out.tif"))) < 1e-5)

        let again = try await Command.run(Self.tiny + ["--device", "\(number)", "--save", "volumes"], in: folder)
        #expect(again.status == 73)
        #expect(again.error.hasPrefix("gpudeconv: volumes/observed.tif"), "\(again.error)")
    }

    /// Neither library of devices has a transform of 4099 voxels, and a periodic axis cannot be padded.
    @Test func aDeviceThatCannotIsSkippedUnlessItIsTheOnlyOne() async throws {
        let folder = try TemporaryFolder()
        let arguments = Self.tiny + ["--shape", "2,2,4099", "--boundary", "periodic"]
        let all = try await Command.run(arguments + ["--json"], in: folder)
        #expect(all.status == 0)
        #expect(all.error.contains("gpudeconv: warning: device 1 is skipped: "), "\(all.error)")
        let report = try object(all)
        #expect((report["devices"] as? [[String: Any]])?.count == 1)
        let skipped = try #require(report["skipped"] as? [[String: Any]])
        #expect(skipped.first?.keys.sorted() == ["device", "number", "part", "reason"])

        let one = try await Command.run(arguments + ["--device", "1"], in: folder)
        #expect(one.status == 69)
        #expect(
            one.error.hasSuffix(" has no transform of 2x2x4099: give another --shape or --boundary\n"),
            "\(one.error)"
        )
        #expect(one.output == "")
    }

    @Test(arguments: [
        (["--iterations", "0"], 64, "--iterations 0: give 1 to 10000"),
        (["--largest", "0"], 64, "--largest 0: give 1 to 65536"),
        (["--largest", "8"], 64, "--largest is for one device, and "),
        (["--threads", "0"], 64, "--threads 0: give a whole number from 1 to 4096"),
        (["--device", "nothing"], 69, "--device nothing: no such device; 'gpudeconv devices' lists what is here"),
        (["--shape", "1048576,1048576,1048576"], 71, "--shape 1048576,1048576,1048576 with --psf-shape 7,9,11: takes"),
        (["--shape", "1,1,1", "--psf-shape", "1048576,1048576,1048576"], 71, "--shape 1,1,1 with --psf-shape 1048576"),
    ])
    func mistakesAreToldInOneLine(arguments: [String], status: Int32, message: String) async throws {
        let folder = try TemporaryFolder()
        let result = try await Command.run(Self.tiny + arguments, in: folder)
        #expect(result.status == status)
        #expect(result.error.hasPrefix("gpudeconv: \(message)"), "\(result.error)")
        #expect(result.error.split(separator: "\n").count == 1)
        #expect(result.output == "")
    }

    @Test(arguments: ["8,16", "8,0,18", "a,b,c", "8,16,-18"])
    func aShapeIsThreeNumbers(shape: String) async throws {
        let result = try await Command.run(["bench", "--shape", shape], in: try TemporaryFolder())
        #expect(result.status == 64)
        #expect(result.error.contains("The value '\(shape)' is invalid for '--shape <z,y,x>'"), "\(result.error)")
    }

    @Test(arguments: [SIGINT, SIGTERM])
    func aSignalEndsABenchmarkAndLeavesNothing(signal: Int32) async throws {
        let folder = try TemporaryFolder()
        let arguments = [
            "bench", "--shape", "16,64,64", "--psf-shape", "7,9,11", "--iterations", "10000", "--device", "cpu",
            "--save", ".",
        ]
        let result = try await Command.run(arguments, in: folder) { command in
            for _ in 0..<20_000 where folder.contents.isEmpty { usleep(5000) }
            usleep(100_000)
            command.send(signal)
        }
        #expect(result.status == 130)
        #expect(result.error == "gpudeconv: interrupted; nothing was written\n")
        #expect(result.output == "")
        #expect(folder.contents == [])
    }
}
