package import DeconvVolume

extension KernelTable {
    /// otf ← (1 + K) conj(otf) / (|size · otf|² + K + λ l²), the transfer function being over the size of the work volume.
    package func invertOTF(
        _ otf: DeviceBuffer,
        isReal: Bool,
        _ filter: InverseFilter,
        _ layout: WorkspaceLayout
    ) throws(DeconvolutionError) {
        let (shape, squares) = (layout.workShape, filter.squares)
        try self[isReal ? "invert_real_otf" : "invert_otf"].run(
            x: layout.spectrumCount,
            [
                .buffer(otf), .uint(shape.z), .uint(shape.y), .uint(shape.x), .ulong(layout.planePitch),
                .uint(layout.halfRow),
                .float(squares.z), .float(squares.y), .float(squares.x), .float(Float(shape.voxelCount)),
                .float(filter.noise), .float(filter.smoothness), .float(InverseFilter.leastDivisor),
                .ulong(layout.spectrumCount),
            ]
        )
    }
}
