package import DeconvVolume
import Glibc

/// What one Richardson-Lucy iteration costs on paper, to hold a measured time against.
package struct IterationCost: Hashable, Sendable {
    /// Nominal floating-point operations: four real transforms of the work volume at 2.5 N log2 N, N its voxels, and two
    /// products with the transfer function at 6 operations for each of N / 2 complex values.
    ///
    /// As FFT benchmarks count, whatever the algorithm saves: a transform that skips empty planes shows a higher rate.
    package let nominalFlopCount: Double

    /// The least bytes that an iteration of split transforms moves: a plane stays in cache through its transforms and the ratio
    /// or update, a block of columns through both of its transforms and the product between them.
    ///
    /// With D and F the half spectra of the planes of the domain and of the frame (8 bytes a value), O the transfer
    /// function, g the observed voxels as stored, and E a field on the domain (4 bytes a voxel):
    ///
    ///     columns forward  read D, O    write F
    ///     planes, ratio    read F, g    write F
    ///     columns adjoint  read F, O    write D
    ///     planes, update   read D, E    write E, D    and E once more where there is a normalization
    package let leastByteCount: Double

    /// The cost of an iteration in one piece.
    package init(_ geometry: WorkGeometry, pixelType: PixelType) {
        let voxels = Double(geometry.workShape.voxelCount)
        nominalFlopCount = 4 * 2.5 * voxels * log2(max(voxels, 2)) + 2 * 6 * voxels / 2
        let plane = 8 * Double(geometry.workShape.y * geometry.halfRow)
        let domain = plane * Double(geometry.domain.shape.z)
        let frame = plane * Double(geometry.frame.shape.z)
        let transferFunction = plane * Double(geometry.workShape.z)
        let observed = Double(geometry.frame.shape.voxelCount * pixelType.inMemory.byteCount)
        let field = 4 * Double(geometry.domain.shape.voxelCount)
        leastByteCount =
            4 * domain + 4 * frame + 2 * transferFunction + observed + (geometry.extendsFrame ? 3 : 2) * field
    }
}
