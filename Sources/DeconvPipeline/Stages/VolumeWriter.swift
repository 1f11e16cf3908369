import DeconvDevice
import DeconvPlan
import DeconvVolume

/// The last stage: results are checked and go to where volumes are collected.
///
/// It does not look whether the run is to stop: what has been computed is kept, unless the collection can do nothing with it.
struct VolumeWriter: Sendable {
    private let collection: any VolumeCollection
    private let source: any VolumeSource
    private let resultType: PixelType
    private let deviceName: String
    private let record: RunRecord
    private let clock = ContinuousClock()

    init(
        _ job: JobDescription,
        on device: DeviceDescription,
        into collection: any VolumeCollection,
        _ record: RunRecord
    ) {
        self.collection = collection
        self.record = record
        source = job.source
        resultType = job.resultType
        deviceName = device.name
    }

    /// Takes the result of a volume.
    /// - Parameters:
    ///   - result: nil for a volume without light, whose result is 0.
    ///   - region: where the image lies in the result.
    func write(
        _ result: (any VolumeResult)?,
        _ region: Region,
        of position: VolumePosition
    ) throws(DeconvolutionError) {
        let started = clock.now
        // What is neither waiting for the device nor looking at its voxels goes into writing them.
        var download = 0.0
        var (sum, largest) = (0.0, Float(0))
        let shape = source.image.shape
        try collection.write(channel: position.channel, timepoint: position.timepoint) {
            (take) throws(DeconvolutionError) in
            var (waiting, z) = (clock.now, 0)
            func check(_ plane: UnsafeBufferPointer<Float>) throws(DeconvolutionError) {
                download += (clock.now - waiting).inSeconds
                let checked = try self.check(plane, z, position)
                sum += checked.sum
                largest = max(largest, checked.largest)
                try take(plane)
                z += 1
                waiting = clock.now
            }
            if let result {
                try result.read(region, plane: check)
                try noteRounding(of: largest, position)
            } else {
                let dark = [Float](repeating: 0, count: shape.planeVoxelCount)
                for _ in 0..<shape.z {
                    try dark.withUnsafeBufferPointer { (plane) throws(DeconvolutionError) in try check(plane) }
                }
            }
        } figures: {
            record.figures(position, sum: sum)
        }
        record.add(\.download, download)
        record.add(\.write, (clock.now - started).inSeconds - download)
        record.finished(position, record.figures(position, sum: sum))
    }

    /// Notes a volume of which its type leaves nothing but 0 and 1; whether there are others is known at the end.
    /// - Throws: `invalidArgument` where it is the only one.
    private func noteRounding(of largest: Float, _ position: VolumePosition) throws(DeconvolutionError) {
        guard resultType != .float32, largest > 0, largest < Self.leastBrightest else { return }
        let rounding = RoundedResult(source.name, resultType, largest)
        guard source.image.volumeCount > 1 else { throw rounding.error }
        record.roundsAway(position, rounding.warning)
    }

    /// What rounds to 2.
    private static let leastBrightest: Float = 1.5

    /// The sum of a plane's voxels, and the largest.
    /// - Throws: `deviceFailed` for a result that no image can have, which is never shown.
    private func check(
        _ plane: UnsafeBufferPointer<Float>,
        _ z: Int,
        _ position: VolumePosition
    ) throws(DeconvolutionError) -> (sum: Double, largest: Float) {
        // Eight at a time, for a fast device waits for this.
        let (whole, width) = (plane.count / 8 * 8, 8)
        var sums = SIMD8<Double>.zero
        var areValid = SIMD8<Float>.zero .== 0
        var largest = SIMD8<Float>.zero
        for start in stride(from: 0, to: whole, by: width) {
            let voxels = UnsafeRawPointer(plane.baseAddress! + start).loadUnaligned(as: SIMD8<Float>.self)
            sums += SIMD8<Double>(voxels)
            areValid = areValid .& (voxels .>= 0)
            largest.replace(with: voxels, where: voxels .> largest)
        }
        let rest = plane[whole...]
        let sum = rest.reduce(sums.sum()) { $0 + Double($1) }
        // Every sum with an infinity in it is one, and nothing is at least a NaN.
        guard sum.isFinite, all(areValid), rest.allSatisfy({ $0 >= 0 }) else {
            let volume = source.volumeName(channel: position.channel, timepoint: position.timepoint).map { " of \($0)" }
            throw DeconvolutionError(
                .deviceFailed,
                "\(deviceName) gave voxels that are not numbers in plane \(z)\(volume ?? ""): use another "
                    + "\(.device), or \(.backend, "cpu")"
            )
        }
        return (sum, max(largest.max(), rest.max() ?? 0))
    }
}

/// A result of which its integer type leaves nothing but 0 and 1, such as that of an image whose voxels go from 0 to 1.
struct RoundedResult {
    private let message: String
    private let largest: Float

    init(_ name: String, _ type: PixelType, _ largest: Float) {
        message = "\(name): as \(type.rawValue) the result would hold nothing but 0 and 1"
        self.largest = largest
    }

    /// What is said of volumes among others.
    var warning: Diagnostic {
        Diagnostic(.roundedAway, "\(message) in some volumes", figures: "the brightest voxel has \(largest)")
    }

    /// What is thrown where there are no others.
    var error: DeconvolutionError {
        DeconvolutionError(
            .invalidArgument,
            "\(message), for the brightest voxel has \(largest); give \(.dtype, "float32"), or multiply the image by "
                + "a factor first"
        )
    }
}
