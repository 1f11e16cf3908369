import DeconvIO
import DeconvTestSupport
import DeconvVolume
import Foundation
import Synchronization
import Testing

/// A result to write, with its volumes.
struct SinkCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var layout: ArrayLayout
    var options: ZarrOutputOptions
    var template: ZarrArrayMetadata?

    init(_ name: String, _ axes: String, _ shape: [Int], _ options: ZarrOutputOptions, chunks: [Int]? = nil) {
        testDescription = name
        layout = ArrayLayout(axes: axes.map { ArrayLayout.Axis(rawValue: String($0))! }, shape: shape)
        self.options = options
        template = chunks.map {
            try! ZarrArrayMetadata(version: .two, shape: shape, chunkShape: $0, dataType: .uint16, separator: .slash)
        }
    }

    static let all = [
        SinkCase("version 2, a chunk a volume", "ctzyx", [2, 3, 5, 12, 11], ZarrOutputOptions()),
        SinkCase(
            "version 3, chunks of 2 planes, uint16",
            "tzyx",
            [5, 5, 12, 11],
            ZarrOutputOptions(
                pixelType: .uint16,
                version: .three,
                chunkShape: VolumeShape(z: 2, y: 5, x: 11),
                compression: try! ZarrOutputOptions.Compression(.zstandard)
            )
        ),
        SinkCase(
            "shards",
            "tczyx",
            [3, 2, 7, 20, 13],
            ZarrOutputOptions(
                version: .three,
                chunkShape: VolumeShape(z: 2, y: 4, x: 5),
                shardShape: VolumeShape(z: 4, y: 8, x: 10)
            )
        ),
        SinkCase(
            "after chunks of many volumes",
            "tczyx",
            [5, 2, 4, 9, 8],
            ZarrOutputOptions(pixelType: .uint8),
            chunks: [3, 2, 3, 9, 5]
        ),
        SinkCase("x first, time last", "xyzct", [8, 9, 4, 2, 4], ZarrOutputOptions(), chunks: [5, 4, 3, 1, 1]),
        SinkCase("one plane, other axes", "*tyx", [2, 3, 9, 7], ZarrOutputOptions()),
        SinkCase(
            "OME-Zarr 0.4",
            "cztyx",
            [2, 5, 2, 300, 271],
            ZarrOutputOptions(pixelType: .uint16, version: .two, ome: true)
        ),
        SinkCase(
            "OME-Zarr 0.5 in shards",
            "tzyx",
            [4, 6, 260, 33],
            ZarrOutputOptions(
                version: .three,
                chunkShape: VolumeShape(z: 3, y: 64, x: 16),
                shardShape: VolumeShape(z: 3, y: 128, x: 32),
                ome: true
            )
        ),
    ]

    /// One for each volume.
    var volumes: [VolumePosition] {
        (0..<layout.timepointCount).flatMap { timepoint in
            (0..<layout.channelCount).map { VolumePosition(channel: $0, timepoint: timepoint) }
        }
    }

    /// The voxels of a volume, z, y, x: noise, some of which saturates 8 bits.
    func voxels(_ volume: VolumePosition) -> [Float] {
        var random = SeededGenerator(seed: UInt64(1000 * volume.channel + volume.timepoint + 1))
        return (0..<layout.volumeShape.voxelCount).map { _ in Float(random.uniform() * 300) }
    }

    func plan(_ path: String, array: String = "", overwrite: Bool = false) throws -> ZarrOutputPlan {
        var options = options
        options.overwrite = overwrite
        let image = ImageDescription(
            shape: layout.volumeShape,
            channelCount: layout.channelCount,
            timepointCount: layout.timepointCount,
            pixelType: .float32,
            spacing: VoxelSpacing(z: 0.3, y: 0.1, x: 0.1),
            timeInterval: 2.5,
            channelNames: (0..<layout.channelCount).map { "dye \($0)" }
        )
        let content = ZarrOutputContent(layout: layout, image: image, template: template)
        return try ZarrOutputPlan(path: path, array: try ZarrPath(array), content: content, options: options)
    }

    static let job = JobFingerprint(["image": "raw.zarr", "\(.iterations)": "10"])

    func sink(
        _ path: String,
        array: String = "",
        job: JobFingerprint = SinkCase.job,
        overwrite: Bool = false,
        inputs: [String] = [],
        inputStamps: [VolumePosition: UInt64] = [:],
        threadCount: Int = 2,
        calls: OutputCalls = .system
    ) throws -> ZarrSink {
        let plan = try plan(path, array: array, overwrite: overwrite)
        return try ZarrSink(
            plan,
            job: job,
            inputs: inputs,
            inputStamps: inputStamps,
            threadCount: threadCount,
            calls: calls
        )
    }

    /// Writes one volume, plane by plane.
    func write(_ volume: VolumePosition, to sink: ZarrSink) throws {
        let voxels = voxels(volume)
        let count = layout.volumeShape.planeVoxelCount
        try sink.write(
            channel: volume.channel,
            timepoint: volume.timepoint,
            planes: { (take) throws(DeconvolutionError) in
                try voxels.withUnsafeBufferPointer { (buffer) throws(DeconvolutionError) in
                    for plane in 0..<layout.volumeShape.z {
                        try take(UnsafeBufferPointer(rebasing: buffer[plane * count..<(plane + 1) * count]))
                    }
                }
            },
            figures: { figures(volume) }
        )
    }

    /// What is kept of a volume: numbers with many digits, and now and then none, infinity or a warning.
    func figures(_ volume: VolumePosition) -> VolumeFigures {
        var figures = VolumeFigures()
        figures.sum = voxels(volume).reduce(0) { $0 + Double($1) } / 3
        figures.light = -figures.sum * 1e-12
        figures.maskedVoxelCount = volume.timepoint
        figures.saturatedVoxelCount = 1 << 40
        if volume.timepoint > 0 {
            let last = volume.channel == 0 ? figures.sum.squareRoot() : .infinity
            figures.divergence = [
                VolumeFigures.Divergence(iteration: 1, value: figures.sum / 7),
                VolumeFigures.Divergence(iteration: 10, value: last),
            ]
            figures.warnings = [
                Diagnostic(
                    .cameraOffset,
                    "\"dye\" \(volume.channel):\n é",
                    figures: volume.channel == 0 ? "µ 3.5" : nil
                )
            ]
        }
        return figures
    }

    /// Writes what is missing, in order, and finishes.
    func complete(_ sink: ZarrSink) throws {
        for volume in volumes where !sink.holds(channel: volume.channel, timepoint: volume.timepoint) {
            try write(volume, to: sink)
        }
        try sink.finish()
    }
}

/// All files below a folder with their bytes, by their path from there.
func tree(_ path: String) -> [String: Data] {
    var files: [String: Data] = [:]
    for name in FileManager.default.enumerator(atPath: path)?.compactMap({ $0 as? String }) ?? [] {
        var isFolder: ObjCBool = false
        let isThere = FileManager.default.fileExists(atPath: "\(path)/\(name)", isDirectory: &isFolder)
        if isThere, !isFolder.boolValue { files[name] = try? Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)")) }
    }
    return files
}

/// Runs `body`, and gives what it threw.
func failure(_ body: () throws -> Void) -> DeconvolutionError? {
    do {
        try body()
        return nil
    } catch {
        return error as? DeconvolutionError
    }
}

/// System calls that kill the process right before one of them.
func killing(before number: Int) -> OutputCalls {
    final class Counter: Sendable {
        let calls = Atomic(0)
    }
    let counter = Counter()
    let count: @Sendable () -> Bool = { [counter] in
        counter.calls.wrappingAdd(1, ordering: .relaxed).newValue == number
    }
    return OutputCalls(
        write: { descriptor, bytes, byteCount, offset in
            guard count() else { return pwrite(descriptor, bytes, byteCount, off_t(offset)) }
            // What a killed process has written of it may be there.
            pwrite(descriptor, bytes, byteCount / 2, off_t(offset))
            kill(getpid(), SIGKILL)
            return -1
        },
        synchronize: {
            if count() { kill(getpid(), SIGKILL) }
            return fsync($0)
        }
    )
}
