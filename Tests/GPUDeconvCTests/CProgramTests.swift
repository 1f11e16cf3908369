import DeconvIO
import DeconvPipeline
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

/// A C program against the header and the library, as somebody else would build it.
@Suite struct CProgramTests {
    private static let source = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Program")
    private static let header = source.appending(path: "../../../Sources/CGPUDeconv").standardizedFileURL

    private struct Failure: Error { let message: String }

    private func run(_ arguments: [String], environment: [String: String] = [:]) throws -> (status: Int32, text: String)
    {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }

    /// Where this build has its products.
    private var products: URL {
        get throws {
            let folders = ([Bundle.main] + Bundle.allBundles).flatMap { [$0.executableURL, $0.bundleURL] }
                .compactMap { $0?.deletingLastPathComponent() }
            let found = folders.first {
                FileManager.default.fileExists(atPath: $0.appending(path: "libGPUDeconvC.so").path)
            }
            return try #require(found, "libGPUDeconvC.so is built with the tests")
        }
    }

    private func compile(_ standard: String, compiler: String, in folder: TemporaryFolder) throws -> String {
        let program = folder.path("program")
        let language = compiler == "c++" ? ["-x", "c++"] : []
        let compiled = try run(
            [compiler, "-std=\(standard)", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-D_POSIX_C_SOURCE=200809L"]
                + ["-I", Self.header.path] + language + [Self.source.appending(path: "program.c").path, "-o", program]
                + ["-L", try products.path, "-lGPUDeconvC", "-Wl,-rpath,\(try products.path)", "-lm", "-lpthread"]
        )
        guard compiled.status == 0 else { throw Failure(message: compiled.text) }
        return program
    }

    @Test func everythingInTheHeaderWorksFromC99() throws {
        let folder = try TemporaryFolder()
        for (name, shape) in [
            ("image.tif", VolumeShape(z: 6, y: 10, x: 12)), ("psf.tif", VolumeShape(z: 3, y: 5, x: 5)),
        ] {
            let image = ImageDescription(shape: shape, pixelType: .float32)
            let sink = try TIFFSink(
                path: folder.path(name),
                image: image,
                pixelType: .float32,
                format: .imageJ,
                compression: .none,
                overwrite: false
            )
            let voxels = (0..<shape.voxelCount).map { Float(1 + $0 % 7) }
            try voxels.withUnsafeBufferPointer { voxels in
                for z in 0..<shape.z {
                    let start = z * shape.planeVoxelCount
                    try sink.append(UnsafeBufferPointer(rebasing: voxels[start..<start + shape.planeVoxelCount]))
                }
            }
            try sink.finish()
        }
        let program = try compile("c99", compiler: "cc", in: folder)
        let result = try run([program, folder.url.path])
        #expect(result.status == 0, "\(result.text)")
        #expect(result.text == "", "a library prints nothing")
    }

    /// A machine without a driver, and without a folder that names drivers.
    @Test func noOpenCLRuntimeNeedBeThere() throws {
        let folder = try TemporaryFolder()
        let program = try compile("c99", compiler: "cc", in: folder)
        let result = try run([program], environment: ["OCL_ICD_VENDORS": folder.path("nowhere")])
        #expect(result.status == 0, "\(result.text)")
    }

    @Test func theHeaderIsOneOfCPlusPlusToo() throws {
        let folder = try TemporaryFolder()
        let file = folder.path("header.cpp")
        try "#include \"gpudeconv.h\"\nint main() { return gpudeconv_abi_version() - GPUDECONV_ABI_VERSION; }\n"
            .write(toFile: file, atomically: true, encoding: .utf8)
        let program = folder.path("program")
        let compiled = try run(
            [
                "c++", "-std=c++11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I", Self.header.path, file, "-o",
                program,
            ]
                + ["-L", try products.path, "-lGPUDeconvC", "-Wl,-rpath,\(try products.path)"]
        )
        #expect(compiled.status == 0, "\(compiled.text)")
        #expect(try run([program]).status == 0)
    }

    /// What the command takes is what the library takes, and the other way round.
    @Test func optionsAreThoseOfTheCommand() throws {
        let help = try String(
            contentsOf: Self.source.appending(path: "../../Fixtures/Help/gpudeconv-deconvolve.txt").standardizedFileURL,
            encoding: .utf8
        )
        let listed = Set(help.matches(of: /(?:^|\s)--([a-z][a-z-]+)/).map { String($0.1) })
        let ofTheProgram: Set<String> = [
            "help", "version", "image", "output", "each", "psf", "report", "json", "json-progress", "quiet", "verbose",
            "resolution-plot", "stop-plot",
        ]
        let message = try unknownOptionMessage()
        let names = Set(message.split(separator: "there are ")[1].split(separator: ", ").map(String.init))
        #expect(names == listed.subtracting(ofTheProgram))
    }

    private func unknownOptionMessage() throws -> String {
        let folder = try TemporaryFolder()
        let file = folder.path("unknown.c")
        try """
        #include "gpudeconv.h"
        #include <stdio.h>
        int main(void) {
            gpudeconv_options *options = NULL;
            gpudeconv_options_create(&options);
            gpudeconv_options_set(options, "unknown", "1");
            fputs(gpudeconv_last_error(), stdout);
            gpudeconv_options_destroy(options);
            return 0;
        }
        """.write(toFile: file, atomically: true, encoding: .utf8)
        let program = folder.path("unknown")
        let compiled = try run(
            ["cc", "-std=c99", "-I", Self.header.path, file, "-o", program]
                + ["-L", try products.path, "-lGPUDeconvC", "-Wl,-rpath,\(try products.path)"]
        )
        guard compiled.status == 0 else { throw Failure(message: compiled.text) }
        return try run([program]).text
    }
}
