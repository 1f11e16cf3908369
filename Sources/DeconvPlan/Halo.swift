package import DeconvVolume

/// How much of the PSF's energy lies how far out, along each axis.
///
/// Made by whoever holds the PSF; the planner knows nothing else about it.
package struct PSFExtent: Hashable, Sendable {
    /// Voxels of the PSF.
    package var shape: VolumeShape
    /// Per axis, the distance from the centre within which all but a tiny part of the energy lies.
    package var energyRadius: VolumeShape

    /// An extent; `energyRadius` is cut to what the shape allows.
    package init(shape: VolumeShape, energyRadius: VolumeShape) {
        self.shape = shape
        self.energyRadius = VolumeShape { min(energyRadius[$0], shape[$0] / 2) }
    }
}
