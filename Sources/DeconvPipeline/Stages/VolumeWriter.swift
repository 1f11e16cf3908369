import DeconvDevice
import DeconvPlan
import DeconvVolume

/// The last stage: results are checked and go to the sink, in the order of its planes.
///
/// Unchecked: it belongs to one thread at a time.
final class VolumeWriter: @unchecked Sendable {
    /// What it took so far.
    private(set) var seconds = RunReport.Seconds()
    /// Σ over the voxels of each result, by volume.
    private(set) var sums: [VolumePosition: Double] = [:]
    /// The first time point of which the sink does not have everything.
    private(set) var nextTimepoint = 0
    /// Planes of that time point that the sink has: what is computed again after memory ran out must not come twice.
    private var appendedPlanes = 0

    private let sink: any VolumeSink
    private let image: ImageDescription
    private let deviceName: String
    private let cancellation: Cancellation
    private let clock = ContinuousClock()
    /// The channels of a time point, until all are there.
    private var store: ResultStore?

    init(_ plan: JobPlan, into sink: any VolumeSink, _ cancellation: Cancellation) {
        self.sink = sink
        self.cancellation = cancellation
        image = plan.image
        deviceName = plan.backend.device.name
    }

    /// Makes room for the channels of a time point, if the plan has it and it has not been made.
    /// - Throws: as `HostMemory.init`.
    func reserve(_ plan: JobPlan, scratchFolder: String) throws(DeconvolutionError) {
        guard plan.storeBytes > 0, store == nil else { return }
        store = try ResultStore(
            shape: image.shape,
            channelCount: image.channelCount,
            scratchFolder: plan.usesScratchFiles ? scratchFolder : nil
        )
    }

    /// Takes the result of the next volume; channels of a time point come in their order.
    /// - Parameters:
    ///   - result: nil for a volume without light, whose result is 0.
    ///   - region: where the image lies in the result.
    func write(
        _ result: (any VolumeResult)?,
        _ region: Region,
        of position: VolumePosition
    ) throws(DeconvolutionError) {
        precondition(position.timepoint == nextTimepoint, "results come in the order of the sink")
        let started = clock.now
        var busy = 0.0
        var z = 0
        var sum = 0.0
        let take = { [self] (plane: UnsafeBufferPointer<Float>) throws(DeconvolutionError) in
            let arrived = clock.now
            try cancellation.check()
            sum += try checkedSum(plane, z)
            if let store {
                store.store(plane, plane: z, channel: position.channel)
            } else {
                try append(plane, z)
            }
            z += 1
            busy += (clock.now - arrived).inSeconds
        }
        if let result {
            try result.read(region, plane: take)
        } else {
            let dark = [Float](repeating: 0, count: image.shape.planeVoxelCount)
            for _ in 0..<image.shape.z {
                try dark.withUnsafeBufferPointer { (plane) throws(DeconvolutionError) in try take(plane) }
            }
        }
        sums[position] = sum
        seconds.write += busy
        seconds.download += (clock.now - started).inSeconds - busy
        if position.channel == image.channelCount - 1 {
            try flush()
            nextTimepoint += 1
            appendedPlanes = 0
        }
    }

    /// Gives the channels of a time point away, plane after plane.
    private func flush() throws(DeconvolutionError) {
        guard let store else { return }
        try clock.measure(into: &seconds.write) { () throws(DeconvolutionError) in
            for z in 0..<image.shape.z {
                try cancellation.check()
                for channel in 0..<image.channelCount {
                    try append(store.plane(z, channel: channel), z * image.channelCount + channel)
                }
            }
        }
    }

    /// Gives a plane of the time point away, unless the sink has it.
    private func append(_ plane: UnsafeBufferPointer<Float>, _ index: Int) throws(DeconvolutionError) {
        guard index >= appendedPlanes else { return }
        try sink.append(plane)
        appendedPlanes = index + 1
    }

    /// The sum of a plane's voxels.
    /// - Throws: `deviceFailed` for a result that no image can have, which is never shown.
    private func checkedSum(_ plane: UnsafeBufferPointer<Float>, _ z: Int) throws(DeconvolutionError) -> Double {
        // Eight at a time, for a fast device waits for this.
        let (whole, width) = (plane.count / 8 * 8, 8)
        var sums = SIMD8<Double>.zero
        var areValid = SIMD8<Float>.zero .== 0
        for start in stride(from: 0, to: whole, by: width) {
            let voxels = UnsafeRawPointer(plane.baseAddress! + start).loadUnaligned(as: SIMD8<Float>.self)
            sums += SIMD8<Double>(voxels)
            areValid = areValid .& (voxels .>= 0)
        }
        let rest = plane[whole...]
        let sum = rest.reduce(sums.sum()) { $0 + Double($1) }
        // Every sum with an infinity in it is one, and nothing is at least a NaN.
        guard sum.isFinite, all(areValid), rest.allSatisfy({ $0 >= 0 }) else {
            throw DeconvolutionError(
                .deviceFailed,
                "\(deviceName) gave voxels that are not numbers in plane \(z): use another --device, or --backend cpu"
            )
        }
        return sum
    }

    /// Makes the result visible.
    func finish() throws(DeconvolutionError) {
        try clock.measure(into: &seconds.write) { () throws(DeconvolutionError) in try sink.finish() }
    }
}
