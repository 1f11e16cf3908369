package import DeconvVolume

// Names that only the messages of tools have in them.
extension OptionName {
    /// Voxels of the image that is made.
    package static let shape = OptionName("shape")
    /// Whether the largest cube is looked for that a device computes, and up to which side.
    package static let largest = OptionName("largest", property: "largestSide")
    /// Between which shares of the voxels gray goes from black to white.
    package static let percentiles = OptionName("percentiles")
    /// The picture of a PSF, or of beads and their PSF.
    package static let picture = OptionName("picture")
    /// The picture of how fine a result is.
    package static let resolutionPlot = OptionName("resolution-plot")
    /// The picture of how the number of iterations was found.
    package static let stopPlot = OptionName("stop-plot")
    /// Where sections are, in place of projections.
    package static let section = OptionName("section")
    /// What moves in an animation.
    package static let animate = OptionName("animate", property: "motion")
    /// Photons of the brightest voxel.
    package static let photons = OptionName("photons", property: "peakPhotons")
}

extension VolumeShape {
    /// The three numbers as a person gives them: `40,192,192`.
    var inOption: String { "\(z),\(y),\(x)" }
}
