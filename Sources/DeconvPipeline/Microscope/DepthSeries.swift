import DeconvOptics
import DeconvOptions
import DeconvVolume

/// The PSFs of one channel at distances from the first plane of an image.
///
/// It keeps what it has computed, and belongs to one thread.
final class DepthSeries {
    private let microscope: Microscope
    /// Size of the image's voxels, µm.
    private let spacing: VoxelSpacing
    private let shape: VolumeShape?
    private let limit: VolumeShape?
    private let travelPerDepth: Double
    private var known: [Double: ComputedPSFs.Place] = [:]

    /// A series, of which nothing is computed yet.
    /// - Parameters:
    ///   - microscope: its depth is that of the first plane.
    ///   - shape, limit: as `Microscope.pointSpreadFunction` takes them.
    ///   - extent: the largest distance from the first plane, µm.
    /// - Throws: `invalidArgument` for figures that no microscope can have.
    init(
        microscope: Microscope,
        spacing: VoxelSpacing,
        shape: VolumeShape?,
        limit: VolumeShape?,
        extent: Double
    ) throws(DeconvolutionError) {
        self.microscope = microscope
        self.spacing = spacing
        self.shape = shape
        self.limit = limit
        travelPerDepth = extent > 0 ? try microscope.travelPerDepth(over: extent) : 1
    }

    /// Whether the PSF depends on the depth.
    var varies: Bool { microscope.dependsOnDepth }

    /// Of its wavelengths, µm.
    var shortestWavelength: Double { microscope.shortestWavelength }

    /// The PSF of what is sharp at a distance from the first plane, µm.
    /// - Throws: `invalidArgument` for a plane above the cover glass; as `Microscope.pointSpreadFunction`.
    func place(at distance: Double) throws(DeconvolutionError) -> ComputedPSFs.Place {
        if let known = known[distance] { return known }
        var deep = microscope
        // To a nanometer, as people are told.
        if distance != 0 { deep.depth = ((microscope.depth + distance / travelPerDepth) * 1000).rounded() / 1000 }
        guard deep.depth >= 0 else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.psfAt): what is sharp \(distance.inMessage) µm from the first plane would lie \((-deep.depth).inMessage) µm "
                    + "above the cover glass; give how deep the first plane is with \(.depth)"
            )
        }
        let computed = try deep.pointSpreadFunction(shape: shape, spacing: spacing, limit: limit)
        let place = ComputedPSFs.Place(depth: deep.depth, computed: computed)
        known[distance] = place
        return place
    }
}
