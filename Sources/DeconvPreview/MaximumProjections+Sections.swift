package import DeconvVolume

extension MaximumProjections {
    /// The three sections through a voxel in place of projections: what a PSF looks like in and beside its focus.
    package init(sectionsOf volume: Volume, through voxel: VolumeIndex) {
        self.init(shape: volume.shape)
        let shape = volume.shape
        setViews(
            alongZ: (0..<shape.y).flatMap { y in (0..<shape.x).map { x in volume[voxel.z, y, x] } },
            alongY: (0..<shape.z).flatMap { z in (0..<shape.x).map { x in volume[z, voxel.y, x] } },
            alongX: (0..<shape.y).flatMap { y in (0..<shape.z).map { z in volume[z, y, voxel.x] } }
        )
    }
}
