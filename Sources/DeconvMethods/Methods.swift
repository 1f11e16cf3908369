package import DeconvOptions
package import DeconvVolume

/// The methods there are.
package enum Methods {
    /// All of them, the default first.
    package static let all: [any DeconvolutionMethod.Type] = [
        RichardsonLucy.self, Auto.self, Wiener.self, Landweber.self, Gated.self, Consensus.self,
    ]

    /// The method that options name, with its constants.
    /// - Throws: `invalidArgument` where there is none of that name.
    package static func method(_ options: DeconvolutionOptions) throws(DeconvolutionError) -> any DeconvolutionMethod {
        for type in all where type.description.name == options.method { return type.init(options) }
        let names = all.map { $0.description.name.rawValue }.joined(separator: ", ")
        throw DeconvolutionError(.invalidArgument, "\(.method, options.method): give one of \(names)")
    }
}
