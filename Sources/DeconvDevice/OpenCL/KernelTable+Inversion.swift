package import DeconvVolume

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
