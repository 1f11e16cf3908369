public import DeconvVolume

/// The name of a method. Which there are is the registry's to say: `Methods` in `DeconvMethods`.
public struct MethodName: Hashable, Sendable, RawRepresentable, CustomStringConvertible {
    /// As users give it: `richardson-lucy`.
    public let rawValue: String

    /// A name, whether or not there is such a method.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// The name.
    public var description: String { rawValue }

    /// Maximum likelihood for Poisson noise, iterated: what the world expects where somebody gives a number of iterations.
    public static let richardsonLucy = MethodName(rawValue: "richardson-lucy")
}

/// What the table of options knows of a method.
package struct MethodDescription: Sendable {
    /// What it is called.
    package let name: MethodName
    /// One line about it, for help.
    package let help: String
    /// The options that it takes; others of the group "method" mean nothing to it.
    package let options: [OptionName]
    /// Those of them that are numbers and by which it divides.
    package let divisors: Set<OptionName>
    /// How the number of its steps is found where nobody says: not `auto`.
    package let stop: StopRule
    /// Whether it asks how many counts a photon makes, however its steps are found.
    package let asksForPhotons: Bool

    package init(
        name: MethodName,
        help: String,
        options: [OptionName],
        divisors: Set<OptionName> = [],
        stop: StopRule = .none,
        asksForPhotons: Bool = false
    ) {
        self.name = name
        self.help = help
        self.options = options
        self.divisors = divisors
        self.stop = stop
        self.asksForPhotons = asksForPhotons
    }

    /// How the number of its steps is found where options leave that to it: not at all where they have a number.
    package func stop(_ options: DeconvolutionOptions) -> StopRule { options.iterationCount == nil ? stop : .none }
}
