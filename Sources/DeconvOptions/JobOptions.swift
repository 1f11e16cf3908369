package import DeconvVolume

/// Everything that can be set of a job: what is read, what is computed, and how the result is written.
package struct JobOptions: Sendable, Hashable {
    /// What to compute.
    package var deconvolution = DeconvolutionOptions()
    /// Which part of the input.
    package var selection = InputSelection()
    /// Paths of the PSFs of `deconvolution.psfPlaces`, where these name them.
    package var psfFiles: [String]?
    /// Path of the flat field.
    package var flatField: String?
    /// Path of the mask, or `foundMask`.
    package var mask: String?
    /// Path of the second view of the object.
    package var view: String?
    /// Path or pattern of its PSF.
    package var viewPSF: String?
    /// How the result is written.
    package var output = OutputOptions()
    /// The options that somebody gave, whatever their value.
    package var given: Set<OptionName> = []

    /// Instead of a path: bad pixels are found; see `DeconvolutionOptions.masksBadPixels`.
    package static let foundMask = "auto"

    /// The defaults, none of them given.
    package init() {}

    /// Options of which somebody set the values and not their names: those that differ from their default count as given.
    package init(
        _ deconvolution: DeconvolutionOptions,
        selection: InputSelection = InputSelection(),
        flatField: String? = nil,
        mask: String? = nil,
        view: String? = nil,
        viewPSF: String? = nil,
        output: OutputOptions = OutputOptions()
    ) {
        self.deconvolution = deconvolution
        self.selection = selection
        self.flatField = flatField
        self.mask = mask
        self.view = view
        self.viewPSF = viewPSF
        self.output = output
        let defaults = JobOptions()
        for option in OptionTable.records where option.value(self) != option.value(defaults) {
            given.insert(option.name)
        }
    }

    /// Whether halves of the photons are computed too.
    var halvesPhotons: Bool { output.uncertaintyPath != nil || deconvolution.halvesPhotons }

    /// What to compute, with bad pixels left out where the mask is the one that is found.
    package var deconvolutionWithFoundMask: DeconvolutionOptions {
        var options = deconvolution
        if mask == Self.foundMask { options.masksBadPixels = true }
        return options
    }
}
