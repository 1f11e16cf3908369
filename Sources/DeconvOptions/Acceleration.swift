/// How an estimate that is multiplied goes on beyond each product.
public enum Acceleration: String, CaseIterable, Sendable {
    /// Not at all: the method as published.
    case none
    /// Along its last change by (k − 1) / (k + 2) in step k (Wang and Miller 2014, J. Biomed. Opt. 19:036008).
    case heavyBall = "heavy-ball"
    /// Along its last change by how much that is like the change before (Biggs and Andrews 1997, Appl. Opt. 36:1766).
    case biggsAndrews = "biggs-andrews"
}
