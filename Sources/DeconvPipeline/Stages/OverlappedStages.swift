import DeconvVolume
import Dispatch
import Synchronization

/// Runs the three stages at once: while a volume is computed on the caller's thread, the next one is read and brought to the
/// device on a second, and the last result comes back and is written on a third.
///
/// Each stage takes volumes in their order, one at a time, so results are those of one stage after another. At most one volume
/// is computed, one waits on the device, one waits in host memory, and one is written. Whichever stage fails first ends the
/// others when they are done with their volume; of several errors the one of the earliest volume is thrown.
struct OverlappedStages: Sendable {
    /// A result on its way to the last stage.
    private struct Finished: Sendable {
        var result: (any VolumeResult)?
        var region: Region
        var position: VolumePosition
    }

    private let reader: VolumeReader
    private let writer: VolumeWriter
    private let traffic: any VolumeTraffic
    private let staged = BoundedQueue<Result<SurveyedVolume, DeconvolutionError>>(capacity: 1)
    private let finished = BoundedQueue<Finished>(capacity: 1)
    /// A token where the place for the next frame is free.
    private let freeFrame = BoundedQueue<Void>(capacity: 1)
    /// A token where the last result has been written, so that its field may be overwritten.
    private let freeResult = BoundedQueue<Void>(capacity: 1)

    init(_ reader: VolumeReader, _ traffic: any VolumeTraffic, _ writer: VolumeWriter) {
        self.reader = reader
        self.traffic = traffic
        self.writer = writer
    }

    /// Runs all stages over some volumes.
    /// - Parameters:
    ///   - region: where the image lies in a result.
    ///   - waiting: called on this thread before it waits for a volume, and with true before it waits for the last results.
    ///   - compute: computes the volume whose frame is the observed one; gets volumes without light too, for which it
    ///     computes nothing. Called on this thread. Calls the function it gets now and then, which throws when writing failed.
    func run(
        _ volumes: [VolumePosition],
        _ region: Region,
        waiting: (_ forResults: Bool) -> Void,
        compute: (inout SurveyedVolume, () throws(DeconvolutionError) -> Void) throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) {
        let writingError = FirstError()
        freeFrame.put(())
        freeResult.put(())
        let threads = DispatchGroup()
        DispatchQueue(label: "gpudeconv.read").async(group: threads) {
            read(volumes)
        }
        DispatchQueue(label: "gpudeconv.write").async(group: threads) {
            write(writingError)
        }
        var failure: DeconvolutionError?
        do throws(DeconvolutionError) {
            for _ in volumes {
                waiting(false)
                // Nil where writing failed, which is thrown below.
                guard var volume = try staged.take()?.get() else { break }
                if !volume.isDark {
                    try traffic.swapObserved()
                    freeFrame.put(())
                }
                try compute(&volume) { () throws(DeconvolutionError) in try writingError.check() }
                guard freeResult.take() != nil else { break }
                let result = volume.isDark ? nil : try traffic.takeResult()
                guard finished.put(Finished(result: result, region: region, position: volume.position)) else { break }
            }
        } catch {
            failure = error
        }
        // What was computed is still written.
        finished.close()
        staged.cancel()
        freeFrame.cancel()
        waiting(true)
        threads.wait()
        try writingError.check()
        if let failure { throw failure }
    }

    /// The first stage, on its own thread.
    private func read(_ volumes: [VolumePosition]) {
        do throws(DeconvolutionError) {
            for position in volumes {
                var volume = try reader.survey(position)
                if !volume.isDark {
                    guard freeFrame.take() != nil else { return }
                    try reader.stage(&volume, traffic)
                }
                guard staged.put(.success(volume)) else { return }
            }
        } catch {
            staged.put(.failure(error))
        }
    }

    /// The last stage, on its own thread.
    private func write(_ writingError: FirstError) {
        do throws(DeconvolutionError) {
            while let next = finished.take() {
                try writer.write(next.result, next.region, of: next.position)
                freeResult.put(())
            }
        } catch {
            writingError.keep(error)
            // The stage in the middle sees it where it next waits.
            finished.cancel()
            freeResult.cancel()
            staged.cancel()
            freeFrame.cancel()
        }
    }
}

/// What ended the last stage.
private final class FirstError: Sendable {
    private let error = Mutex<DeconvolutionError?>(nil)

    func keep(_ new: DeconvolutionError) { error.withLock { $0 = new } }

    func check() throws(DeconvolutionError) {
        if let error = error.withLock({ $0 }) { throw error }
    }
}
