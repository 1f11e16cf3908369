import COpenCL
import DeconvKernels
package import DeconvVolume

/// Our kernels on one queue: one function a kernel, the only place that knows its name and the order of its arguments.
///
/// Those of a step stand with the step, in `Steps`.
package final class KernelTable {
    /// Work-groups of a reduction: enough to fill a large GPU, few enough to add up on the host.
    private static let reductionGroups = 512

    let queue: CommandQueue
    let hasDouble: Bool
    let partialSums: DeviceBuffer
    /// By their names in OpenCL C.
    private let kernels: [String: Kernel]

    /// The kernels for observed images of one type.
    /// - Throws: `DeconvolutionError` with the compiler's log when the device refuses them.
    package init(for type: PixelType, on queue: CommandQueue) throws(DeconvolutionError) {
        let program = try queue.context.program(for: type)
        self.queue = queue
        hasDouble = queue.context.device.hasDouble
        // Room for two sums a group.
        partialSums = try DeviceBuffer(byteCount: Self.reductionGroups * 16, in: queue.context)
        var kernels: [String: Kernel] = [:]
        for name in KernelSource.kernelNames { kernels[name] = try Kernel(name, of: program, on: queue) }
        self.kernels = kernels
    }

    /// A kernel by its name in OpenCL C.
    subscript(name: String) -> Kernel {
        guard let kernel = kernels[name] else { preconditionFailure("\(name) is in no file of Kernels") }
        return kernel
    }

    /// work ← field in a region of the domain, 0 in the rest of the region's planes.
    /// - Parameter region: nil for all of the domain.
    package func embedField(
        _ field: DeviceBuffer,
        _ region: Region? = nil,
        into work: DeviceBuffer,
        _ layout: WorkspaceLayout
    ) throws(DeconvolutionError) {
        let (shape, region) = (layout.domain.shape, region ?? layout.domain)
        try self["embed_field"].run(
            x: 2 * layout.halfRow,
            y: layout.workShape.y,
            z: region.shape.z,
            [.buffer(field), .uint(shape.y), .uint(shape.x)] + workArguments(work, layout) + [
                .uint(region.origin.z), .uint(region.origin.y), .uint(region.origin.x),
                .uint(region.shape.y), .uint(region.shape.x),
            ]
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
        try self["embed_psf"].run(
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
        try self["extract_box"].run(
            x: shape.x,
            y: shape.y,
            z: shape.z,
            [.buffer(box), .uint(shape.y), .uint(shape.x), .buffer(work)] + pitches(layout)
                + [.uint(origin.z), .uint(origin.y), .uint(origin.x)]
        )
    }

    /// target ← source · factor, complex.
    package func scaleSpectrum(
        _ source: DeviceBuffer,
        into target: DeviceBuffer,
        by factor: Float,
        count: Int
    ) throws(DeconvolutionError) {
        try self["scale_spectrum"].run(x: count, [.buffer(source), .buffer(target), .float(factor), .ulong(count)])
    }

    /// target ← real part of source · factor; the source is complex, the target real.
    package func realPart(
        of source: DeviceBuffer,
        into target: DeviceBuffer,
        by factor: Float,
        count: Int
    ) throws(DeconvolutionError) {
        try self["real_part"].run(x: count, [.buffer(source), .buffer(target), .float(factor), .ulong(count)])
    }

    /// spectrum ← spectrum · otf, the transfer function being real.
    package func realMultiply(
        _ spectrum: DeviceBuffer,
        by otf: DeviceBuffer,
        count: Int
    ) throws(DeconvolutionError) {
        try self["real_multiply"].run(x: count, [.buffer(spectrum), .buffer(otf), .ulong(count)])
    }

    /// spectrum ← spectrum · otf, or · conj(otf).
    package func complexMultiply(
        _ spectrum: DeviceBuffer,
        by otf: DeviceBuffer,
        conjugate: Bool,
        count: Int
    ) throws(DeconvolutionError) {
        try self["complex_multiply"].run(
            x: count,
            [.buffer(spectrum), .buffer(otf), .float(conjugate ? -1 : 1), .ulong(count)]
        )
    }

    /// The largest value of the work volume on the domain, not below 0.
    package func largestValue(_ work: DeviceBuffer, _ layout: WorkspaceLayout) throws(DeconvolutionError) -> Float {
        try largestValue(of: work, layout.domain.shape, pitches(layout))
    }

    /// The largest absolute value of the work volume on some planes of the domain.
    func largestMagnitude(
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
        return max(
            try largestValue(of: part, shape, pitches(layout)),
            try largestValue(of: part, shape, pitches(layout), sign: -1)
        )
    }

    /// The largest value of a field, not below 0.
    func largestValue(of field: DeviceBuffer, _ shape: VolumeShape) throws(DeconvolutionError) -> Float {
        try largestValue(of: field, shape, [.uint(shape.x), .ulong(shape.planeVoxelCount)])
    }

    private func largestValue(
        of values: DeviceBuffer,
        _ shape: VolumeShape,
        _ pitches: [Kernel.Argument],
        sign: Float = 1
    ) throws(DeconvolutionError) -> Float {
        let kernel = self["largest_value"]
        let groups = groups(for: shape.voxelCount, kernel)
        try kernel.run(
            x: groups * kernel.groupSize,
            [.buffer(values)] + pitches + [
                .uint(shape.z), .uint(shape.y), .uint(shape.x), .float(sign), .buffer(partialSums),
                .local(kernel.groupSize * 4),
            ]
        )
        return try queue.read(groups, of: Float.self, from: partialSums).reduce(0, max)
    }

    /// The largest absolute imaginary part of a spectrum.
    package func largestImaginary(_ spectrum: DeviceBuffer, count: Int) throws(DeconvolutionError) -> Float {
        let kernel = self["largest_imaginary"]
        let groups = groups(for: count, kernel)
        try kernel.run(
            x: groups * kernel.groupSize,
            [.buffer(spectrum), .ulong(count), .buffer(partialSums), .local(kernel.groupSize * 4)]
        )
        return try queue.read(groups, of: Float.self, from: partialSums).reduce(0, max)
    }

    func groups(for count: Int, _ kernel: Kernel) -> Int {
        min(Self.reductionGroups, (count + kernel.groupSize - 1) / kernel.groupSize)
    }

    func workArguments(_ work: DeviceBuffer, _ layout: WorkspaceLayout) -> [Kernel.Argument] {
        [.buffer(work), .uint(layout.workShape.y)] + pitches(layout)
    }

    /// From row to row and from plane to plane of the work volume, in floats.
    func pitches(_ layout: WorkspaceLayout) -> [Kernel.Argument] {
        [.uint(2 * layout.halfRow), .ulong(2 * layout.planePitch)]
    }

    func box(_ region: Region) -> [Kernel.Argument] {
        [
            .uint(region.origin.z), .uint(region.origin.y), .uint(region.origin.x),
            .uint(region.shape.z), .uint(region.shape.y), .uint(region.shape.x),
        ]
    }
}
