import CCLFFT
package import DeconvPlan
package import DeconvVolume

/// Richardson-Lucy as it is usually written with clFFT, to measure the engine against: one 3D plan for the whole padded volume in
/// each direction, four transforms an iteration and an elementwise kernel for every step between them.
///
/// Same work shape, same kernels, same result as the engine on the same device; no split, no planes left out, nothing fused. It
/// does no job but the benchmark's.
package final class CLFFTVolumeBaseline {
    /// The engine's layout, but for planes that follow each other without gaps, as one 3D transform wants them.
    private let layout: WorkspaceLayout
    private let queue: CommandQueue
    private let kernels: KernelTable
    private let forward: CLFFTPlan
    private let inverse: CLFFTPlan
    private let work: DeviceBuffer
    private let otf: DeviceBuffer
    private let estimate: DeviceBuffer
    private let normalization: DeviceBuffer?
    private let observed: DeviceBuffer
    /// Scratch memory of the transforms.
    private let temporary: DeviceBuffer?

    /// Plans and buffers for volumes of one shape.
    /// - Throws: `DeconvolutionError` (`outOfMemory`, `deviceFailed`) that names the device, for example where clFFT has no such
    ///   transform.
    package init(
        _ geometry: WorkGeometry,
        pixelType: PixelType,
        on backend: OpenCLBackend
    ) throws(DeconvolutionError) {
        var layout = WorkspaceLayout(geometry, pixelType: pixelType)
        layout.planePitch = layout.workShape.y * layout.halfRow
        let context = backend.context
        let queue = try CommandQueue(context)
        func buffer(_ byteCount: Int) throws(DeconvolutionError) -> DeviceBuffer {
            try DeviceBuffer(byteCount: byteCount, in: context)
        }
        let forward = try CLFFTPlan.volume(layout, inverse: false, on: queue)
        let inverse = try CLFFTPlan.volume(layout, inverse: true, on: queue)
        let temporaryBytes = max(forward.temporaryByteCount, inverse.temporaryByteCount)
        let fieldBytes = layout.domain.shape.voxelCount * 4
        kernels = try KernelTable(for: layout.pixelType, on: queue)
        work = try buffer(layout.spectrumCount * 8)
        otf = try buffer(layout.spectrumCount * 8)
        estimate = try buffer(fieldBytes)
        normalization = geometry.extendsFrame ? try buffer(fieldBytes) : nil
        observed = try buffer(layout.frame.shape.voxelCount * layout.pixelType.byteCount)
        temporary = temporaryBytes > 0 ? try buffer(temporaryBytes) : nil
        self.layout = layout
        self.queue = queue
        self.forward = forward
        self.inverse = inverse
    }

    /// Bytes held on the device.
    package var byteCount: Int {
        [work, otf, estimate, observed].reduce(0) { $0 + $1.byteCount } + (normalization?.byteCount ?? 0)
            + (temporary?.byteCount ?? 0)
    }

    /// Makes the transfer function of a PSF whose centre is voxel n/2 of each axis, and the normalization that goes with it.
    package func setPSF(_ psf: Volume) throws(DeconvolutionError) {
        let buffer = try DeviceBuffer(byteCount: psf.voxels.count * 4, in: queue.context)
        try queue.write(psf.voxels, to: buffer)
        try kernels.embedPSF(buffer, shape: psf.shape, into: work, layout)
        try forward.run(work, temporary: temporary)
        try kernels.scaleSpectrum(work, into: otf, by: layout.transformScale, count: layout.spectrumCount)
        if let normalization {
            try clearPlanes(outside: layout.frame.zRange)
            try kernels.fillWork(work, layout, sensitivity: nil)
            try convolve(adjoint: true)
            let least = try 0.01 * kernels.largestValue(work, layout)
            try kernels.storeNormalization(normalization, work, layout, least: least)
        }
        try queue.finish()
    }

    /// Brings the observed frame to the device.
    package func setObserved(_ data: VoxelData) throws(DeconvolutionError) {
        precondition(data.count == layout.frame.shape.voxelCount && data.pixelType == layout.pixelType, "frame")
        try queue.write(data, to: observed)
    }

    /// Runs iterations from the mean on; no background, no read noise.
    /// - Parameters:
    ///   - mean: of the recorded voxels, above 0.
    ///   - afterEach: called after every iteration; what it throws ends the run.
    package func run(
        iterationCount: Int,
        mean: Double,
        afterEach: () throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) {
        let least = RatioConstants.leastDivisor * mean
        let constants = RatioConstants(background: 0, readNoiseVariance: 0, floor: Float(least))
        try queue.fill(estimate, with: Float(mean), byteCount: estimate.byteCount)
        for _ in 0..<iterationCount {
            try clearPlanes(outside: layout.domain.zRange)
            try kernels.embedField(estimate, into: work, layout)
            try convolve(adjoint: false)
            try clearPlanes(outside: layout.frame.zRange)
            try kernels.takeRatio(observed, sensitivity: nil, work, layout, constants)
            try convolve(adjoint: true)
            try kernels.multiplyEstimate(estimate, work, layout, normalization: normalization, least: 0)
            try queue.finish()
            try afterEach()
        }
    }

    /// The estimate in a region of the domain.
    package func result(_ region: Region) throws(DeconvolutionError) -> [Float] {
        let shape = layout.domain.shape
        return try queue.read(region, from: estimate, rowPitch: shape.x, planePitch: shape.planeVoxelCount)
    }

    private func convolve(adjoint: Bool) throws(DeconvolutionError) {
        try forward.run(work, temporary: temporary)
        try kernels.complexMultiply(work, by: otf, conjugate: adjoint, count: layout.spectrumCount)
        try inverse.run(work, temporary: temporary)
    }

    private func clearPlanes(outside planes: Range<Int>) throws(DeconvolutionError) {
        let planeBytes = layout.planePitch * 8
        let end = planes.upperBound
        try queue.fill(work, with: Float(0), byteCount: planes.lowerBound * planeBytes)
        try queue.fill(
            work,
            with: Float(0),
            from: end * planeBytes,
            byteCount: (layout.workShape.z - end) * planeBytes
        )
    }
}

extension CLFFTPlan {
    /// A whole volume, real to half spectrum or back, in place.
    fileprivate static func volume(
        _ layout: WorkspaceLayout,
        inverse: Bool,
        on queue: CommandQueue
    ) throws(DeconvolutionError) -> CLFFTPlan {
        let shape = layout.workShape
        let isFlat = shape.z == 1
        func strides(_ row: Int, _ plane: Int) -> [Int] { isFlat ? [1, row] : [1, row, plane] }
        let real = Side(
            CLFFT_REAL,
            strides: strides(2 * layout.halfRow, 2 * layout.planePitch),
            distance: 2 * layout.spectrumCount
        )
        let spectrum = Side(
            CLFFT_HERMITIAN_INTERLEAVED,
            strides: strides(layout.halfRow, layout.planePitch),
            distance: layout.spectrumCount
        )
        return try CLFFTPlan(
            Layout(
                lengths: isFlat ? [shape.x, shape.y] : [shape.x, shape.y, shape.z],
                batch: 1,
                input: inverse ? spectrum : real,
                output: inverse ? real : spectrum
            ),
            inverse ? CLFFT_BACKWARD : CLFFT_FORWARD,
            on: queue
        )
    }
}
