package import DeconvPlan

/// How long a pass of an iteration took.
package struct PassDuration: Sendable {
    /// Which one.
    package var pass: IterationPass
    /// From the end of what came before to its own.
    package var seconds: Double

    /// A pass and its time.
    package init(_ pass: IterationPass, seconds: Double) {
        self.pass = pass
        self.seconds = seconds
    }
}
