/// How much an estimate is held to a small total variation: w of λ = w / √S, with S the light of the brightest voxels in photons.
public enum TotalVariation: Hashable, Sendable {
    /// As much as held-out photons say: 0, 0.075 or 0.15.
    case auto
    /// w, at least 0; 0 for not at all.
    case weight(Double)

    /// The weights that there are to choose from.
    package var candidates: [Double] {
        switch self {
        case .auto: [0, 0.075, 0.15]
        case .weight(let weight): [weight]
        }
    }
}

extension TotalVariation: ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
    /// A weight.
    public init(floatLiteral weight: Double) { self = .weight(weight) }

    /// A weight.
    public init(integerLiteral weight: Int) { self = .weight(Double(weight)) }
}
