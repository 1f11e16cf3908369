import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Testing

@Suite struct IterationCostTests {
    /// An image of 3x4x5 with a PSF of 2x3x4, domain 4x6x8, in a transform of 4x6x8.
    private let extended = WorkGeometry(
        workShape: VolumeShape(z: 4, y: 6, x: 8),
        frame: Region(origin: VolumeIndex(z: 0, y: 1, x: 1), shape: VolumeShape(z: 3, y: 4, x: 5)),
        domain: Region(VolumeShape(z: 4, y: 6, x: 8)),
        wraps: false
    )

    /// 192 voxels: 10 · 192 · log2(192) = 14563.0 and 6 · 192 = 1152; log2(192) = 7.584963.
    @Test func arithmeticIsFourTransformsAndTwoProducts() {
        let cost = IterationCost(extended, pixelType: .uint16, .slabs, .richardsonLucy(extended))
        #expect(abs(cost.nominalFlopCount - 15715.1) < 0.1)
    }

    /// A row has 5 complex values, 40 bytes: 24 rows D = 960, 12 rows F = 480, 24 rows O = 960; g = 120 bytes; E = 768 bytes.
    @Test func trafficCountsEveryPassOnce() {
        let cost = IterationCost(extended, pixelType: .uint16, .slabs, .richardsonLucy(extended))
        let forwardColumns = 960 + 960 + 480
        let ratio = 480 + 120 + 480
        let adjointColumns = 480 + 960 + 960
        let update = 960 + 3 * 768 + 960
        #expect(cost.leastByteCount == Double(forwardColumns + ratio + adjointColumns + update))
    }

    /// The light-sheet volume in Documentation/Decisions/cpu-engine.md: 3.15 + 1.75 + 3.15 + 5.57 GB, gaps between lines included.
    @Test func theEngineMovesHardlyMore() {
        let geometry = WorkGeometry(
            workShape: VolumeShape(z: 320, y: 1152, x: 864),
            frame: Region(origin: VolumeIndex(z: 50, y: 31, x: 31), shape: VolumeShape(z: 201, y: 1024, x: 768)),
            domain: Region(VolumeShape(z: 301, y: 1087, x: 831)),
            wraps: false
        )
        let bytes = IterationCost(geometry, pixelType: .uint16, .slabs, .richardsonLucy(geometry)).leastByteCount
        #expect(bytes < 13.62e9 && bytes > 0.98 * 13.62e9)
    }

    /// Without a normalization the update reads and writes the estimate, here of the frame's 3x4x5 voxels.
    @Test func aFrameThatIsTheDomainNeedsNoNormalization() {
        let geometry = WorkGeometry(
            workShape: VolumeShape(z: 4, y: 6, x: 8),
            frame: Region(VolumeShape(z: 3, y: 4, x: 5)),
            domain: Region(VolumeShape(z: 3, y: 4, x: 5)),
            wraps: false
        )
        let cost = IterationCost(geometry, pixelType: .float32, .slabs, .richardsonLucy(geometry))
        #expect(cost.leastByteCount == Double(8 * 480 + 2 * 960 + 240 + 2 * 240))
    }

    /// The light-sheet volume of Documentation/Decisions/opencl-passes.md, whose table has these.
    @Test(
        arguments: [
            (PassStructure.planes(isFused: false, hasRealOTF: false), 42.8),
            (.planes(isFused: true, hasRealOTF: false), 36.1),
            (.rowsAndLines(isFused: true, hasRealOTF: false), 29.0),
            (.rowsAndLines(isFused: true, hasRealOTF: true), 27.7),
        ]
    )
    func passesOnDevicesMoveWhatTheirTableSays(structure: PassStructure, gigabytes: Double) {
        let geometry = WorkGeometry(
            workShape: VolumeShape(z: 320, y: 1152, x: 864),
            frame: Region(origin: VolumeIndex(z: 50, y: 31, x: 31), shape: VolumeShape(z: 201, y: 1024, x: 768)),
            domain: Region(VolumeShape(z: 301, y: 1087, x: 831)),
            wraps: false
        )
        let bytes = IterationCost(geometry, pixelType: .uint16, structure, .richardsonLucy(geometry)).leastByteCount
        #expect(abs(bytes * 1e-9 - gigabytes) < 0.051)
    }

    /// The table of Documentation/Decisions/opencl-passes.md: S = 512 bytes, D = N = 4, M = 3, d = 1, m = 4/6, f = 768 bytes and
    /// g = 60 voxels of 2 bytes.
    @Test func everyPassMovesWhatItsRowOfTheTableSays() {
        let (S, D, M, N, m, f, g) = (512.0, 4.0, 3.0, 4.0, 4.0 / 6, 768.0, 60.0)
        let passes = IterationCost(
            extended,
            pixelType: .uint16,
            .rowsAndLines(isFused: true, hasRealOTF: false),
            .richardsonLucy(extended)
        ).passes
        let expected = [
            ("forward: rows", f + D * S), ("forward: lines", 2 * D * S),
            ("forward: columns, product", D * S + 2 * N * S), ("forward: inverse columns", N * S + M * S),
            ("forward: inverse lines", (1 + m) * M * S), ("forward: inverse rows, ratio", m * M * S + 2 * g + 4 * g),
            ("back: rows", 4 * g + m * M * S), ("back: lines", (1 + m) * M * S),
            ("back: columns, product", M * S + 2 * N * S), ("back: inverse columns", N * S + D * S),
            ("back: inverse lines", 2 * D * S), ("back: inverse rows, update", D * S + 3 * f),
        ]
        #expect(passes.map(\.pass.name) == expected.map(\.0))
        for (pass, expected) in zip(passes, expected) {
            #expect(abs(pass.byteCount - expected.1) < 1e-6, "\(pass.pass.name)")
        }
    }

    /// Of the same table, the column of whole planes: 2·D·S for rows, and as much for lines.
    @Test func passesThatAreMeasuredTogetherHaveTheirBytesTogether() {
        let cost = IterationCost(
            extended,
            pixelType: .uint16,
            .planes(isFused: true, hasRealOTF: false),
            .richardsonLucy(extended)
        )
        #expect(cost.byteCount(of: IterationPass(.forward, .rowsAndLines)) == 8192.0)
        #expect(cost.byteCount(of: IterationPass(.back, .rowsAndLines)) == 6144.0)
        #expect(cost.byteCount(of: IterationPass(.forward, .inverseRowsAndRatio)) == nil)
    }

    /// 5 values a row, 30 a plane, 64 with the gap: S = 512 bytes; one plane each, so two products at 3·S; d = 1, m = 4/6; uint16 of
    /// 20 voxels on the frame; 48 on the domain.
    @Test func aPlaneHasNoColumns() {
        let geometry = WorkGeometry(
            workShape: VolumeShape(z: 1, y: 6, x: 8),
            frame: Region(origin: VolumeIndex(z: 0, y: 1, x: 1), shape: VolumeShape(z: 1, y: 4, x: 5)),
            domain: Region(VolumeShape(z: 1, y: 6, x: 8)),
            wraps: false
        )
        let planes = IterationCost(
            geometry,
            pixelType: .uint16,
            .planes(isFused: false, hasRealOTF: false),
            .richardsonLucy(geometry)
        )
        #expect(planes.leastByteCount == Double(6 * 512 + 18 * 512 + 20 * 6 + 5 * 192))
        let passes = IterationCost(
            geometry,
            pixelType: .uint16,
            .rowsAndLines(isFused: false, hasRealOTF: true),
            .richardsonLucy(geometry)
        )
        let rows = 6.0 + 2 + 4 * 4 / 6.0
        #expect(abs(passes.leastByteCount - (5 * 512 + rows * 512 + 20 * 10 + 4 * 192)) < 1e-6)
    }
}
