/// What two changes of an estimate that follow each other have in common.
package struct ChangeSums: Hashable, Sendable {
    /// Σ of the newer one times the older one.
    package var product: Double
    /// Σ of the square of the newer one.
    package var square: Double
}
