import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

@testable import DeconvDevice

/// PoCL's kernels of processes that were killed while they compiled.
@Suite struct PoCLCacheTests {
    /// A whole shared library.
    private static let library = "/lib/x86_64-linux-gnu/libz.so.1"

    private func bytes() throws -> Data {
        let candidates = [Self.library, "/usr/lib/x86_64-linux-gnu/libz.so.1", "/lib/aarch64-linux-gnu/libz.so.1"]
        let path = try #require(candidates.first { FileManager.default.fileExists(atPath: $0) })
        return try Data(contentsOf: URL(fileURLWithPath: path))
    }

    /// The layout of PoCL 3.1's cache, an hour old.
    private func folder(_ files: [String: Data]) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        for (name, data) in files {
            let path = folder.path("AB/CDEF/fft_fwd/64-1-1/\(name)")
            try FileManager.default.createDirectory(
                atPath: (path as NSString).deletingLastPathComponent,
                withIntermediateDirectories: true
            )
            try data.write(to: URL(fileURLWithPath: path))
            try FileManager.default.setAttributes([.modificationDate: Date() - 3600], ofItemAtPath: path)
        }
        return folder
    }

    private func names(_ folder: TemporaryFolder) -> Set<String> {
        Set(FileManager.default.subpaths(atPath: folder.url.path)!.map { ($0 as NSString).lastPathComponent })
            .intersection(["whole.so", "empty.so", "cut.so", "header.so", "zeros.so", "program.bc", "text.so"])
    }

    @Test func filesThatAreNotWholeAreRemovedAndNoOthers() throws {
        let whole = try bytes()
        let folder = try folder([
            "whole.so": whole, "empty.so": Data(), "cut.so": whole.dropLast(1), "header.so": whole.prefix(30),
            "zeros.so": Data(count: 8192), "program.bc": Data(), "text.so": Data("not a library".utf8),
        ])
        #expect(PoCLCache.removeDamaged(in: folder.url.path) == 4)
        #expect(names(folder) == ["whole.so", "program.bc", "text.so"])
        #expect(PoCLCache.removeDamaged(in: folder.url.path) == 0)
        #expect(PoCLCache.removeDamaged(in: folder.path("none")) == 0)
    }

    /// Another process may be at it.
    @Test func aFileThatIsBeingWrittenStays() throws {
        let folder = try folder(["empty.so": Data()])
        let path = folder.path("AB/CDEF/fft_fwd/64-1-1/empty.so")
        let writer = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        #expect(PoCLCache.removeDamaged(in: folder.url.path) == 0)
        try writer.close()
        #expect(PoCLCache.removeDamaged(in: folder.url.path) == 1)
    }

    @Test(arguments: OpenCLDevice.all.indices.filter { OpenCLDevice.all[$0].isPoCL })
    func whatIsRemovedBeforeADeviceIsUsedIsTold(device: Int) throws {
        let folder = try folder(["empty.so": Data(), "whole.so": try bytes()])
        var selection = TransformSelection(.vkfft)
        selection.memory = TransformMemory(path: nil)
        var backend = try OpenCLBackend(OpenCLDevice.all[device], selection)
        backend.kernelFolder = folder.url.path
        let shape = TestEngine.sharedWorkShape(isFlat: true)
        let geometry = WorkGeometry(workShape: shape, frame: Region(shape), domain: Region(shape), wraps: true)
        let layout = WorkspaceLayout(geometry, pixelType: .float32)
        let warnings = try backend.makeWorkspace(layout).warnings
        #expect(warnings.map(\.kind) == [.compilerCacheMended] && warnings.first?.figures == "1")
        #expect(warnings.first?.message.contains("PoCL's kernels, \(folder.url.path), were not whole") == true)
        #expect(names(folder) == ["whole.so"])
        #expect(try backend.makeWorkspace(layout).warnings.isEmpty)
    }

    /// The real cache, when everything was compiled: what PoCL wrote is whole.
    @Test func whatPoCLWroteIsWhole() throws {
        let found = FileManager.default.enumerator(atPath: PoCLCache.folder)?.compactMap { $0 as? String } ?? []
        for name in found where name.hasSuffix(".so") && !name.contains("tempfile") {
            let path = PoCLCache.folder + "/" + name
            let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
            // Another test may be compiling now, or have been killed.
            if let size, size > 4096 { #expect(PoCLCache.isWhole(path), "\(path)") }
        }
    }
}
