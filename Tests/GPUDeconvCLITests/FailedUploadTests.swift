import DeconvTestSupport
import Foundation
import Testing

/// Uploads that fail inside clFFT, which does not look whether they worked.
@Suite struct FailedUploadTests {
    /// Stands before the OpenCL library and has one upload of the process fail.
    private static let source = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <stdlib.h>
        typedef int (*upload)(void *, void *, unsigned, size_t, size_t, const void *, unsigned, const void *, void *);
        int clEnqueueWriteBuffer(
            void *queue, void *buffer, unsigned blocking, size_t offset, size_t bytes, const void *source, unsigned count,
            const void *waits, void *event) {
            static int calls;
            const char *number = getenv("FAILING_UPLOAD");
            if (number && ++calls == atoi(number)) return -5;
            upload next = (upload)dlsym(RTLD_NEXT, "clEnqueueWriteBuffer");
            return next(queue, buffer, blocking, offset, bytes, source, count, waits, event);
        }
        """

    private struct Failure: Error { let text: String }

    private static func compile(in folder: TemporaryFolder) throws -> String {
        let (source, library) = (folder.path("upload.c"), folder.path("upload.so"))
        try Self.source.write(toFile: source, atomically: true, encoding: .utf8)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["cc", "-shared", "-fPIC", source, "-o", library, "-ldl"]
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(text: "cc compiles no library for \(source)") }
        return library
    }

    /// The first uploads are those of the plans that are tried, those behind them of the plans that compute, with the PSF and the
    /// image between them.
    @Test(arguments: ["auto", "clfft"])
    func oneThatFailsIsToldAndTheResultIsRight(fft: String) async throws {
        let tools = try TemporaryFolder()
        let library = try Self.compile(in: tools)
        let folder = try Scene.folder()
        let job = ["image.tif", "--psf", "psf.tif", "-i", "2", "--overwrite"]
        #expect(try await Command.run(job + ["-o", "right.tif", "--backend", "cpu"], in: folder).status == 0)
        for number in [1, 2, 4, 7, 11, 15] {
            let result = try await Command.run(
                job + ["-o", "out.tif", "--backend", "opencl", "--fft", fft],
                in: folder,
                environment: ["LD_PRELOAD": library, "FAILING_UPLOAD": "\(number)"]
            )
            #expect(result.status == 0, "upload \(number): \(result.error)")
            // Where fewer are made, none fails.
            if number <= 7 { #expect(result.error.contains("returned CL_OUT_OF_RESOURCES"), "upload \(number)") }
            let comparison = try await Command.run(["compare", "out.tif", "right.tif", "--json"], in: folder)
            let object = try JSONSerialization.jsonObject(with: Data(comparison.output.utf8)) as? [String: Any]
            #expect(try #require(object?["nrmse"] as? Double) < 5e-6, "upload \(number): \(comparison.output)")
        }
    }
}
