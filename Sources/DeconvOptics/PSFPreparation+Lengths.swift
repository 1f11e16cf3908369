package import DeconvVolume

extension PSFPreparation {
    /// A PSF ready for an image, where files say the size of voxels along some axes only.
    ///
    /// The PSF is resampled along the axes along which the sizes of both are known. Along the others they are taken as equal,
    /// which is said.
    /// - Parameters:
    ///   - lengths: of the PSF's voxels, as far as they are known.
    ///   - imageLengths: of the image's.
    /// - Throws: as `prepare(_:name:imageSpacing:imageName:limit:)`.
    package func prepare(
        _ measured: Volume,
        lengths: AxisLengths,
        name: String,
        imageLengths: AxisLengths,
        imageName: String = "the image",
        limit: DiffractionLimit? = nil
    ) throws(DeconvolutionError) -> PreparedPSF {
        var volume = measured
        let both = [lengths, imageLengths]
        // All or nothing is what the preparation itself has words for.
        guard both.contains(where: { !$0.isEmpty && $0.missing != nil }) else {
            // Whether they are sizes at all is checked there.
            func whole(_ lengths: AxisLengths) -> VoxelSpacing? {
                guard let z = lengths.z, let y = lengths.y, let x = lengths.x else { return nil }
                return VoxelSpacing(z: z, y: y, x: x)
            }
            volume.spacing = whole(lengths)
            let imageSpacing = whole(imageLengths)
            return try prepare(volume, name: name, imageSpacing: imageSpacing, imageName: imageName, limit: limit)
        }
        // Along an axis of which nobody knows a size, any will do that is the same for both.
        let anyLength = both.lazy.flatMap { [$0.y, $0.x, $0.z] }.compactMap(\.self).first ?? 1
        func completed(_ known: AxisLengths, _ other: AxisLengths) -> VoxelSpacing {
            func length(_ axis: Int) -> Double { known[axis] ?? other[axis] ?? anyLength }
            return VoxelSpacing(z: length(0), y: length(1), x: length(2))
        }
        volume.spacing = completed(lengths, imageLengths)
        let imageSpacing = completed(imageLengths, lengths)
        let prepared = try prepare(volume, name: name, imageSpacing: imageSpacing, imageName: imageName, limit: limit)
        var (psf, report) = (prepared.psf, prepared.report)
        if (0..<3).contains(where: { lengths[$0] == nil && imageLengths[$0] == nil }) {
            psf = PointSpreadFunction(shape: psf.shape, voxels: psf.voxels)
            report.outputSpacing = nil
        }
        let assumed = (0..<3).filter { volume.shape[$0] > 1 && (lengths[$0] == nil || imageLengths[$0] == nil) }
        if !assumed.isEmpty {
            let axes = assumed.map { ["z", "y", "x"][$0] }.joined(separator: " and ")
            report.warn(
                .spacingUnknown,
                "\(subject: name): the size of voxels along \(axes) is not known of both PSF and image, and taken as equal; "
                    + "\(.spacing) and \(.psfSpacing) give it",
                figures: "z, y, x: \(lengths) for the PSF, \(imageLengths) for the image"
            )
        }
        return PreparedPSF(psf: psf, report: report)
    }
}
