import DeconvOptics
import DeconvOptions
import DeconvVolume

/// The PSFs of one channel at distances from the first plane of an image.
///
/// It keeps what it has computed, and belongs to one thread.
final class DepthSeries {
    private let microscope: Microscope
    /// Size of the image's voxels, µm.
    let spacing: VoxelSpacing
    private let shape: VolumeShape?
    private let limit: VolumeShape?
    private var known: [Double: ComputedPSF] = [:]

    /// A series, of which nothing is computed yet.
    /// - Parameters:
    ///   - microscope: its depth is that of the first plane.
    ///   - shape, limit: as `Microscope.pointSpreadFunction` takes them.
    init(microscope: Microscope, spacing: VoxelSpacing, shape: VolumeShape?, limit: VolumeShape?) {
        self.microscope = microscope
        self.spacing = spacing
        self.shape = shape
        self.limit = limit
    }

    /// Whether the PSF depends on the depth.
    var varies: Bool { microscope.dependsOnDepth }

    /// Of its wavelengths, µm.
    var shortestWavelength: Double { microscope.shortestWavelength }

    /// The PSFs at some distances from the first plane, µm.
    /// - Throws: `invalidArgument` for a plane above the cover glass; as `Microscope.pointSpreadFunction`.
    func places(at distances: [Double]) throws(DeconvolutionError) -> [ComputedPSFs.Place] {
        let depths = try microscope.depths(atTravels: distances)
        var places: [ComputedPSFs.Place] = []
        for (distance, depth) in zip(distances, depths) {
            guard depth >= 0 else {
                throw DeconvolutionError(
                    .invalidArgument,
                    "\(.psfAt): what is sharp \(distance.inMessage) µm from the first plane would lie \((-depth).inMessage) µm above "
                        + "the cover glass; give how deep the first plane is with \(.depth)"
                )
            }
            var deep = microscope
            deep.depth = depth
            let computed =
                if let known = known[depth] { known } else {
                    try deep.pointSpreadFunction(shape: shape, spacing: spacing, limit: limit)
                }
            known[depth] = computed
            places.append(ComputedPSFs.Place(depth: depth, computed: computed))
        }
        return places
    }
}
