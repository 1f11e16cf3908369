import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Testing

@testable import DeconvDevice

/// Frames and results on their way while a workspace computes.
@Suite struct TransferTests {
    private static let image = VolumeShape(z: 1, y: 29, x: 20)
    private static let psf = TestImage.psf(VolumeShape(z: 1, y: 6, x: 7))

    private static func layout(_ pixelType: PixelType) -> WorkspaceLayout {
        let domain = VolumeShape(z: 1, y: 34, x: 26)
        let geometry = WorkGeometry(
            workShape: TestEngine.sharedWorkShape(isFlat: true),
            frame: Region(origin: VolumeIndex(z: 0, y: 2, x: 3), shape: image),
            domain: Region(domain),
            wraps: false
        )
        return WorkspaceLayout(geometry, pixelType: pixelType)
    }

    private static func frame(_ type: PixelType, _ seed: UInt64) -> VoxelData {
        let values = TestImage.random(image.voxelCount, seed: seed)
        return switch type {
        case .uint8: .uint8(values.map { UInt8($0 * 200) })
        case .uint16: .uint16(values.map { UInt16($0 * 50_000) })
        default: .float32(values)
        }
    }

    /// What a workspace makes of the frame that it holds.
    private static func ratio<W: Workspace>(_ workspace: W) throws -> [Float] {
        let field = try workspace.makeField()
        try workspace.fill(field, with: 2)
        try workspace.forwardProject(field)
        _ = try workspace.takeRatio(
            RatioConstants(background: 1, readNoiseVariance: 0, floor: 1e-6),
            measuring: nil
        )
        return try workspace.downloadWork(workspace.layout.frame)
    }

    @Test(arguments: TestBackend.all + TestBackend.withPasses, [PixelType.uint8, .uint16, .float32])
    func aStagedFrameIsObservedOnceItIsSwapped(backend: TestBackend, type: PixelType) throws {
        func check<W: Workspace>(_ workspace: W) throws {
            let frames = (0..<4).map { Self.frame(type, UInt64($0)) }
            try workspace.setPSF(Self.psf.voxels, shape: Self.psf.shape)
            let expected = try frames.map { frame in
                try workspace.setObserved { _ in frame }
                return try Self.ratio(workspace)
            }
            #expect(expected[0] != expected[1])
            let transfer = try #require(try workspace.makeTransfer(for: Self.image))
            try workspace.setObserved { _ in frames[0] }
            for next in 1..<4 {
                try transfer.stageObserved { _ in frames[next] }
                #expect(try Self.ratio(workspace) == expected[next - 1])
                try workspace.swapObserved(with: transfer)
                #expect(try Self.ratio(workspace) == expected[next])
            }
        }
        try check(backend.make().makeWorkspace(Self.layout(type)))
    }

    @Test(arguments: TestBackend.all)
    func theFirstFrameMayBeStagedToo(backend: TestBackend) throws {
        func check<W: Workspace>(_ workspace: W) throws {
            try workspace.setPSF(Self.psf.voxels, shape: Self.psf.shape)
            let transfer = try #require(try workspace.makeTransfer(for: Self.image))
            let frames = [Self.frame(.uint16, 1), Self.frame(.uint16, 2)]
            for frame in frames {
                try transfer.stageObserved { _ in frame }
                try workspace.swapObserved(with: transfer)
                let staged = try Self.ratio(workspace)
                try workspace.setObserved { _ in frame }
                #expect(try Self.ratio(workspace) == staged)
            }
        }
        try check(backend.make().makeWorkspace(Self.layout(.uint16)))
    }

    @Test(arguments: TestBackend.all)
    func aFieldIsReadPlaneByPlane(backend: TestBackend) throws {
        func check<W: Workspace>(_ workspace: W) throws {
            let domain = workspace.layout.domain.shape
            let field = try workspace.makeField()
            let values = TestImage.random(domain.voxelCount, seed: 9)
            try workspace.upload(values, to: field)
            let region = Region(
                origin: VolumeIndex(z: 1, y: 2, x: 3),
                shape: VolumeShape(z: domain.z - 2, y: domain.y - 5, x: domain.x - 4)
            )
            let transfer = try #require(try workspace.makeTransfer(for: region.shape))
            var planes: [[Float]] = []
            try transfer.read(region, of: field) { plane in planes.append(Array(plane)) }
            #expect(planes.count == region.shape.z)
            #expect(planes.flatMap { $0 } == values.cropped(from: domain, to: region))
        }
        let shape = TestEngine.sharedWorkShape(isFlat: false)
        let geometry = WorkGeometry(workShape: shape, frame: Region(shape), domain: Region(shape), wraps: true)
        try check(backend.make().makeWorkspace(WorkspaceLayout(geometry, pixelType: .float32)))
    }

    /// PoCL's memory is the process's own; that of a GPU's driver may be mapped in a way that the system does not count.
    @Test(arguments: TestBackend.all)
    func memoryThatTheSystemCountsIsNotCountedTwice(backend: TestBackend) throws {
        func check<W: Workspace>(_ workspace: W) throws {
            let large = VolumeShape(z: 4, y: 512, x: 512)
            let transfer = try #require(try workspace.makeTransfer(for: large))
            #expect(transfer.uncountedHostByteCount >= 0)
            if try backend.make().device.type == "CPU" { #expect(transfer.uncountedHostByteCount == 0) }
        }
        try check(backend.make().makeWorkspace(Self.layout(.uint16)))
    }

    /// As Linux 6 writes it: a heap, and pages of a device, which the flag `pf` says are no memory of the process.
    @Test func residentBytesAreThoseOfTheMapping() {
        let mappings = """
            55e0c0de1000-55e0c0e02000 rw-p 00000000 00:00 0                          [heap]
            Size:                132 kB
            KernelPageSize:        4 kB
            Rss:                 120 kB
            Pss:                 120 kB
            VmFlags: rd wr mr mw me ac sd
            7f5a10000000-7f5a14000000 rw-s 00000000 00:06 418                        /dev/nvidia0
            Size:              65536 kB
            Rss:                   0 kB
            VmFlags: rd wr sh mr mw me ms pf io de dd
            """
        #expect(HostSystem.residentBytes(around: 0x55e0_c0de_1000, in: mappings) == 120 * 1024)
        #expect(HostSystem.residentBytes(around: 0x55e0_c0e0_1fff, in: mappings) == 120 * 1024)
        #expect(HostSystem.residentBytes(around: 0x7f5a_1200_0000, in: mappings) == 0)
        #expect(HostSystem.residentBytes(around: 0x55e0_c0e0_2000, in: mappings) == nil)
    }

    @Test func everyHandleOfATransferIsReleased() async {
        await #expect(processExitsWith: .success) {
            try HandleTests.checkRelease {
                for backend in TestBackend.all {
                    try TransferTests.useTransfer(
                        of: backend.makeNew().makeWorkspace(TransferTests.layout(.uint16))
                    )
                }
            }
        }
    }

    /// Has frames and a result pass through a transfer.
    private static func useTransfer<W: Workspace>(of workspace: W) throws {
        let transfer = try #require(try workspace.makeTransfer(for: image))
        for seed in [1, 2] as [UInt64] {
            try transfer.stageObserved { _ in frame(.uint16, seed) }
            try workspace.swapObserved(with: transfer)
        }
        let field = try workspace.makeField()
        try transfer.read(workspace.layout.frame, of: field) { _ in }
    }
}
