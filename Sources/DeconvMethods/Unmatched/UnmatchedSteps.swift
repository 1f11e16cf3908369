/// Steps with a back projector that is not the adjoint, from the first step of Richardson-Lucy on, and steps that are matched again.
struct UnmatchedSteps: Hashable, Sendable {
    /// What is in the place of the adjoint.
    var projector: BackProjector
    /// Steps at the end that are those of Richardson-Lucy, which brings back the light that others gain or lose; the light is then
    /// also kept on the way.
    var matchedCount: Int
}
