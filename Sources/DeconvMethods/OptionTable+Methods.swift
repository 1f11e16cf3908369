package import DeconvOptions
package import DeconvVolume

extension OptionTable {
    /// The table with all methods.
    package static let standard = OptionTable(methods: [
        MethodDescription(
            name: .richardsonLucy,
            help: "",
            options: [.iterations, .boundary, .background, .readNoise, .start]
        )
    ])
}

extension DeconvolutionOptions {
    /// Checks what no file is needed for.
    /// - Throws: `invalidArgument` naming the option, its value and its range.
    package func validate() throws(DeconvolutionError) { try OptionTable.standard.validate(JobOptions(self)) }
}
