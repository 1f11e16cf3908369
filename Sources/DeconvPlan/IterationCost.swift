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
    package var leastByteCount: Double { passes.reduce(0) { $0 + $1.byteCount } }

    /// The bytes of each pass, in the order of an iteration.
    package let passes: [Pass]

    /// What one pass moves.
    package struct Pass: Hashable, Sendable {
        /// Which one.
        package let pass: IterationPass
        /// Bytes that it reads and writes.
        package let byteCount: Double
    }

    /// The cost of an iteration in one piece, without a sensitivity or a measurement on the way.
    package init(_ geometry: WorkGeometry, pixelType: PixelType, _ structure: PassStructure) {
        let voxels = Double(geometry.workShape.voxelCount)
        nominalFlopCount = 4 * 2.5 * voxels * log2(max(voxels, 2)) + 2 * 6 * voxels / 2
        let steps: (forward: [Step], back: [Step])
        switch structure {
        case .slabs:
            steps = Self.slabs(geometry, pixelType)
        case .planes(let isFused, let hasRealOTF):
            steps = Self.planes(geometry, pixelType, isFused, hasRealOTF)
        case .rowsAndLines(let isFused, let hasRealOTF):
            steps = Self.rowsAndLines(geometry, pixelType, isFused, hasRealOTF)
        }
        func counted(_ projection: IterationPass.Projection, _ steps: [Step]) -> [Pass] {
            steps.filter { $0.bytes > 0 }.map { Pass(pass: IterationPass(projection, $0.step), byteCount: $0.bytes) }
        }
        passes = counted(.forward, steps.forward) + counted(.back, steps.back)
    }

    /// The bytes of a pass as it is measured, which may be several of these together; nil where it is none of them.
    package func byteCount(of pass: IterationPass) -> Double? {
        let parts = pass.step.parts.map { step in
            passes.first { $0.pass == IterationPass(pass.projection, step) }?.byteCount
        }
        return parts.contains(nil) ? nil : parts.reduce(0) { $0 + ($1 ?? 0) }
    }

    private typealias Step = (step: IterationPass.Step, bytes: Double)

    private static func slabs(_ geometry: WorkGeometry, _ pixelType: PixelType) -> (forward: [Step], back: [Step]) {
        func halfSpectrum(rows: Int) -> Double { 8 * Double(rows * geometry.halfRow) }
        let domain = halfSpectrum(rows: geometry.domain.shape.z * geometry.domain.shape.y)
        let frame = halfSpectrum(rows: geometry.frame.shape.z * geometry.frame.shape.y)
        let transferFunction = halfSpectrum(rows: geometry.workShape.z * geometry.workShape.y)
        let observed = Double(geometry.frame.shape.voxelCount * pixelType.inMemory.byteCount)
        let slabs: Step = (.slabs, domain + transferFunction + frame)
        return (
            [slabs, (.rowsAndRatio, 2 * frame + observed)],
            [slabs, (.rowsAndUpdate, 2 * domain + updatedFields(geometry) * field(geometry))]
        )
    }

    /// The transforms along z and the product, from planes of data to others.
    private static func columns(
        _ geometry: WorkGeometry,
        from data: Region,
        to output: Region,
        _ isFused: Bool,
        _ hasRealOTF: Bool
    ) -> [Step] {
        let plane = 8 * Double(geometry.planePitch)
        let all = Double(geometry.workShape.z) * plane
        let (read, written) = (Double(data.shape.z) * plane, Double(output.shape.z) * plane)
        let transferFunction = hasRealOTF ? all / 2 : all
        if geometry.workShape.z == 1 { return [(.product, 2 * all + transferFunction)] }
        if isFused {
            return [(.columnsAndProduct, read + transferFunction + all), (.inverseColumns, all + written)]
        }
        return [
            (.clear, all - read), (.columns, 2 * all), (.product, 2 * all + transferFunction),
            (.inverseColumns, 2 * all),
        ]
    }

    private static func planes(
        _ geometry: WorkGeometry,
        _ pixelType: PixelType,
        _ isFused: Bool,
        _ hasRealOTF: Bool
    ) -> (forward: [Step], back: [Step]) {
        let plane = 8 * Double(geometry.planePitch)
        let (domain, frame) = (geometry.domain, geometry.frame)
        let (domainPlanes, framePlanes) = (Double(domain.shape.z) * plane, Double(frame.shape.z) * plane)
        // The ratio reads the frame of the work volume, and writes whole planes.
        let ratio = Double(frame.shape.voxelCount * (4 + pixelType.inMemory.byteCount)) + framePlanes
        let forward: [Step] = [
            (.embed, field(geometry) + domainPlanes), (.rows, 2 * domainPlanes), (.lines, 2 * domainPlanes),
        ]
        let back: [Step] = [(.rows, 2 * framePlanes), (.lines, 2 * framePlanes)]
        return (
            forward + columns(geometry, from: domain, to: frame, isFused, hasRealOTF)
                + [(.inverseLines, 2 * framePlanes), (.inverseRows, 2 * framePlanes), (.ratio, ratio)],
            back + columns(geometry, from: frame, to: domain, isFused, hasRealOTF)
                + [
                    (.inverseLines, 2 * domainPlanes), (.inverseRows, 2 * domainPlanes),
                    // The update reads the work volume.
                    (.update, (1 + updatedFields(geometry)) * field(geometry)),
                ]
        )
    }

    private static func rowsAndLines(
        _ geometry: WorkGeometry,
        _ pixelType: PixelType,
        _ isFused: Bool,
        _ hasRealOTF: Bool
    ) -> (forward: [Step], back: [Step]) {
        let plane = 8 * Double(geometry.planePitch)
        let (domain, frame) = (geometry.domain, geometry.frame)
        let (domainPlanes, framePlanes) = (Double(domain.shape.z) * plane, Double(frame.shape.z) * plane)
        /// Those of the region's rows.
        func rows(_ region: Region, of planes: Double) -> Double {
            planes * Double(region.shape.y) / Double(geometry.workShape.y)
        }
        let (domainRows, frameRows) = (rows(domain, of: domainPlanes), rows(frame, of: framePlanes))
        let voxels = Double(frame.shape.voxelCount)
        let forward: [Step] = [(.rows, field(geometry) + domainRows), (.lines, domainRows + domainPlanes)]
        let back: [Step] = [(.rows, 4 * voxels + frameRows), (.lines, frameRows + framePlanes)]
        return (
            forward + columns(geometry, from: domain, to: frame, isFused, hasRealOTF)
                + [
                    (.inverseLines, framePlanes + frameRows),
                    (.inverseRowsAndRatio, frameRows + voxels * Double(4 + pixelType.inMemory.byteCount)),
                ],
            back + columns(geometry, from: frame, to: domain, isFused, hasRealOTF)
                + [
                    (.inverseLines, domainPlanes + domainRows),
                    (.inverseRowsAndUpdate, domainRows + updatedFields(geometry) * field(geometry)),
                ]
        )
    }

    /// Bytes of a field.
    private static func field(_ geometry: WorkGeometry) -> Double { 4 * Double(geometry.domain.shape.voxelCount) }

    /// How many fields an update reads and writes: the estimate both, and a normalization where there is one.
    private static func updatedFields(_ geometry: WorkGeometry) -> Double { geometry.extendsFrame ? 3 : 2 }
}
