public import DeconvVolume
import Glibc
import Synchronization

/// Volumes in memory as a source of several channels and time points, slow and faulty as asked for.
public final class TestSeries: VolumeSource {
    /// What messages call it.
    public let name = "series.tif"
    /// Axes and type.
    public let image: ImageDescription
    private let volumes: [VoxelData]
    private let delay: Double
    private let failure: Int?
    private let reads = Atomic(0)

    /// A series.
    /// - Parameters:
    ///   - volumes: channel fastest.
    ///   - delay: seconds that reading a volume takes at least.
    ///   - failure: number of the volume that cannot be read.
    public init(
        _ volumes: [VoxelData],
        shape: VolumeShape,
        channelCount: Int = 1,
        delay: Double = 0,
        failingAt failure: Int? = nil
    ) {
        self.volumes = volumes
        self.delay = delay
        self.failure = failure
        image = ImageDescription(
            shape: shape,
            channelCount: channelCount,
            timepointCount: volumes.count / channelCount,
            pixelType: volumes[0].pixelType
        )
    }

    /// Reads of whole volumes so far.
    public var readCount: Int { reads.load(ordering: .relaxed) }

    /// The voxels of a box, after the delay; throws for the volume that cannot be read.
    public func read(_ region: Region, channel: Int, timepoint: Int) throws(DeconvolutionError) -> VoxelData {
        if region.shape == image.shape { reads.add(1, ordering: .relaxed) }
        usleep(useconds_t(delay * 1e6))
        let index = timepoint * image.channelCount + channel
        if index == failure { throw DeconvolutionError(.inputOutput, "series.tif: volume \(index) is gone") }
        return try ArraySource(volumes[index], shape: image.shape).read(region, channel: 0, timepoint: 0)
    }
}

/// Planes in memory as a sink, slow and faulty as asked for.
public final class TestSink: VolumeSink {
    /// What has come so far.
    public private(set) var voxels: [Float] = []
    /// Planes that have come so far.
    public private(set) var planeCount = 0
    /// Whether all came.
    public private(set) var isFinished = false
    private let delay: Double
    private let failure: Int?
    private var shortage: Int?
    private let arrival: (Int) -> Void

    /// A sink.
    /// - Parameters:
    ///   - delay: seconds that a plane takes at least.
    ///   - failure: number of the plane that cannot be written.
    ///   - shortage: number of the plane at which memory runs out, once.
    ///   - arrival: called with the number of every plane, before it is taken.
    public init(
        delay: Double = 0,
        failingAt failure: Int? = nil,
        shortOfMemoryAt shortage: Int? = nil,
        arrival: @escaping (Int) -> Void = { _ in }
    ) {
        self.delay = delay
        self.failure = failure
        self.shortage = shortage
        self.arrival = arrival
    }

    /// Takes a plane, after the delay; throws for the plane that cannot be written.
    public func append(_ plane: UnsafeBufferPointer<Float>) throws(DeconvolutionError) {
        arrival(planeCount)
        usleep(useconds_t(delay * 1e6))
        if planeCount == failure { throw DeconvolutionError(.inputOutput, "result.tif: plane \(planeCount) is lost") }
        if planeCount == shortage {
            shortage = nil
            throw DeconvolutionError(.outOfMemory, "plane \(planeCount) finds no memory")
        }
        voxels.append(contentsOf: plane)
        planeCount += 1
    }

    /// Notes that all planes came.
    public func finish() throws(DeconvolutionError) { isFinished = true }
}
