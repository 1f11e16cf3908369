package import DeconvVolume

/// What the preparation found in a PSF and did to it.
///
/// As JSON: lower camel case keys, axes as arrays in the order z, y, x, null for what was not done or is not known.
package struct PSFPreparationReport: Sendable, Encodable {
    /// How the background was found.
    package enum BackgroundMethod: String, Sendable, Encodable {
        /// Given by the caller.
        case given
        /// The mean of the noise outside the light.
        case noiseAtBorder
        /// The lowest values of a border without noise that stands on a pedestal.
        case pedestalAtBorder
        /// The border shows light and no pedestal: nothing to subtract.
        case lightAtBorder
        /// Too few voxels for a border that is not the PSF itself: nothing is subtracted.
        case tooSmall
        /// Nobody looked, because the PSF was taken as it is.
        case notMeasured
    }

    /// Voxels per axis as measured.
    package let inputShape: VolumeShape
    /// Spacing as measured, or nil where unknown.
    package let inputSpacing: VoxelSpacing?
    /// Whether the PSF was only checked and normalised.
    package internal(set) var isAsIs = false
    /// What the PSF was averaged over.
    package internal(set) var symmetry = PSFSymmetry.none
    /// Root mean square of what that changed, over that of the PSF; 0 where nothing was averaged.
    package internal(set) var symmetryChange = 0.0
    /// What was subtracted, in the PSF's own counts.
    package internal(set) var background = 0.0
    /// How that was found.
    package internal(set) var backgroundMethod = BackgroundMethod.notMeasured
    /// Standard deviation of the noise, counts; 0 where there is none.
    package internal(set) var noise = 0.0
    /// How much the background rises across the box, counts (z, y, x), where that is more than noise explains; else nil.
    package internal(set) var backgroundRise: [Double]?
    /// Peaks that are apart from each other, side lobes left out; nil where nobody looked.
    package internal(set) var peakCount: Int?
    /// Voxels with light that can be told from noise, or nil where there is no noise and every voxel counts.
    package internal(set) var lightVoxelCount: Int?
    /// What was negative at the end and set to zero, as a share of the positive sum. Kept as it is with `isAsIs`.
    package internal(set) var negativeFraction = 0.0
    /// Where the centre was, in voxels as measured (z, y, x), or nil where nobody looked.
    package internal(set) var center: [Double]?
    /// By how much it was moved to come to lie on voxel n/2, in voxels as measured (z, y, x).
    package internal(set) var shift = [0.0, 0.0, 0.0]
    /// The spacings before and after, or nil where the PSF was not resampled.
    package internal(set) var resampled: (from: VoxelSpacing, to: VoxelSpacing)?
    /// Voxels per axis, centred and resampled, before empty edges were cropped; nil where nothing was cropped.
    ///
    /// The frame around the light of a noisy PSF is already smaller than what was measured.
    package internal(set) var croppedFrom: VolumeShape?
    /// Share of the energy in the cropped edges.
    package internal(set) var croppedFraction = 0.0
    /// Sum of the voxels that was made 1.
    package internal(set) var sumBeforeNormalization = 0.0
    /// Voxels per axis afterwards.
    package internal(set) var outputShape: VolumeShape
    /// Spacing afterwards, or nil where unknown.
    package internal(set) var outputSpacing: VoxelSpacing?
    /// Full width at half maximum through the centre, in voxels (z, y, x); nil on an axis that does not fall to half.
    package internal(set) var fullWidthAtHalfMaximum: [Double?] = [nil, nil, nil]
    /// The narrowest that diffraction allows, full widths at half maximum in micrometers (z, y, x); nil where nobody knows.
    package internal(set) var diffractionLimitMicrometers: [Double?]?
    /// What a person should know.
    package internal(set) var warnings: [Diagnostic] = []

    init(inputShape: VolumeShape, inputSpacing: VoxelSpacing?) {
        self.inputShape = inputShape
        self.inputSpacing = inputSpacing
        outputShape = inputShape
        outputSpacing = inputSpacing
    }

    /// The full widths in micrometers (z, y, x), where the spacing is known.
    package var fullWidthAtHalfMaximumMicrometers: [Double?] {
        (0..<3).map { axis in
            if let width = fullWidthAtHalfMaximum[axis], let outputSpacing { width * outputSpacing[axis] } else { nil }
        }
    }

    mutating func warn(_ kind: Diagnostic.Kind, _ line: Message, figures: Message? = nil) {
        warnings.append(Diagnostic(kind, line, figures: figures))
    }

    mutating func describe(_ psf: PointSpreadFunction) {
        outputShape = psf.shape
        outputSpacing = psf.spacing
        fullWidthAtHalfMaximum = (0..<3).map { psf.fullWidthAtHalfMaximum(axis: $0) }
        if croppedFrom == outputShape { croppedFrom = nil }
    }

    private enum CodingKeys: String, CodingKey {
        case inputShape, inputSpacing, isAsIs, background, backgroundMethod, backgroundRise, noise, peakCount
        case lightVoxelCount, negativeFraction
        case center, shift, symmetry, symmetryChange, resampledFrom, resampledTo, croppedFrom, croppedTo,
            croppedFraction, sumBeforeNormalization
        case outputShape, outputSpacing, fullWidthAtHalfMaximum, fullWidthAtHalfMaximumMicrometers, warnings
        case diffractionLimitMicrometers, diagnostics
    }

    /// Encodes every key, with null for what was not done or is not known.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(inputShape.axes, forKey: .inputShape)
        try container.encode(inputSpacing?.axes, forKey: .inputSpacing)
        try container.encode(isAsIs, forKey: .isAsIs)
        try container.encode(background, forKey: .background)
        try container.encode(backgroundMethod, forKey: .backgroundMethod)
        try container.encode(backgroundRise, forKey: .backgroundRise)
        try container.encode(noise, forKey: .noise)
        try container.encode(peakCount, forKey: .peakCount)
        try container.encode(lightVoxelCount, forKey: .lightVoxelCount)
        try container.encode(negativeFraction, forKey: .negativeFraction)
        try container.encode(center, forKey: .center)
        try container.encode(shift, forKey: .shift)
        try container.encode(symmetry, forKey: .symmetry)
        try container.encode(symmetryChange, forKey: .symmetryChange)
        try container.encode(resampled?.from.axes, forKey: .resampledFrom)
        try container.encode(resampled?.to.axes, forKey: .resampledTo)
        try container.encode(croppedFrom?.axes, forKey: .croppedFrom)
        try container.encode(croppedFrom == nil ? nil : outputShape.axes, forKey: .croppedTo)
        try container.encode(croppedFraction, forKey: .croppedFraction)
        try container.encode(sumBeforeNormalization, forKey: .sumBeforeNormalization)
        try container.encode(outputShape.axes, forKey: .outputShape)
        try container.encode(outputSpacing?.axes, forKey: .outputSpacing)
        try container.encode(fullWidthAtHalfMaximum, forKey: .fullWidthAtHalfMaximum)
        try container.encode(fullWidthAtHalfMaximumMicrometers, forKey: .fullWidthAtHalfMaximumMicrometers)
        try container.encode(warnings.map(\.wholeLine), forKey: .warnings)
        try container.encode(diffractionLimitMicrometers, forKey: .diffractionLimitMicrometers)
        try container.encode(warnings, forKey: .diagnostics)
    }
}
