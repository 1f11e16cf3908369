package import DeconvOptions
package import DeconvVolume

/// The methods there are.
package enum Methods {
    /// All of them, the default first.
    package static let all: [any DeconvolutionMethod.Type] = [
        Auto.self, Fast.self, RichardsonLucy.self, Gated.self, Consensus.self, WienerButterworth.self,
        OTFMaskedWiener.self, Landweber.self, ICTM.self, FISTA.self, Wiener.self, Tikhonov.self,
    ]

    /// The names of those that take a second view of the object.
    package static func takingSecondView(_ options: DeconvolutionOptions) -> [String] {
        var names: [String] = []
        for type in all where type.init(options).takesSecondView { names.append(type.description.name.rawValue) }
        return names
    }

    /// The method that options come to, with its constants.
    /// - Throws: `invalidArgument` where there is none of that name.
    package static func method(_ options: DeconvolutionOptions) throws(DeconvolutionError) -> any DeconvolutionMethod {
        let name = OptionTable.standard.method(of: JobOptions(options))
        for type in all where type.description.name == name { return type.init(options) }
        let names = all.map { $0.description.name.rawValue }.joined(separator: ", ")
        throw DeconvolutionError(.invalidArgument, "\(.method, name): give one of \(names)")
    }
}
