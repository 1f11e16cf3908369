import Foundation

/// Values on their way from one thread to another, of which no more than a number wait.
///
/// Unchecked: everything is done under the lock of the condition.
final class BoundedQueue<Value: Sendable>: @unchecked Sendable {
    private let condition = NSCondition()
    private let capacity: Int
    private var values: [Value] = []
    private var isClosed = false

    /// An empty queue.
    /// - Parameter capacity: most values that wait, at least 1.
    init(capacity: Int) {
        precondition(capacity >= 1, "a queue holds a value")
        self.capacity = capacity
    }

    /// Adds a value, when there is room for it.
    /// - Returns: whether it was taken; false once the queue is closed.
    @discardableResult
    func put(_ value: Value) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        while values.count == capacity, !isClosed { condition.wait() }
        if isClosed { return false }
        values.append(value)
        condition.broadcast()
        return true
    }

    /// The value that has waited longest, when there is one; nil once the queue is closed and empty.
    func take() -> Value? {
        condition.lock()
        defer { condition.unlock() }
        while values.isEmpty, !isClosed { condition.wait() }
        guard !values.isEmpty else { return nil }
        let value = values.removeFirst()
        condition.broadcast()
        return value
    }

    /// Takes no more values; those that wait can still be taken.
    func close() {
        condition.lock()
        isClosed = true
        condition.broadcast()
        condition.unlock()
    }

    /// Takes no more values, and drops those that wait.
    func cancel() {
        condition.lock()
        isClosed = true
        values = []
        condition.broadcast()
        condition.unlock()
    }
}
