import COpenCL
package import DeconvVolume

/// Our kernels on one queue: one function a kernel, the only place that knows its name and the order of its arguments.
package final class KernelTable {
    /// Work-groups of a reduction: enough to fill a large GPU, few enough to add up on the host.
    private static let reductionGroups = 512

    private let queue: CommandQueue
    private let hasDouble: Bool
    private let partialSums: DeviceBuffer
    private let embedFieldKernel: Kernel
    private let embedPSFKernel: Kernel
    private let extractBoxKernel: Kernel
    private let fillFromObservedKernel: Kernel
    private let fillWorkKernel: Kernel
    private let complementWorkKernel: Kernel
    private let scaleSpectrumKernel: Kernel
    private let realPartKernel: Kernel
    private let complexMultiplyKernel: Kernel
    private let realMultiplyKernel: Kernel
    private let takeRatioKernel: Kernel
    private let storeNormalizationKernel: Kernel
    private let multiplyEstimateKernel: Kernel
    private let poissonDivergenceKernel: Kernel
    private let largestValueKernel: Kernel
    private let largestImaginaryKernel: Kernel

    /// The kernels for observed images of one type.
    /// - Throws: `DeconvolutionError` with the compiler's log when the device refuses them.
    package init(for type: PixelType, on queue: CommandQueue) throws(DeconvolutionError) {
        let program = try queue.context.program(for: type)
        self.queue = queue
        hasDouble = queue.context.device.hasDouble
        partialSums = try DeviceBuffer(byteCount: Self.reductionGroups * 8, in: queue.context)
        embedFieldKernel = try Kernel("embed_field", of: program, on: queue)
        embedPSFKernel = try Kernel("embed_psf", of: program, on: queue)
        extractBoxKernel = try Kernel("extract_box", of: program, on: queue)
        fillFromObservedKernel = try Kernel("fill_from_observed", of: program, on: queue)
        fillWorkKernel = try Kernel("fill_work", of: program, on: queue)
        complementWorkKernel = try Kernel("complement_work", of: program, on: queue)
        scaleSpectrumKernel = try Kernel("scale_spectrum", of: program, on: queue)
        realPartKernel = try Kernel("real_part", of: program, on: queue)
        complexMultiplyKernel = try Kernel("complex_multiply", of: program, on: queue)
        realMultiplyKernel = try Kernel("real_multiply", of: program, on: queue)
        takeRatioKernel = try Kernel("take_ratio", of: program, on: queue)
        storeNormalizationKernel = try Kernel("store_normalization", of: program, on: queue)
        multiplyEstimateKernel = try Kernel("multiply_estimate", of: program, on: queue)
        poissonDivergenceKernel = try Kernel("poisson_divergence", of: program, on: queue)
        largestValueKernel = try Kernel("largest_value", of: program, on: queue)
        largestImaginaryKernel = try Kernel("largest_imaginary", of: program, on: queue)
    }

    /// work ← field where there is one, 0 in the rest of the domain's planes.
    package func embedField(
        _ field: DeviceBuffer,
        into work: DeviceBuffer,
        _ layout: WorkspaceLayout
    ) throws(DeconvolutionError) {
        let shape = layout.domain.shape
        try embedFieldKernel.run(
            x: 2 * layout.halfRow,
            y: layout.workShape.y,
            z: shape.z,
            [.buffer(field), .uint(shape.y), .uint(shape.x)] + workArguments(work, layout)
        )
    }

    /// work ← PSF with its centre n/2 on voxel (0, 0, 0), wrapped and added up where it is longer.
    package func embedPSF(
        _ psf: DeviceBuffer,
        shape: VolumeShape,
        into work: DeviceBuffer,
        _ layout: WorkspaceLayout
    ) throws(DeconvolutionError) {
        let size = layout.workShape
        try embedPSFKernel.run(
            x: 2 * layout.halfRow,
            y: size.y,
            z: size.z,
            [
                .buffer(psf), .uint(shape.z), .uint(shape.y), .uint(shape.x),
                .buffer(work), .uint(size.z), .uint(size.y), .uint(size.x),
            ] + pitches(layout)
        )
    }

    /// box ← the voxels of a region of the work volume, without gaps.
    package func extractBox(
        _ region: Region,
        of work: DeviceBuffer,
        _ layout: WorkspaceLayout,
        into box: DeviceBuffer
    ) throws(DeconvolutionError) {
        let (origin, shape) = (region.origin, region.shape)
        try extractBoxKernel.run(
            x: shape.x,
            y: shape.y,
            z: shape.z,
            [.buffer(box), .uint(shape.y), .uint(shape.x), .buffer(work)] + pitches(layout)
                + [.uint(origin.z), .uint(origin.y), .uint(origin.x)]
        )
    }

    /// field ← max((observed − offset) / f, least) on the frame, `outside` where f = 0 and in the rest of the domain.
    package func fillFromObserved(
        _ field: DeviceBuffer,
        _ observed: DeviceBuffer,
        sensitivity: DeviceBuffer?,
        _ layout: WorkspaceLayout,
        offset: Float,
        least: Float,
        outside: Float
    ) throws(DeconvolutionError) {
        let shape = layout.domain.shape
        try fillFromObservedKernel.run(
            x: shape.x,
            y: shape.y,
            z: shape.z,
            [.buffer(field), .uint(shape.y), .uint(shape.x), .buffer(observed), .buffer(sensitivity)]
                + box(layout.frame)
                + [.float(offset), .float(least), .float(outside)]
        )
    }

    /// work ← f on the frame, 0 in the rest of its planes; no sensitivity stands for 1.
    package func fillWork(
        _ work: DeviceBuffer,
        _ layout: WorkspaceLayout,
        sensitivity: DeviceBuffer?
    ) throws(DeconvolutionError) {
        let frame = layout.frame
        try fillWorkKernel.run(
            x: 2 * layout.halfRow,
            y: layout.workShape.y,
            z: frame.shape.z,
            workArguments(work, layout) + [
                .buffer(sensitivity), .uint(frame.origin.z), .uint(frame.origin.y), .uint(frame.origin.x),
                .uint(frame.shape.y), .uint(frame.shape.x),
            ]
        )
    }

    /// work ← 1 − work on the domain.
    package func complementWork(_ work: DeviceBuffer, _ layout: WorkspaceLayout) throws(DeconvolutionError) {
        let shape = layout.domain.shape
        try complementWorkKernel.run(
            x: shape.x,
            y: shape.y,
            z: shape.z,
            [.buffer(work)] + pitches(layout) + [.uint(shape.y), .uint(shape.x)]
        )
    }

    /// target ← source · factor, complex.
    package func scaleSpectrum(
        _ source: DeviceBuffer,
        into target: DeviceBuffer,
        by factor: Float,
        count: Int
    ) throws(DeconvolutionError) {
        try scaleSpectrumKernel.run(x: count, [.buffer(source), .buffer(target), .float(factor), .ulong(count)])
    }

    /// target ← real part of source · factor; the source is complex, the target real.
    package func realPart(
        of source: DeviceBuffer,
        into target: DeviceBuffer,
        by factor: Float,
        count: Int
    ) throws(DeconvolutionError) {
        try realPartKernel.run(x: count, [.buffer(source), .buffer(target), .float(factor), .ulong(count)])
    }

    /// spectrum ← spectrum · otf, the transfer function being real.
    package func realMultiply(
        _ spectrum: DeviceBuffer,
        by otf: DeviceBuffer,
        count: Int
    ) throws(DeconvolutionError) {
        try realMultiplyKernel.run(x: count, [.buffer(spectrum), .buffer(otf), .ulong(count)])
    }

    /// spectrum ← spectrum · otf, or · conj(otf).
    package func complexMultiply(
        _ spectrum: DeviceBuffer,
        by otf: DeviceBuffer,
        conjugate: Bool,
        count: Int
    ) throws(DeconvolutionError) {
        try complexMultiplyKernel.run(
            x: count,
            [.buffer(spectrum), .buffer(otf), .float(conjugate ? -1 : 1), .ulong(count)]
        )
    }

    /// work ← f·(max(g, 0) − offset + s²) / max(f·work + b + s², floor) on the frame, 0 in the rest of its planes.
    package func takeRatio(
        _ observed: DeviceBuffer,
        sensitivity: DeviceBuffer?,
        _ work: DeviceBuffer,
        _ layout: WorkspaceLayout,
        _ constants: RatioConstants
    ) throws(DeconvolutionError) {
        let frame = layout.frame
        try takeRatioKernel.run(
            x: 2 * layout.halfRow,
            y: layout.workShape.y,
            z: frame.shape.z,
            [.buffer(observed), .buffer(sensitivity)] + workArguments(work, layout) + [
                .uint(frame.origin.z), .uint(frame.origin.y), .uint(frame.origin.x),
                .uint(frame.shape.y), .uint(frame.shape.x),
                .float(constants.offset), .float(constants.background), .float(constants.readNoiseVariance),
                .float(constants.floor),
            ]
        )
    }

    /// normalization ← 1 / work where work > least, else 0.
    package func storeNormalization(
        _ field: DeviceBuffer,
        _ work: DeviceBuffer,
        _ layout: WorkspaceLayout,
        least: Float
    ) throws(DeconvolutionError) {
        let shape = layout.domain.shape
        try storeNormalizationKernel.run(
            x: shape.x,
            y: shape.y,
            z: shape.z,
            [.buffer(field), .uint(shape.y), .uint(shape.x), .buffer(work)] + pitches(layout) + [.float(least)]
        )
    }

    /// estimate ← estimate · max(work · normalization, least), 0 where the normalization is 0.
    package func multiplyEstimate(
        _ estimate: DeviceBuffer,
        _ work: DeviceBuffer,
        _ layout: WorkspaceLayout,
        normalization: DeviceBuffer?,
        least: Float
    ) throws(DeconvolutionError) {
        let shape = layout.domain.shape
        try multiplyEstimateKernel.run(
            x: shape.x,
            y: shape.y,
            z: shape.z,
            [.buffer(estimate), .uint(shape.y), .uint(shape.x), .buffer(work)] + pitches(layout)
                + [.buffer(normalization), .float(least)]
        )
    }

    /// Σ g·ln(g/y) − g + y over the voxels of a region of the frame with f > 0, y = max(f·work + offset + b, floor).
    package func poissonDivergence(
        _ observed: DeviceBuffer,
        sensitivity: DeviceBuffer?,
        _ work: DeviceBuffer,
        _ layout: WorkspaceLayout,
        in region: Region,
        _ constants: RatioConstants
    ) throws(DeconvolutionError) -> Double {
        let frame = layout.frame
        let kernel = poissonDivergenceKernel
        let groups = groups(for: region.shape.voxelCount, kernel)
        try kernel.run(
            x: groups * kernel.groupSize,
            [
                .buffer(observed), .buffer(sensitivity), .uint(frame.origin.z), .uint(frame.origin.y),
                .uint(frame.origin.x),
                .uint(frame.shape.y), .uint(frame.shape.x), .buffer(work),
            ] + pitches(layout) + box(region) + [
                .float(constants.offset + constants.background), .float(constants.floor),
                .buffer(partialSums), .local(kernel.groupSize * (hasDouble ? 8 : 4)),
            ]
        )
        if hasDouble { return try queue.read(groups, of: Double.self, from: partialSums).reduce(0, +) }
        return try queue.read(groups, of: Float.self, from: partialSums).reduce(0.0) { $0 + Double($1) }
    }

    /// The largest value of the work volume on the domain, not below 0.
    package func largestValue(_ work: DeviceBuffer, _ layout: WorkspaceLayout) throws(DeconvolutionError) -> Float {
        try largestValue(of: work, layout.domain.shape, pitches(layout))
    }

    /// The largest value of the work volume on some planes of the domain, not below 0.
    func largestValue(
        planes: Range<Int>,
        of work: DeviceBuffer,
        _ layout: WorkspaceLayout
    ) throws(DeconvolutionError) -> Float {
        var shape = layout.domain.shape
        shape.z = planes.count
        let offset = planes.lowerBound * layout.planePitch * 8
        let part =
            offset == 0
            ? work : try DeviceBuffer(partOf: work, offset: offset, byteCount: work.byteCount - offset)
        return try largestValue(of: part, shape, pitches(layout))
    }

    /// The largest value of a field, not below 0.
    func largestValue(of field: DeviceBuffer, _ shape: VolumeShape) throws(DeconvolutionError) -> Float {
        try largestValue(of: field, shape, [.uint(shape.x), .ulong(shape.planeVoxelCount)])
    }

    private func largestValue(
        of values: DeviceBuffer,
        _ shape: VolumeShape,
        _ pitches: [Kernel.Argument]
    ) throws(DeconvolutionError) -> Float {
        let kernel = largestValueKernel
        let groups = groups(for: shape.voxelCount, kernel)
        try kernel.run(
            x: groups * kernel.groupSize,
            [.buffer(values)] + pitches + [
                .uint(shape.z), .uint(shape.y), .uint(shape.x), .buffer(partialSums), .local(kernel.groupSize * 4),
            ]
        )
        return try queue.read(groups, of: Float.self, from: partialSums).reduce(0, max)
    }

    /// The largest absolute imaginary part of a spectrum.
    package func largestImaginary(_ spectrum: DeviceBuffer, count: Int) throws(DeconvolutionError) -> Float {
        let kernel = largestImaginaryKernel
        let groups = groups(for: count, kernel)
        try kernel.run(
            x: groups * kernel.groupSize,
            [.buffer(spectrum), .ulong(count), .buffer(partialSums), .local(kernel.groupSize * 4)]
        )
        return try queue.read(groups, of: Float.self, from: partialSums).reduce(0, max)
    }

    private func groups(for count: Int, _ kernel: Kernel) -> Int {
        min(Self.reductionGroups, (count + kernel.groupSize - 1) / kernel.groupSize)
    }

    private func workArguments(_ work: DeviceBuffer, _ layout: WorkspaceLayout) -> [Kernel.Argument] {
        [.buffer(work), .uint(layout.workShape.y)] + pitches(layout)
    }

    /// From row to row and from plane to plane of the work volume, in floats.
    private func pitches(_ layout: WorkspaceLayout) -> [Kernel.Argument] {
        [.uint(2 * layout.halfRow), .ulong(2 * layout.planePitch)]
    }

    private func box(_ region: Region) -> [Kernel.Argument] {
        [
            .uint(region.origin.z), .uint(region.origin.y), .uint(region.origin.x),
            .uint(region.shape.z), .uint(region.shape.y), .uint(region.shape.x),
        ]
    }
}
