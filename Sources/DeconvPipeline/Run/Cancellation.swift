import Synchronization
package import DeconvVolume

/// A request to stop, made from any thread and seen by a run at its next step.
public final class Cancellation: Sendable {
    private let isRequested = Atomic(false)

    /// No request yet.
    public init() {}

    /// Asks the run to stop.
    public func cancel() { isRequested.store(true, ordering: .relaxed) }

    /// Whether somebody asked.
    public var isCancelled: Bool { isRequested.load(ordering: .relaxed) }

    /// Ends a run that was asked to stop.
    /// - Throws: `DeconvolutionError.cancelled`.
    package func check() throws(DeconvolutionError) {
        if isCancelled { throw DeconvolutionError(.cancelled, "interrupted; nothing was written") }
    }
}
