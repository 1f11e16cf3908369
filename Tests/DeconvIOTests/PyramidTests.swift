import DeconvIO
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

/// An image to write, and in this form the job of `check_pyramid.py`.
private struct Job: Encodable {
    var store: String
    var group: String
    var version: Int
    var dtype: String
    var shape: [Int]
    var raw: String
    var axes: [[String?]]
    var scales: [[Double]]
    var translations: [[Double]?]
    var steps: [[Int]]
    var labels: [String]
}

@Suite struct PyramidTests {
    private let folder = try! TemporaryFolder()

    private struct Image {
        var axes: String
        var shape: [Int]
        var spacing: VoxelSpacing?
        var options: ZarrOutputOptions
        var group = ""
        var source: OMEZarrMetadata?
        var channels: [Int]?
        var names: [String] = []
        var expectedAxes: [[String?]]
        var scale: [Double]
        var origin: [Double]
        var steps: [[Int]]
    }

    private static let omero: JSONValue = .object([
        "rdefs": .object(["model": "color"]),
        "channels": .array(
            ["blue", "green", "red"].map {
                .object([
                    "label": .string($0), "color": "0000FF",
                    "window": .object(["min": 0, "max": 100, "start": 2, "end": 90]),
                ])
            }
        ),
    ])

    private static let nanometers = OMEZarrMetadata(
        zarrVersion: .two,
        axes: [
            OMEZarrMetadata.Axis(name: "t", type: "time", unit: "millisecond"),
            OMEZarrMetadata.Axis(name: "c", type: "channel", unit: nil),
            OMEZarrMetadata.Axis(name: "z", type: "space", unit: "nanometer"),
            OMEZarrMetadata.Axis(name: "y", type: "space", unit: "nanometer"),
            OMEZarrMetadata.Axis(name: "x", type: "space", unit: "nanometer"),
        ],
        levels: [
            OMEZarrMetadata.Level(path: "0", scale: [2500, 1, 300.1, 100.7, 100.7], translation: [5, 0, 10, 20, 30])
        ],
        name: "cell 7",
        omero: omero
    )

    private let images = [
        // Anisotropic: planes stay until voxels are cubes, within a factor of √2.
        Image(
            axes: "ctzyx",
            shape: [2, 2, 5, 1030, 45],
            spacing: VoxelSpacing(z: 0.3, y: 0.1, x: 0.1),
            options: ZarrOutputOptions(version: .two, ome: true),
            names: ["DNA", "actin"],
            expectedAxes: [
                ["t", "time", "second"], ["c", "channel", nil], ["z", "space", "micrometer"],
                ["y", "space", "micrometer"], ["x", "space", "micrometer"],
            ],
            scale: [2.5, 1, 0.3, 0.1, 0.1],
            origin: [0, 0, 0, 0, 0],
            steps: [[1, 1, 1, 2, 2], [1, 1, 1, 2, 2], [1, 1, 2, 2, 2]]
        ),
        Image(
            axes: "tczyx",
            shape: [1, 2, 7, 301, 530],
            spacing: VoxelSpacing(z: 0.3001, y: 0.1007, x: 0.1007),
            options: ZarrOutputOptions(
                pixelType: .uint16,
                version: .three,
                chunkShape: VolumeShape(z: 2, y: 32, x: 64),
                shardShape: VolumeShape(z: 4, y: 64, x: 128),
                ome: true
            ),
            group: "wells/A1",
            source: nanometers,
            channels: [0, 2],
            names: ["blue", "red"],
            expectedAxes: [
                ["t", "time", "millisecond"], ["c", "channel", nil], ["z", "space", "nanometer"],
                ["y", "space", "nanometer"], ["x", "space", "nanometer"],
            ],
            scale: [2500, 1, 300.1, 100.7, 100.7],
            origin: [0, 0, 10, 20, 30],
            steps: [[1, 1, 1, 2, 2], [1, 1, 1, 2, 2]]
        ),
        // Nothing known: all axes are alike, and halved together.
        Image(
            axes: "xyz",
            shape: [520, 259, 3],
            options: ZarrOutputOptions(version: .three, ome: true),
            expectedAxes: [["z", "space", nil], ["y", "space", nil], ["x", "space", nil]],
            scale: [1, 1, 1],
            origin: [0, 0, 0],
            steps: [[2, 2, 2], [2, 2, 2]]
        ),
        Image(
            axes: "yx",
            shape: [257, 1],
            spacing: VoxelSpacing(z: 0.2, y: 0.2, x: 0.2),
            options: ZarrOutputOptions(pixelType: .uint8, version: .two, ome: true),
            expectedAxes: [["y", "space", "micrometer"], ["x", "space", "micrometer"]],
            scale: [0.2, 0.2],
            origin: [0, 0],
            steps: [[2, 1]]
        ),
    ]

    @Test func imagesAreValidOMEZarrAndTheirLevelsAreMeans() throws {
        try #require(TestPython.interpreter != nil, Comment(rawValue: TestPython.missing))
        var jobs: [Job] = []
        for (number, image) in images.enumerated() {
            let layout = ArrayLayout(
                axes: image.axes.map { ArrayLayout.Axis(rawValue: String($0))! },
                shape: image.shape
            )
            let content = ZarrOutputContent(
                layout: layout,
                image: ImageDescription(
                    shape: layout.volumeShape,
                    channelCount: layout.channelCount,
                    timepointCount: layout.timepointCount,
                    pixelType: .float32,
                    spacing: image.spacing,
                    timeInterval: image.spacing == nil ? nil : 2.5,
                    channelNames: image.names
                ),
                multiscale: image.source,
                channels: image.channels
            )
            let path = folder.path("\(number).zarr")
            let plan = try ZarrOutputPlan(
                path: path,
                array: try ZarrPath(image.group),
                content: content,
                options: image.options
            )
            let sink = try ZarrSink(plan, job: SinkCase.job)
            let shape = layout.volumeShape
            var raw: [Float] = []
            for timepoint in 0..<layout.timepointCount {
                for channel in 0..<layout.channelCount {
                    var random = SeededGenerator(seed: UInt64(raw.count + 1))
                    let voxels = (0..<shape.voxelCount).map { _ in Float(random.uniform() * 250 - 5 * Double(channel)) }
                        .map { image.options.pixelType == .float32 ? $0 : max(0, $0) }
                    raw += voxels
                    try sink.write(channel: channel, timepoint: timepoint) { (take) throws(DeconvolutionError) in
                        try voxels.withUnsafeBufferPointer { (all) throws(DeconvolutionError) in
                            for z in 0..<shape.z {
                                let range = z * shape.planeVoxelCount..<(z + 1) * shape.planeVoxelCount
                                try take(UnsafeBufferPointer(rebasing: all[range]))
                            }
                        }
                    } figures: {
                        VolumeFigures()
                    }
                }
            }
            try sink.finish()
            let rawPath = folder.path("\(number).raw")
            try raw.withUnsafeBytes { try Data($0).write(to: URL(fileURLWithPath: rawPath)) }
            var factors = image.scale.map { _ in 1.0 }
            var scales = [image.scale]
            var translations: [[Double]?] = [image.origin.allSatisfy { $0 == 0 } ? nil : image.origin]
            for step in image.steps {
                factors = zip(factors, step).map { $0 * Double($1) }
                scales.append(zip(image.scale, factors).map { $0 * $1 })
                translations.append(
                    image.origin.indices.map { image.origin[$0] + (factors[$0] - 1) / 2 * image.scale[$0] }
                )
            }
            jobs.append(
                Job(
                    store: path,
                    group: image.group,
                    version: image.options.version!.rawValue,
                    dtype: image.options.pixelType.rawValue,
                    shape: plan.layout.shape,
                    raw: rawPath,
                    axes: image.expectedAxes,
                    scales: scales,
                    translations: translations,
                    steps: image.steps,
                    labels: image.names.isEmpty ? ["Channel 1"] : image.names
                )
            )
        }
        try JSONEncoder().encode(jobs).write(to: folder.url.appendingPathComponent("jobs.json"))
        let result = try TestPython.run(Fixtures.url("Zarr/check_pyramid.py"), [folder.path("jobs.json")])
        #expect(result.status == 0, "\(result.output)")

        // What the input says of its channels stays but for the range: all show what most of theirs are.
        let carried = try ZarrStore(path: folder.path("1.zarr")).group(at: ZarrPath("wells/A1")).attributes["ome"]
        #expect(carried?[key: "omero"]?[key: "rdefs"]?[key: "model"] == "color")
        let channel = try #require(carried?[key: "omero"]?[key: "channels"]?.array?[1])
        #expect(channel[key: "label"] == "red" && channel[key: "color"] == "0000FF")
        #expect(channel[key: "window"] != Self.omero[key: "channels"]?.array?[2][key: "window"])
        #expect(carried?[key: "multiscales"]?.array?[0][key: "name"] == "cell 7")
        let made = try ZarrStore(path: folder.path("0.zarr")).group(at: .root).attributes["omero"]
        let window = try #require(made?[key: "channels"]?.array?[1][key: "window"])
        func value(_ key: String) throws -> Double { try #require(window[key: key]?.double) }
        #expect(try value("min") > -5 && value("min") < -4.9)
        #expect(try value("max") < 245 && value("max") > 244.9)
        // Of the largest of five even numbers up to 1 a hundredth is below 0.01^(1/5) = 0.398.
        #expect(try abs(value("start") - (0.398 * 250 - 5)) < 2)
        #expect(try value("end") < value("max") && value("end") > 244)
    }

    @Test func planesAreHalvedOnceVoxelsAreAlmostCubes() throws {
        func steps(_ shape: VolumeShape, _ spacing: VoxelSpacing) throws -> [VolumeShape] {
            let layout = ArrayLayout(axes: [.z, .y, .x], shape: shape.axes)
            let image = ImageDescription(shape: shape, pixelType: .uint16, spacing: spacing)
            let content = ZarrOutputContent(layout: layout, image: image)
            let plan = try ZarrOutputPlan(path: "a", content: content, options: ZarrOutputOptions(ome: true))
            return plan.levels.dropFirst().map(\.step)
        }
        let all = VolumeShape(z: 2, y: 2, x: 2)
        let plane = VolumeShape(z: 1, y: 2, x: 2)
        #expect(
            try steps(VolumeShape(z: 200, y: 1024, x: 768), VoxelSpacing(z: 1, y: 0.25, x: 0.25)) == [plane, plane]
        )
        #expect(
            try steps(VolumeShape(z: 200, y: 2048, x: 768), VoxelSpacing(z: 0.2, y: 0.1, x: 0.1)) == [plane, all, all]
        )
        #expect(try steps(VolumeShape(z: 200, y: 600, x: 600), VoxelSpacing(z: 0.1, y: 0.2, x: 0.2)) == [all, all])
        #expect(try steps(VolumeShape(z: 1, y: 600, x: 600), VoxelSpacing(z: 0.1, y: 0.2, x: 0.2)) == [plane, plane])
        #expect(try steps(VolumeShape(z: 900, y: 256, x: 256), VoxelSpacing(z: 0.1, y: 0.1, x: 0.1)) == [])
    }
}
