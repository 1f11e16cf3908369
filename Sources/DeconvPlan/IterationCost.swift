package import DeconvVolume
import Glibc

/// What one Richardson-Lucy iteration costs on paper, to hold a measured time against.
package struct IterationCost: Hashable, Sendable {
    /// Nominal floating-point operations: four real transforms of the work volume at 2.5 N log2 N, N its voxels, and two
    /// products with the transfer function at 6 operations for each of N / 2 complex values.
    ///
    /// As FFT benchmarks count, whatever the algorithm saves: a transform that skips empty planes shows a higher rate.
    package let nominalFlopCount: Double

    /// The least bytes that an iteration of split and pruned transforms moves: the ratio and the update are made while the rows
    /// that they read and write are in cache, and all transforms between rows while a slab of columns is.
    ///
    /// With D and F the half spectra of the rows of the domain and of the frame (8 bytes a value), O the transfer function, g
    /// the observed voxels as stored, and E a field on the domain (4 bytes a voxel):
    ///
    ///     columns forward  read D, O    write F
    ///     rows, ratio      read F, g    write F
    ///     columns adjoint  read F, O    write D
    ///     rows, update     read D, E    write E, D    and E once more where there is a normalization
    package let leastByteCount: Double

    /// The cost of an iteration in one piece.
    package init(_ geometry: WorkGeometry, pixelType: PixelType) {
        let voxels = Double(geometry.workShape.voxelCount)
        nominalFlopCount = 4 * 2.5 * voxels * log2(max(voxels, 2)) + 2 * 6 * voxels / 2
        func halfSpectrum(rows: Int) -> Double { 8 * Double(rows * geometry.halfRow) }
        let domain = halfSpectrum(rows: geometry.domain.shape.z * geometry.domain.shape.y)
        let frame = halfSpectrum(rows: geometry.frame.shape.z * geometry.frame.shape.y)
        let transferFunction = halfSpectrum(rows: geometry.workShape.z * geometry.workShape.y)
        let observed = Double(geometry.frame.shape.voxelCount * pixelType.inMemory.byteCount)
        let field = 4 * Double(geometry.domain.shape.voxelCount)
        leastByteCount =
            4 * domain + 4 * frame + 2 * transferFunction + observed + (geometry.extendsFrame ? 3 : 2) * field
    }
}
