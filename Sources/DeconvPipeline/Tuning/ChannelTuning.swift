package import DeconvMethods
package import DeconvOptions
import DeconvVolume

/// What was found out on a part of a channel, and how: what its volumes are computed with.
package struct ChannelTuning: Hashable, Sendable, Codable {
    /// Where the counts a photon come from.
    package enum GainOrigin: String, Hashable, Sendable, Codable {
        /// Somebody gave them.
        case given
        /// From the noise at frequencies that no light of the image can have.
        case spectrum
        /// From how the noise of small parts of the image grows with their light.
        case light
        /// A count is taken for a photon.
        case assumed
    }

    /// What a search along the steps of one weight showed.
    package struct Curve: Hashable, Sendable, Codable {
        /// w of total variation.
        package var totalVariation: Double
        /// Of each step: log-likelihood of held-out photons in nats, likeness of neighbors, Poisson divergence, or part of the light
        /// that still changes.
        package var values: [Double]
    }

    /// What the method gets.
    package var tuning: MethodTuning
    /// How the number of steps was found: the rule as an option has it.
    package var stop: String
    /// w of total variation.
    package var weight: Double
    /// Counts a photon; nil where nobody needed them or nothing tells.
    package var gain: Double?
    /// Where they come from.
    package var gainOrigin: GainOrigin?
    /// S: what all but one in a thousand voxels do not reach above the background, photons.
    package var light: Double
    /// Why the photons are not known that the options' rule asks for, so that another one decided; nil where none did.
    package var exception: String?
    /// Whether a count is taken for a photon by a method that asks how many there are.
    package var takesCounts: Bool
    /// Whether the rule was still looking for a better step when there were as many as there may be.
    package var isCut: Bool
    /// What was seen on the way, one a weight that was tried.
    package var curves: [Curve]

    /// The rule by which `curves` were made; of one that found nothing only they are left.
    package var searchRule: StopRule {
        let rule = StopRule(text: stop) ?? .none
        // Which then took the place of another.
        return rule == .none && !curves.isEmpty ? .whiteness : rule
    }

    /// `17 iterations (held-out photons), TV 0.15, 2.2 counts a photon`.
    package var sentence: String {
        let steps = tuning.stepCount == 1 ? "1 iteration" : "\(tuning.stepCount) iterations"
        let rule = exception != nil && tuning.signal != nil ? "fast" : Self.words(stop)
        var parts = [steps + (rule.map { " (\($0))" } ?? "")]
        if weight > 0 { parts.append("TV \(weight.inMessage)") }
        if let gain { parts.append("\(gain.threeFigures) counts a photon") }
        return parts.joined(separator: ", ")
    }

    private static func words(_ stop: String) -> String? {
        guard let rule = StopRule(text: stop) else { return nil }
        return switch rule {
        case .none, .auto: nil
        case .consensus: "consensus of halves"
        case .heldOut: "held-out photons"
        case .whiteness: "whiteness of the rest"
        case .divergence(let part): "divergence, \(part.inMessage)"
        }
    }

    /// What a person should know of it.
    /// - Parameter name: what messages call the image.
    func warnings(_ name: String) -> [Diagnostic] {
        var warnings: [Diagnostic] = []
        if let exception {
            let kind = Diagnostic.Kind.photonsUnknown
            let consequence: Message =
                if tuning.signal != nil {
                    "\(.method, "fast") was used in place of \(.method, "auto")"
                } else if takesCounts, stop != StopRule.whiteness.text {
                    "every count is taken for a photon"
                } else if stop == StopRule.none.text, weight > 0 {
                    "\(.totalVariation) counts every count for a photon"
                } else if stop == StopRule.none.text {
                    "none were held out and the number of iterations is a usual one"
                } else {
                    "none were held out and the iterations end where the rest looks like noise"
                }
            let line: Message =
                if gain == nil, light == 0 {
                    "\(subject: name): has no light where it was looked at, so that \(consequence); give \(.iterations)"
                } else if gain == nil {
                    "\(subject: name): nobody can tell how many photons it has, so that \(consequence); give \(.gain) if you know it"
                } else {
                    "\(subject: name): has few photons, so that \(consequence)"
                }
            warnings.append(Diagnostic(kind, line, figures: "\(exception)"))
        }
        if isCut {
            warnings.append(
                Diagnostic(
                    .iterationsCut,
                    "\(subject: name): \(.maxIterations) ended the search for the number of iterations, as where an image is very bright, "
                        + "saturated, or not blurred by this PSF; give more, or check these",
                    figures: "\(tuning.stepCount) iterations"
                )
            )
        }
        return warnings
    }
}
