import Dispatch

/// The values of a function for 0, 1, …, computed on all cores: each is what it would be on one.
func concurrentMap<Value: Sendable>(count: Int, _ value: @Sendable (Int) -> Value) -> [Value] {
    var values = [Value?](repeating: nil, count: count)
    values.withUnsafeMutableBufferPointer { values in
        // Every element is written by one job.
        nonisolated(unsafe) let values = values
        DispatchQueue.concurrentPerform(iterations: count) { values[$0] = value($0) }
    }
    return values.map { $0! }
}
