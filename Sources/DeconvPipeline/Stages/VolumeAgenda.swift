import DeconvVolume
import Foundation

/// The volumes of a run, each given to whichever device asks next.
///
/// Unchecked: everything is done under the lock of the condition.
final class VolumeAgenda: @unchecked Sendable {
    private let condition = NSCondition()
    private let channelCount: Int
    private let lookAhead: Int?
    /// Those that nobody has, the first one last.
    private var open: [VolumePosition]
    private var taken: Set<VolumePosition> = []
    private var failure: DeconvolutionError?

    /// An agenda.
    /// - Parameters:
    ///   - volumes: in the order in which they are given out.
    ///   - channelCount: channels of a time point.
    ///   - lookAhead: how many volumes may be given out, counted from the first one of the first time point that is not
    ///     finished: for results that must wait for their turn. Nil for any number.
    init(_ volumes: [VolumePosition], channelCount: Int, lookAhead: Int?) {
        precondition(lookAhead.map { $0 >= channelCount } ?? true, "a time point is within what may be given out")
        open = volumes.reversed()
        self.channelCount = channelCount
        self.lookAhead = lookAhead
    }

    /// What one device has of it.
    ///
    /// Unchecked: its own state is guarded by the lock of the agenda.
    final class Share: @unchecked Sendable {
        private let agenda: VolumeAgenda
        private var taken: Set<VolumePosition> = []
        private var isClosed = false

        init(of agenda: VolumeAgenda) { self.agenda = agenda }

        /// The next volume, when there is one that may be begun; nil once all are finished, the run has failed, or the share
        /// is closed. While others work on the last volumes it waits, for one of them may fail.
        func take() -> VolumePosition? {
            agenda.locked {
                while !isClosed, agenda.failure == nil {
                    if let next = agenda.next() {
                        taken.insert(next)
                        return next
                    }
                    if agenda.open.isEmpty, agenda.taken.isEmpty { return nil }
                    agenda.condition.wait()
                }
                return nil
            }
        }

        /// A volume's result is where it belongs.
        func finish(_ position: VolumePosition) {
            agenda.locked {
                taken.remove(position)
                agenda.taken.remove(position)
            }
        }

        /// Gives nothing out any more, and wakes who waits in `take`.
        func close() { agenda.locked { isClosed = true } }

        /// Puts back what was taken and not finished, and gives out again.
        func reopen() {
            agenda.locked {
                agenda.putBack(taken)
                taken = []
                isClosed = false
            }
        }

        /// Puts back what was taken and not finished, for others.
        func leave() {
            reopen()
            close()
        }
    }

    /// Ends the run: nobody gets a volume any more, and `check` throws.
    func fail(_ error: DeconvolutionError) { locked { failure = failure ?? error } }

    /// - Throws: what ended the run.
    func check() throws(DeconvolutionError) {
        if let failure = locked({ failure }) { throw failure }
    }

    private func locked<T>(_ work: () -> T) -> T {
        condition.lock()
        defer {
            condition.broadcast()
            condition.unlock()
        }
        return work()
    }

    private func next() -> VolumePosition? {
        guard let next = open.last else { return nil }
        if let lookAhead {
            let first = (taken.map(\.timepoint) + [next.timepoint]).min()! * channelCount
            guard number(next) < first + lookAhead else { return nil }
        }
        open.removeLast()
        taken.insert(next)
        return next
    }

    private func putBack(_ volumes: Set<VolumePosition>) {
        taken.subtract(volumes)
        open += volumes
        open.sort { number($0) > number($1) }
    }

    private func number(_ position: VolumePosition) -> Int { position.number(channelCount: channelCount) }
}
