package import DeconvVolume
import Synchronization

/// How far a device's kernels are compiled.
package struct CompilationStep: Hashable, Sendable {
    /// The program that is made now, from 1.
    package var number: Int
    /// Programs that are expected; not fewer than `number`.
    package var count: Int
}

/// Tells who waits that programs are made: a driver may need many seconds for each the first time, and cannot be interrupted.
package enum Compilation {
    private final class Observer: Sendable {
        private let step = Mutex(CompilationStep(number: 0, count: 0))
        private let tell: @Sendable (CompilationStep) -> Void

        init(_ tell: @escaping @Sendable (CompilationStep) -> Void) { self.tell = tell }

        func expect(_ count: Int) { step.withLock { $0.count = $0.number + count } }

        func begin() {
            let now = step.withLock { step in
                step.number += 1
                step.count = max(step.count, step.number)
                return step
            }
            tell(now)
        }
    }

    @TaskLocal private static var observer: Observer?

    /// Does something, and is told of every program that this thread makes meanwhile before it is made.
    package static func observed<T>(
        by tell: @escaping @Sendable (CompilationStep) -> Void,
        _ body: () throws(DeconvolutionError) -> T
    ) throws(DeconvolutionError) -> T {
        var result: Result<T, DeconvolutionError>?
        $observer.withValue(Observer(tell)) { result = Result { () throws(DeconvolutionError) in try body() } }
        guard let result else { preconditionFailure("the body was run") }
        return try result.get()
    }

    /// So many programs are to come.
    static func expect(_ count: Int) { observer?.expect(count) }

    /// A program is about to be made.
    static func begin() { observer?.begin() }
}
