package import DeconvVolume
import Glibc

/// What one Richardson-Lucy iteration costs on paper, to hold a measured time against.
package struct IterationCost: Hashable, Sendable {
    /// Nominal floating-point operations: four real transforms of the work volume at 2.5 N log2 N, N its voxels, and two
    /// products with the transfer function at 6 operations for each of N / 2 complex values.
    ///
    /// As FFT benchmarks count, whatever the algorithm saves: a transform that skips empty planes shows a higher rate.
    package let nominalFlopCount: Double

    /// The least bytes that an iteration moves, as the engine goes through memory.
    ///
    /// With slabs in cache, where D and F are the half spectra of the rows of the domain and of the frame (8 bytes a value), O is
    /// the transfer function, g the observed voxels as stored, and E a field on the domain (4 bytes a voxel):
    ///
    ///     columns forward  read D, O    write F
    ///     rows, ratio      read F, g    write F
    ///     columns adjoint  read F, O    write D
    ///     rows, update     read D, E    write E, D    and E once more where there is a normalization
    ///
    /// Documentation/Decisions/opencl-passes.md has the passes of the others.
    package let leastByteCount: Double

    /// The cost of an iteration in one piece, without a sensitivity or a measurement on the way.
    package init(_ geometry: WorkGeometry, pixelType: PixelType, _ structure: PassStructure) {
        let voxels = Double(geometry.workShape.voxelCount)
        nominalFlopCount = 4 * 2.5 * voxels * log2(max(voxels, 2)) + 2 * 6 * voxels / 2
        switch structure {
        case .slabs:
            leastByteCount = Self.slabBytes(geometry, pixelType)
        case .planes(let isFused, let hasRealOTF):
            leastByteCount =
                Self.columnBytes(geometry, isFused, hasRealOTF) + Self.planeBytes(geometry, pixelType)
        case .rowsAndLines(let isFused, let hasRealOTF):
            leastByteCount =
                Self.columnBytes(geometry, isFused, hasRealOTF) + Self.rowAndLineBytes(geometry, pixelType)
        }
    }

    private static func slabBytes(_ geometry: WorkGeometry, _ pixelType: PixelType) -> Double {
        func halfSpectrum(rows: Int) -> Double { 8 * Double(rows * geometry.halfRow) }
        let domain = halfSpectrum(rows: geometry.domain.shape.z * geometry.domain.shape.y)
        let frame = halfSpectrum(rows: geometry.frame.shape.z * geometry.frame.shape.y)
        let transferFunction = halfSpectrum(rows: geometry.workShape.z * geometry.workShape.y)
        let observed = Double(geometry.frame.shape.voxelCount * pixelType.inMemory.byteCount)
        return 4 * domain + 4 * frame + 2 * transferFunction + observed + updatedFields(geometry) * field(geometry)
    }

    /// Of both convolutions: the transforms along z and the product.
    private static func columnBytes(_ geometry: WorkGeometry, _ isFused: Bool, _ hasRealOTF: Bool) -> Double {
        let plane = 8 * Double(geometry.planePitch)
        let all = Double(geometry.workShape.z)
        let outer = Double(geometry.domain.shape.z + geometry.frame.shape.z)
        let planes =
            if geometry.workShape.z == 1 {
                // The product alone: read, read the transfer function, write.
                2 * 3.0
            } else if isFused {
                6 * all + 2 * outer
            } else {
                // Planes without data are cleared, and three passes go over all.
                16 * all - outer
            }
        return (planes - (hasRealOTF ? all : 0)) * plane
    }

    private static func planeBytes(_ geometry: WorkGeometry, _ pixelType: PixelType) -> Double {
        let plane = 8 * Double(geometry.planePitch)
        let (domain, frame) = (Double(geometry.domain.shape.z), Double(geometry.frame.shape.z))
        let observed = Double(geometry.frame.shape.voxelCount * (4 + pixelType.inMemory.byteCount))
        // The estimate is read once more, and the update reads the work volume.
        return 9 * (domain + frame) * plane + observed + (2 + updatedFields(geometry)) * field(geometry)
    }

    private static func rowAndLineBytes(_ geometry: WorkGeometry, _ pixelType: PixelType) -> Double {
        func bytes(_ region: Region) -> Double {
            let part = Double(region.shape.y) / Double(geometry.workShape.y)
            return (2 + 4 * part) * Double(region.shape.z) * 8 * Double(geometry.planePitch)
        }
        let observed = Double(geometry.frame.shape.voxelCount * (8 + pixelType.inMemory.byteCount))
        return bytes(geometry.domain) + bytes(geometry.frame) + observed + (1 + updatedFields(geometry))
            * field(geometry)
    }

    /// Bytes of a field.
    private static func field(_ geometry: WorkGeometry) -> Double { 4 * Double(geometry.domain.shape.voxelCount) }

    /// How many fields an update reads and writes: the estimate both, and a normalization where there is one.
    private static func updatedFields(_ geometry: WorkGeometry) -> Double { geometry.extendsFrame ? 3 : 2 }
}
