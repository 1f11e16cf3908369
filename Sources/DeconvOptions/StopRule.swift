/// How the number of iterations is found, on a part of the image and once for all volumes of a channel.
public enum StopRule: Hashable, Sendable {
    /// As the method is meant to be used.
    case auto
    /// It is given.
    case none
    /// Where photons that were held out are foretold best.
    case heldOut
    /// Where what is left of the image over the expectation is no longer alike from voxel to voxel of a plane.
    case whiteness
    /// Where an iteration takes less than this part off the Poisson divergence; above 0, below 1.
    case divergence(Double)
    /// Where both halves of the photons agree on what to change for little of the light.
    case consensus
}

extension StopRule {
    /// `auto`, `none`, `held-out`, `whiteness`, `consensus`, or `divergence:` and a number; nil where the text is something else.
    package init?(text: String) {
        switch text {
        case "auto": self = .auto
        case "none": self = .none
        case "consensus": self = .consensus
        case "held-out": self = .heldOut
        case "whiteness": self = .whiteness
        default:
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2, parts[0] == "divergence", let part = Double(parts[1]), part > 0, part < 1 else {
                return nil
            }
            self = .divergence(part)
        }
    }

    /// What `init(text:)` takes.
    package var text: String {
        switch self {
        case .auto: "auto"
        case .none: "none"
        case .consensus: "consensus"
        case .heldOut: "held-out"
        case .whiteness: "whiteness"
        case .divergence(let part): "divergence:\(part.inMessage)"
        }
    }
}
