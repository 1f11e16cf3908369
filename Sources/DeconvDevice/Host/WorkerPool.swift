import Dispatch
import Synchronization

/// A number of threads that share the planes or blocks of one loop.
///
/// The threads are Dispatch's own, never those of Swift's cooperative pool.
struct WorkerPool: Sendable {
    let threadCount: Int

    /// Calls `body` once for every index, each worker taking the next index when it is done with one.
    /// - Parameter body: gets the number of the worker (0 ..< threadCount), for scratch memory, and the index.
    func forEach(_ count: Int, _ body: @Sendable (_ worker: Int, _ index: Int) -> Void) {
        if threadCount == 1 || count == 1 {
            for index in 0..<count { body(0, index) }
            return
        }
        let next = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: min(threadCount, count)) { worker in
            while true {
                let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                if index >= count { return }
                body(worker, index)
            }
        }
    }
}
