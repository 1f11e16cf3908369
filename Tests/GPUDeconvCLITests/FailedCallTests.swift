import DeconvTestSupport
import Foundation
import Testing

/// Calls of OpenCL that fail: uploads inside clFFT, which does not look whether they worked, and questions to drivers.
@Suite struct FailedCallTests {
    /// Stands before the OpenCL library and has one upload of the process fail, or a question always.
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

        #include <string.h>
        static int fails(const char *call) {
            const char *wanted = getenv("FAILING_QUERY");
            return wanted && strcmp(wanted, call) == 0;
        }
        int clGetPlatformIDs(unsigned most, void *platforms, unsigned *count) {
            if (fails("clGetPlatformIDs")) return -6;
            return ((int (*)(unsigned, void *, unsigned *))dlsym(RTLD_NEXT, "clGetPlatformIDs"))(most, platforms, count);
        }
        typedef int (*devices)(void *, unsigned long, unsigned, void *, unsigned *);
        int clGetDeviceIDs(void *platform, unsigned long type, unsigned most, void *ids, unsigned *count) {
            if (fails("clGetDeviceIDs")) return -6;
            return ((devices)dlsym(RTLD_NEXT, "clGetDeviceIDs"))(platform, type, most, ids, count);
        }
        typedef int (*information)(void *, unsigned, size_t, void *, size_t *);
        int clGetDeviceInfo(void *device, unsigned name, size_t bytes, void *value, size_t *needed) {
            if (fails("clGetDeviceInfo")) return -6;
            return ((information)dlsym(RTLD_NEXT, "clGetDeviceInfo"))(device, name, bytes, value, needed);
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

    @Test(arguments: ["clGetPlatformIDs", "clGetDeviceIDs", "clGetDeviceInfo"])
    func aDriverThatFailsIsNotTakenForNone(query: String) async throws {
        let tools = try TemporaryFolder()
        let failing = ["LD_PRELOAD": try Self.compile(in: tools), "FAILING_QUERY": query]
        let folder = try Scene.folder()
        let job = ["image.tif", "--psf", "psf.tif", "-o", "out.tif", "-i", "1", "--background", "40"]
        let wanted = try await Command.run(job + ["--backend", "opencl"], in: folder, environment: failing)
        #expect(wanted.status == 69, "\(wanted.error)")
        #expect(wanted.error.contains("CL_OUT_OF_HOST_MEMORY") && !wanted.error.contains("no OpenCL device is here"))
        #expect(folder.contents == ["image.tif", "psf.tif"])
        let listed = try await Command.run(["devices"], in: folder, environment: failing)
        #expect(listed.output.contains("CL_OUT_OF_HOST_MEMORY") && !listed.output.contains("No OpenCL device"))
        // The CPU does, and it is said that there may be more.
        let left = try await Command.run(job, in: folder, environment: failing)
        #expect(left.status == 0 && left.error.contains("CL_OUT_OF_HOST_MEMORY"), "\(left.error)")
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
