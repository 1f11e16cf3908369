import CGPUDeconv
import GPUDeconv

/// A caller's function that is told how far a run is, and may end it.
///
/// Unchecked: the header says on which threads it is called.
struct ProgressCall: @unchecked Sendable {
    let callback: gpudeconv_progress_callback?
    let context: UnsafeMutableRawPointer?
    let cancellation = Cancellation()

    func tell(_ progress: DeconvolutionProgress) {
        guard let callback, !cancellation.isCancelled else { return }
        progress.stage.rawValue.withCString { stage in
            progress.device.withCString { device in
                var told = gpudeconv_progress(
                    stage: stage,
                    device: device,
                    completed_iterations: Int64(progress.completedIterations),
                    total_iterations: Int64(progress.totalIterations),
                    finished_volumes: Int64(progress.finishedVolumeCount),
                    volume_count: Int64(progress.volumeCount),
                    seconds_left: progress.secondsLeft ?? .nan,
                    voxels_per_second: progress.voxelsPerSecond ?? .nan
                )
                if callback(&told, context) != 0 { cancellation.cancel() }
            }
        }
    }
}
