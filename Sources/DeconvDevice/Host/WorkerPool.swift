import Dispatch
import Synchronization

/// A number of threads that share the planes or blocks of one loop.
///
/// The threads are Dispatch's own, never those of Swift's cooperative pool.
package struct WorkerPool: Sendable {
    let threadCount: Int

    /// Calls `body` once for every index, each worker taking a run of indices when it is done with one.
    ///
    /// The runs get shorter towards the end, so that workers end together. They are not single indices, for what the
    /// processor fetches ahead of one thread would then be what another thread writes.
    /// - Parameter body: gets the number of the worker (0 ..< threadCount), for scratch memory, and the index.
    func forEach(_ count: Int, _ body: @Sendable (_ worker: Int, _ index: Int) -> Void) {
        if threadCount == 1 || count == 1 {
            for index in 0..<count { body(0, index) }
            return
        }
        let next = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: min(threadCount, count)) { worker in
            var first = next.load(ordering: .relaxed)
            while first < count {
                let end = first + max(1, (count - first) / (4 * threadCount))
                let (taken, current) = next.weakCompareExchange(expected: first, desired: end, ordering: .relaxed)
                first = current
                guard taken else { continue }
                for index in first..<end { body(worker, index) }
                first = next.load(ordering: .relaxed)
            }
        }
    }
}
