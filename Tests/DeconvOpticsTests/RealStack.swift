import DeconvIO
import DeconvVolume
import Foundation

/// Stacks that others recorded.
enum RealStack {
    static func read(_ url: URL, spacing: VoxelSpacing? = nil) throws -> Volume {
        let source = try TIFFSource(path: url.path)
        return Volume(shape: source.image.shape, voxels: try source.readVolume().floats, spacing: spacing)
    }
}
