/// How far a run is.
public struct DeconvolutionProgress: Sendable, Hashable {
    /// What is being done. Where volumes are read, computed and written at once, or on several devices, it is `computing` from the
    /// first iteration to the last.
    public enum Stage: String, Sendable {
        /// Another run computes on the device.
        case waiting
        /// Voxels come from a file.
        case reading
        /// Plans, transfer functions and weights are made.
        case preparing
        /// Kernels are compiled for the device, which its driver may need many seconds for the first time.
        case compiling
        /// Iterations run.
        case computing
        /// The result goes to a file.
        case writing
    }

    /// What is being done.
    public var stage: Stage
    /// The name of the device that computes.
    public var device: String
    /// Iterations done, over all volumes.
    public var completedIterations: Int
    /// Iterations to do, over all volumes.
    public var totalIterations: Int
    /// The first volume that is not finished, from 1; the last one when all are.
    public var volume: Int
    /// Volumes in all.
    public var volumeCount: Int

    /// The image that is at work, from 1, where several are deconvolved one after the other.
    public var image = 1
    /// Images in all.
    public var imageCount = 1

    /// Volumes that are where they belong, with those of earlier runs.
    public var finishedVolumeCount = 0
    /// Volumes that an earlier run with the same output had finished.
    public var resumedVolumeCount = 0
    /// Voxels of the image done a second in this run; nil until that is known.
    public var voxelsPerSecond: Double?
    /// Seconds until the last iteration, judged by the pace of this run; nil until that is known, and after it.
    public var secondsLeft: Double?
    /// The stage that took longest so far; nil until this run has finished a volume.
    public var bottleneck: RunReport.Stage?

    /// The program that a device's driver compiles, from 1; nil in other stages than `compiling`, and until it is known.
    public var program: Int?
    /// Programs that are expected to be compiled; nil where `program` is.
    public var programCount: Int?

    /// A state of a run.
    package init(
        stage: Stage,
        device: String,
        completedIterations: Int,
        totalIterations: Int,
        volume: Int,
        volumeCount: Int
    ) {
        self.stage = stage
        self.device = device
        self.completedIterations = completedIterations
        self.totalIterations = totalIterations
        self.volume = volume
        self.volumeCount = volumeCount
    }

    /// The part that is done, 0 to 1, which is when all volumes are where they belong: writing one counts as an iteration.
    public var fraction: Double {
        Double(completedIterations + finishedVolumeCount) / Double(max(totalIterations + volumeCount, 1))
    }
}
