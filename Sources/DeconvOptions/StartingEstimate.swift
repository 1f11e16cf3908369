/// Where the estimate of an iterative method starts.
public enum StartingEstimate: String, CaseIterable, Sendable {
    /// At the mean of g − b; and the first three updates compare light with light, ratio = (g − b) / max(H x, floor).
    ///
    /// With no background this is `flat`. With one, b dilutes every ratio and a flat start leaves haze that takes tens of
    /// iterations to go: Documentation/Decisions/start.md has the measurements.
    case light
    /// At the mean of g − b everywhere.
    case flat
    /// At the observed image above its background, and its mean outside the frame.
    case observed
}
