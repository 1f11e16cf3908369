/// Bytes on their way through a C library from one buffer into another, in steps that its 32-bit counts can tell.
struct SteppedBytes {
    private let source: UnsafeRawBufferPointer
    private let target: UnsafeMutableRawBufferPointer
    /// Bytes that were taken from the source.
    private(set) var taken = 0
    /// Bytes that were put into the target.
    private(set) var made = 0

    private static let longestStep = 1 << 30

    /// - Parameters:
    ///   - source: at least one byte.
    ///   - target: at least one byte.
    init(_ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer) {
        self.source = source
        self.target = target
    }

    /// What the next step may take; C wants it mutable, but does not write to it.
    var input: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(
            start: UnsafeMutableRawPointer(mutating: source.baseAddress! + taken),
            count: min(source.count - taken, Self.longestStep)
        )
    }

    /// Where the next step puts it.
    var output: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(
            start: target.baseAddress! + made,
            count: min(target.count - made, Self.longestStep)
        )
    }

    /// What is not taken yet.
    var rest: Slice<UnsafeRawBufferPointer> { source[taken...] }

    /// Whether the next step may take all there is.
    var isLastStep: Bool { rest.count <= Self.longestStep }

    /// Notes how much a step has left of its input and its output, and gives whether it did anything.
    mutating func advance(inputLeft: UInt32, outputLeft: UInt32) -> Bool {
        let (consumed, produced) = (input.count - Int(inputLeft), output.count - Int(outputLeft))
        taken += consumed
        made += produced
        return consumed > 0 || produced > 0
    }
}
