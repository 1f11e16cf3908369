import CVkFFT
import DeconvPlan
import DeconvVolume

/// VkFFT: every length that images have, and kernels that compilers take which refuse clFFT's; no callbacks.
struct VkFFTEngine: TransformEngine {
    /// The version of the header, such as 1.2.26.
    static let version: String = {
        let number = gpudeconv_vkfft_version()
        return "\(number / 10000).\(number / 100 % 100).\(number % 100)"
    }()

    var library: FFTLibrary { .vkfft }

    /// Lengths with a prime factor above 13 go by Bluestein's algorithm. Up to these limits all was well that was tried; a
    /// row of odd length may still be refused when its plan is made, where a device has little local memory.
    func supportsLength(_ length: Int) -> Bool {
        length >= 1 && length <= (FFTPadding.isSmooth(length, largest: 13) ? 1 << 17 : 1 << 12)
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
                batch_pitch: UInt64(layout.planePitch),
                value_count: UInt64(count * layout.planePitch),
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
        // VkFFT plans a transform along rows even where rows are not to be transformed, with all that a long or prime one
        // needs. So what lies in a plane, gaps included, is not one row, but a batch of short ones.
        let rowLength = Self.rowLength(dividing: layout.planePitch)
        return try VkFFTPlan(
            gpudeconv_vkfft_layout(
                row_length: UInt64(rowLength),
                column_length: UInt64(layout.workShape.z),
                row_pitch: UInt64(layout.planePitch),
                batch: UInt64(layout.planePitch / rowLength),
                batch_pitch: UInt64(rowLength),
                value_count: UInt64(layout.spectrumCount),
                is_real: 0,
                is_inverse: inverse ? 1 : 0
            ),
            on: queue
        )
    }

    /// The longest row up to 4096 values that VkFFT transforms in one pass and of which a plane is a whole number.
    ///
    /// Long, because work-groups of a batch follow each other in the last of a device's three dimensions, which holds the
    /// fewest.
    static func rowLength(dividing planePitch: Int) -> Int {
        let unit = WorkGeometry.planeAlignment
        precondition(planePitch % unit == 0, "planes are aligned")
        let factor = stride(from: 4096 / unit, to: 1, by: -1)
            .first { planePitch / unit % $0 == 0 && FFTPadding.isSmooth($0, largest: 13) }
        return unit * (factor ?? 1)
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
