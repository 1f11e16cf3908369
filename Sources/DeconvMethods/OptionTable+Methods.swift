package import DeconvOptions
package import DeconvVolume

extension OptionTable {
    /// The table with all methods.
    package static let standard = OptionTable(methods: Methods.all.map { $0.description })
}

extension DeconvolutionOptions {
    /// Checks what no file is needed for.
    /// - Throws: `invalidArgument` naming the option, its value and its range.
    package func validate() throws(DeconvolutionError) { try OptionTable.standard.validate(JobOptions(self)) }
}
