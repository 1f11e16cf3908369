import GPUDeconv
import Synchronization

/// How far a run is, for programs: a line of JSON on standard error for every volume that is finished and before a program of
/// kernels is compiled, and at most ten a second between them.
final class ProgressLines: Sendable {
    private struct State {
        var lastWritten: ContinuousClock.Instant?
        var stage: DeconvolutionProgress.Stage?
        var program: Int?
        var finishedVolumeCount = 0
        var image = 1
    }

    /// One line; what is not known yet is left out.
    private struct Line: Encodable {
        let event = "progress"
        let stage: String
        let device: String
        let completedIterations: Int
        let totalIterations: Int
        let finishedVolumes: Int
        let resumedVolumes: Int
        let volumes: Int
        let image: Int?
        let images: Int?
        let fraction: Double
        let voxelsPerSecond: Double?
        let secondsLeft: Double?
        let bottleneck: String?
        let program: Int?
        let programs: Int?

        init(_ progress: DeconvolutionProgress) {
            stage = progress.stage.rawValue
            device = progress.device
            completedIterations = progress.completedIterations
            totalIterations = progress.totalIterations
            finishedVolumes = progress.finishedVolumeCount
            resumedVolumes = progress.resumedVolumeCount
            volumes = progress.volumeCount
            (image, images) = progress.imageCount > 1 ? (progress.image, progress.imageCount) : (nil, nil)
            fraction = progress.fraction
            voxelsPerSecond = progress.voxelsPerSecond
            secondsLeft = progress.secondsLeft
            bottleneck = progress.bottleneck?.rawValue
            program = progress.program
            programs = progress.programCount
        }
    }

    private let state = Mutex(State())

    /// Writes a step.
    func show(_ progress: DeconvolutionProgress) {
        state.withLock { state in
            let now = ContinuousClock.now
            let isNews =
                progress.finishedVolumeCount != state.finishedVolumeCount || progress.image != state.image
                || progress.stage == .compiling && (state.stage != .compiling || state.program != progress.program)
            if let last = state.lastWritten, now - last < .milliseconds(100), !isNews { return }
            state.lastWritten = now
            state.stage = progress.stage
            state.program = progress.program
            state.finishedVolumeCount = progress.finishedVolumeCount
            state.image = progress.image
            Terminal.writeJSON(Line(progress))
        }
    }
}
