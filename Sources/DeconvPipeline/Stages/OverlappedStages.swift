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
    private let share: VolumeAgenda.Share
    private let staged = BoundedQueue<Result<SurveyedVolume, DeconvolutionError>>(
        capacity: VolumesInFlight.betweenStages
    )
    private let finished = BoundedQueue<Finished>(capacity: VolumesInFlight.betweenStages)
    /// A token where the place for the next frame is free.
    private let freeFrame = BoundedQueue<Void>(capacity: 1)
    /// A token where the last result has been written, so that its field may be overwritten.
    private let freeResult = BoundedQueue<Void>(capacity: 1)

    init(
        _ share: VolumeAgenda.Share,
        _ reader: VolumeReader,
        _ traffic: any VolumeTraffic,
        _ writer: VolumeWriter
    ) {
        self.share = share
        self.reader = reader
        self.traffic = traffic
        self.writer = writer
    }

    /// Runs all stages over the volumes of the share.
    /// - Parameters:
    ///   - region: where the image lies in a result.
    ///   - waiting: called on this thread before it waits for a volume.
    ///   - compute: computes the volume whose frame is the observed one; gets volumes without light too, for which it
    ///     computes nothing. Called on this thread. Calls the function it gets now and then, which throws when writing failed.
    ///   - written: called on the thread that writes, when a volume is where it belongs.
    func run(
        _ region: Region,
        waiting: () -> Void,
        compute: (inout SurveyedVolume, () throws(DeconvolutionError) -> Void) throws(DeconvolutionError) -> Void,
        written: @escaping @Sendable () -> Void
    ) throws(DeconvolutionError) {
        let writingError = FirstError()
        freeFrame.put(())
        freeResult.put(())
        let threads = DispatchGroup()
        DispatchQueue(label: "gpudeconv.read").async(group: threads) {
            read()
        }
        DispatchQueue(label: "gpudeconv.write").async(group: threads) {
            write(writingError, written)
        }
        var failure: DeconvolutionError?
        do throws(DeconvolutionError) {
            while true {
                waiting()
                // Nil after the last one, and where writing failed, which is thrown below.
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
        // What has been computed is still written, at most two volumes: the one that is being written and the one behind it.
        finished.close()
        staged.cancel()
        freeFrame.cancel()
        share.close()
        threads.wait()
        try writingError.check()
        if let failure { throw failure }
    }

    /// The first stage, on its own thread.
    private func read() {
        do throws(DeconvolutionError) {
            while let position = share.take() {
                var volume = try reader.survey(position)
                if !volume.isDark {
                    guard freeFrame.take() != nil else { return }
                    try reader.stage(&volume, traffic)
                }
                guard staged.put(.success(volume)) else { return }
            }
            staged.close()
        } catch {
            staged.put(.failure(error))
        }
    }

    /// The last stage, on its own thread.
    private func write(_ writingError: FirstError, _ written: @Sendable () -> Void) {
        do throws(DeconvolutionError) {
            while let next = finished.take() {
                try writer.write(next.result, next.region, of: next.position)
                share.finish(next.position)
                freeResult.put(())
                written()
            }
        } catch {
            writingError.keep(error)
            // The stage in the middle sees it where it next waits.
            finished.cancel()
            freeResult.cancel()
            staged.cancel()
            freeFrame.cancel()
            share.close()
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
