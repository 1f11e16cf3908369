import CVkFFT
import DeconvPlan
import DeconvVolume

/// VkFFT: every length that images have, and kernels that compilers take which refuse clFFT's; no callbacks.
struct VkFFTEngine: TransformEngine {
    var library: FFTLibrary { .vkfft }

    /// Lengths with a prime factor above 13 go by Bluestein's algorithm.
    ///
    /// Longer ones than these want several passes, which crash in VkFFT 1.2.26 (PoCL 3.1, lengths 10007 and 131072).
    func supportsLength(_ length: Int) -> Bool {
        length >= 1 && length <= (FFTPadding.isSmooth(length, largest: 13) ? 1 << 15 : 1 << 12)
    }

    func planes(
        _ layout: WorkspaceLayout,
        count: Int,
        inverse: Bool,
        on queue: CommandQueue
    ) throws(DeconvolutionError) -> any TransformPlan {
        let shape = layout.workShape
        // A real transform of one value is that value: its imaginary part is 0 already.
        let isReal = shape.x > 1
        guard isReal || shape.y > 1 else { return IdentityPlan() }
        return try VkFFTPlan(
            gpudeconv_vkfft_layout(
                row_length: UInt64(shape.x),
                column_length: UInt64(shape.y),
                row_pitch: UInt64(layout.halfRow),
                batch: UInt64(count),
                plane_pitch: UInt64(layout.planePitch),
                is_real: isReal ? 1 : 0,
                is_inverse: inverse ? 1 : 0
            ),
            on: queue
        )
    }

    func columns(
        _ layout: WorkspaceLayout,
        inverse: Bool,
        on queue: CommandQueue
    ) throws(DeconvolutionError) -> any TransformPlan {
        // Planes with the gaps between them, which hold zeros, are taken for the rows of one plane: all that lies at one
        // place in them is a column.
        try VkFFTPlan(
            gpudeconv_vkfft_layout(
                row_length: UInt64(layout.planePitch),
                column_length: UInt64(layout.workShape.z),
                row_pitch: UInt64(layout.planePitch),
                batch: 1,
                plane_pitch: UInt64(layout.spectrumCount),
                is_real: 0,
                is_inverse: inverse ? 1 : 0
            ),
            on: queue
        )
    }

    /// Its product with a kernel wants every axis transformed, and so cannot be had for the columns alone.
    func fusedColumns(
        _ layout: WorkspaceLayout,
        inverse: Bool,
        by transfer: TransferFunction,
        on queue: CommandQueue
    ) throws(DeconvolutionError) -> (any TransformPlan)? {
        nil
    }
}

/// The transform of length 1.
private final class IdentityPlan: TransformPlan {
    var temporaryByteCount: Int { 0 }
    func run(_ buffer: DeviceBuffer, temporary: DeviceBuffer?) throws(DeconvolutionError) {}
}
