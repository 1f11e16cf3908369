package import DeconvVolume

// The step of host memory is `SlabConvolution.invertTransferFunction`, which knows how it holds transfer functions.

extension KernelTable {
    /// otf ← (1 + K) conj(otf) / (|size · otf|² + K), the transfer function being over `size`.
    package func invertOTF(
        _ otf: DeviceBuffer,
        isReal: Bool,
        size: Float,
        noise: Float,
        count: Int
    ) throws(DeconvolutionError) {
        try self[isReal ? "invert_real_otf" : "invert_otf"].run(
            x: count,
            [.buffer(otf), .float(size), .float(noise), .ulong(count)]
        )
    }
}

extension OpenCLWorkspace {
    package func invertTransferFunction(noise: Float, probing field: Field) throws(DeconvolutionError) {
        if isProjectionDue {
            // The filter has no sums that it could be held against, but the plans that apply it have.
            try forwardProject(field)
            try finishRows()
            try checkProjection()
        }
        check?.forget()
        guard let transfer = transforms.transfer else { preconditionFailure("setPSF comes before its inverse") }
        try kernels.invertOTF(
            transfer.values,
            isReal: transfer.isReal,
            size: Float(layout.workShape.voxelCount),
            noise: noise,
            count: layout.spectrumCount
        )
        isInverse = true
    }
}
