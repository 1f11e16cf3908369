package import DeconvVolume
import Glibc

/// What one step of a method costs on paper, to hold a measured time against.
package struct IterationCost: Hashable, Sendable {
    /// Nominal floating-point operations: for each projection two real transforms of the work volume at 2.5 N log2 N, N its
    /// voxels, and a product with the transfer function at 6 operations for each of N / 2 complex values.
    ///
    /// As FFT benchmarks count, whatever the algorithm saves: a transform that skips empty planes shows a higher rate.
    package let nominalFlopCount: Double

    /// The least bytes that an iteration moves, as the engine goes through memory.
    ///
    /// For Richardson-Lucy with slabs in cache, where D and F are the half spectra of the rows of the domain and of the frame (8 bytes a value), O is
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

    /// The cost of a step in one piece, without a sensitivity or a measurement on the way.
    package init(
        _ geometry: WorkGeometry,
        pixelType: PixelType,
        _ structure: PassStructure,
        _ demand: MethodDemand
    ) {
        let voxels = Double(geometry.workShape.voxelCount)
        let projections = Double(demand.projectionCount)
        nominalFlopCount = projections * 2 * 2.5 * voxels * log2(max(voxels, 2)) + projections * 6 * voxels / 2
        let counting = PassCounting(geometry: geometry, pixelType: pixelType, structure: structure, demand: demand)
        func counted(_ projection: IterationPass.Projection) -> [Pass] {
            counting.steps(projection).filter { $0.bytes > 0 }
                .map { Pass(pass: IterationPass(projection, $0.step), byteCount: $0.bytes) }
        }
        passes = counted(.forward) + (demand.projectionCount > 1 ? counted(.back) : [])
    }

    /// The bytes of a pass as it is measured, which may be several of these together; nil where it is none of them.
    package func byteCount(of pass: IterationPass) -> Double? {
        let parts = pass.step.parts.map { step in
            passes.first { $0.pass == IterationPass(pass.projection, step) }?.byteCount
        }
        return parts.contains(nil) ? nil : parts.reduce(0) { $0 + ($1 ?? 0) }
    }
}

/// Counts the bytes of the passes of a projection, and of what is done to its voxels.
private struct PassCounting {
    let geometry: WorkGeometry
    let pixelType: PixelType
    let structure: PassStructure
    let demand: MethodDemand

    typealias Step = (step: IterationPass.Step, bytes: Double)

    func steps(_ projection: IterationPass.Projection) -> [Step] {
        switch structure {
        case .slabs: slabs(projection)
        case .planes(let isFused, let hasRealOTF): planes(projection, isFused, hasRealOTF)
        case .rowsAndLines(let isFused, let hasRealOTF): rowsAndLines(projection, isFused, hasRealOTF)
        }
    }

    private func slabs(_ projection: IterationPass.Projection) -> [Step] {
        func halfSpectrum(rows: Int) -> Double { 8 * Double(rows * geometry.halfRow) }
        let domain = halfSpectrum(rows: geometry.domain.shape.z * geometry.domain.shape.y)
        let frame = halfSpectrum(rows: geometry.frame.shape.z * geometry.frame.shape.y)
        let transferFunction = halfSpectrum(rows: geometry.workShape.z * geometry.workShape.y)
        let slabs: Step = (.slabs, domain + transferFunction + frame)
        // The last update has left the spectra of the estimate's rows, where there was one.
        let loading: [Step] = demand.projectionCount > 1 ? [] : [(.rows, field + domain)]
        let comparison: [Step] =
            switch demand.comparison {
            case .ratio: [(.rowsAndRatio, 2 * frame + observed)]
            case .difference: [(.rowsAndDifference, 2 * frame + observed)]
            case nil: []
            }
        let update: Step = (.rowsAndUpdate, (demand.projectionCount > 1 ? 2 : 1) * domain + updatedFields)
        switch projection {
        case .forward: return loading + [slabs] + comparison + (isLast(projection) ? [update] : [])
        case .back: return [slabs, update]
        }
    }

    private func planes(_ projection: IterationPass.Projection, _ isFused: Bool, _ hasRealOTF: Bool) -> [Step] {
        let (from, to) = ends(projection)
        let (planesFrom, planesTo) = (planes(from), planes(to))
        let embedding: [Step] = projection == .forward ? [(.embed, field + planesFrom)] : []
        return embedding + [(.rows, 2 * planesFrom), (.lines, 2 * planesFrom)]
            + columns(from: from, to: to, isFused, hasRealOTF)
            + [(.inverseLines, 2 * planesTo), (.inverseRows, 2 * planesTo)]
            + elementwise(projection)
    }

    private func rowsAndLines(
        _ projection: IterationPass.Projection,
        _ isFused: Bool,
        _ hasRealOTF: Bool
    ) -> [Step] {
        let (from, to) = ends(projection)
        let (planesFrom, planesTo) = (planes(from), planes(to))
        let (rowsFrom, rowsTo) = (rows(from), rows(to))
        let steps: [Step] =
            [(.rows, 4 * Double(from.shape.voxelCount) + rowsFrom), (.lines, rowsFrom + planesFrom)]
            + columns(from: from, to: to, isFused, hasRealOTF) + [(.inverseLines, planesTo + rowsTo)]
        guard demand.isMadeByTransforms else {
            let voxels = Double(to.shape.voxelCount)
            return steps + [(.inverseRows, rowsTo + 4 * voxels)] + elementwise(projection)
        }
        switch projection {
        case .forward: return steps + [(.inverseRowsAndRatio, rowsTo + 4 * frameVoxels + observed)]
        case .back: return steps + [(.inverseRowsAndUpdate, rowsTo + updatedFields)]
        }
    }

    /// Kernels that go over the work volume after a projection. The comparison reads the frame, and writes whole planes.
    private func elementwise(_ projection: IterationPass.Projection) -> [Step] {
        var steps: [Step] = []
        let bytes = 4 * frameVoxels + observed + planes(geometry.frame)
        switch projection == .forward ? demand.comparison : nil {
        case .ratio: steps.append((.ratio, bytes))
        case .difference: steps.append((.difference, bytes))
        case nil: break
        }
        if isLast(projection) { steps.append((.update, field + updatedFields)) }
        return steps
    }

    /// The transforms along z and the product, from planes of data to others.
    private func columns(from data: Region, to output: Region, _ isFused: Bool, _ hasRealOTF: Bool) -> [Step] {
        let all = Double(geometry.workShape.z) * plane
        let (read, written) = (planes(data), planes(output))
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

    private func isLast(_ projection: IterationPass.Projection) -> Bool {
        (projection == .back) == (demand.projectionCount > 1)
    }

    private func ends(_ projection: IterationPass.Projection) -> (from: Region, to: Region) {
        projection == .forward ? (geometry.domain, geometry.frame) : (geometry.frame, geometry.domain)
    }

    private var plane: Double { 8 * Double(geometry.planePitch) }

    private func planes(_ region: Region) -> Double { Double(region.shape.z) * plane }

    /// Bytes of the spectra of a region's rows.
    private func rows(_ region: Region) -> Double {
        planes(region) * Double(region.shape.y) / Double(geometry.workShape.y)
    }

    private var frameVoxels: Double { Double(geometry.frame.shape.voxelCount) }

    /// Bytes of the observed voxels.
    private var observed: Double { frameVoxels * Double(pixelType.inMemory.byteCount) }

    /// Bytes of a field.
    private var field: Double { 4 * Double(geometry.domain.shape.voxelCount) }

    /// Bytes of the fields that an update reads and writes.
    private var updatedFields: Double { Double(demand.updatedFieldCount) * field }
}
