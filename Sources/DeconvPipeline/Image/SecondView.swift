import DeconvDevice
package import DeconvVolume

/// Another image of the object of a job, aligned with the first voxel by voxel: a second view of it, or one with another PSF.
package struct SecondView: Sendable {
    /// Where its volumes come from.
    package var source: any VolumeSource
    /// One for all channels, or one a channel.
    package var psfs: [MeasuredPSF]

    /// A view with its PSFs.
    package init(source: any VolumeSource, psfs: [MeasuredPSF]) { (self.source, self.psfs) = (source, psfs) }

    /// By how much the sizes of voxels may differ: what files round.
    private static let spacingTolerance = 1e-3

    /// Checks that it has the voxels of the first view.
    /// - Parameter spacing: what somebody says of the voxels of both, µm.
    /// - Throws: `invalidData` naming both images and what differs.
    func check(against first: any VolumeSource, spacing: VoxelSpacing?) throws(DeconvolutionError) {
        let (ours, theirs) = (source.image, first.image)
        guard ours.shape == theirs.shape, ours.channelCount == theirs.channelCount,
            ours.timepointCount == theirs.timepointCount
        else {
            throw DeconvolutionError(
                .invalidData,
                "\(source.name) has \(ours.sizeInWords), but \(first.name) has \(theirs.sizeInWords); \(.view) takes an image that "
                    + "is aligned with the first one: resample it to the voxels of that, or crop both"
            )
        }
        guard ours.pixelType.inMemory == theirs.pixelType.inMemory else {
            throw DeconvolutionError(
                .invalidData,
                "\(source.name) holds \(ours.pixelType.rawValue), but \(first.name) holds \(theirs.pixelType.rawValue); convert one of "
                    + "them to the type of the other"
            )
        }
        guard spacing == nil, let our = ours.spacing, let their = theirs.spacing else { return }
        guard (0..<3).allSatisfy({ abs(our[$0] / their[$0] - 1) <= Self.spacingTolerance }) else {
            throw DeconvolutionError(
                .invalidData,
                "\(source.name) has voxels of \(our), but \(first.name) of \(their); \(.view) takes an image of the same voxels: "
                    + "resample it, or give \(.spacing) where a file is wrong"
            )
        }
    }
}
