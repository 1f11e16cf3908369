import Glibc

/// What the lengths of transforms cost on one kind of back end, for lengths to be compared with each other.
package enum FFTCost: Hashable, Sendable {
    /// FFTW on this machine's cores.
    case fftw
    /// An OpenCL device of type CPU.
    case openCLOnCPU
    /// A GPU or accelerator.
    case accelerator

    /// Modeled time of a convolution for each line of voxels along one axis: nanoseconds on a CPU, passes over a value on an
    /// accelerator.
    ///
    /// What is not transformed along this axis costs every padded voxel the same.
    package func ofLine(_ length: Int, real: Bool) -> Double {
        let (transforms, rest) =
            switch self {
            case .fftw: (Self.fftwTransforms(length, real: real), 6.0)
            case .openCLOnCPU: (Self.openCLTransforms(length), 24)
            case .accelerator: (Self.acceleratorTransforms(length), 3)
            }
        return Double(length) * (transforms + rest)
    }

    // MARK: FFTW

    /// What decides is how often 2 is a factor: FFTW 3.3.10 took so many ns a value and level of lines in cache (all lengths of
    /// factors up to 7 from 32 to 2100, one core of a Sapphire Rapids; half of them within 8 % of the model).
    private static func fftwTransforms(_ length: Int, real: Bool) -> Double {
        let perLevel = real ? realNanosecondsPerLevel : complexNanosecondsPerLevel
        let rate = perLevel[min(length.trailingZeroBitCount, perLevel.count - 1)] * (length % 7 == 0 ? 1.1 : 1)
        // Forward and inverse; two real values make a complex one.
        return (real ? 2 : 1) * log2(Double(length)) * rate
    }

    private static let complexNanosecondsPerLevel = [0.34, 0.24, 0.17, 0.14, 0.115, 0.115, 0.105, 0.09, 0.085]
    private static let realNanosecondsPerLevel = [0.36, 0.23, 0.17, 0.15, 0.135, 0.125, 0.12, 0.115, 0.1]

    // MARK: OpenCL on a CPU

    /// What decides is which odd factors meet: the more there are, the more values a work item of clFFT holds at a time.
    ///
    /// ns a complex value and level, means of columns and real rows of 31 lengths from 128 to 1152; the measurements are in
    /// Documentation/Decisions/fft-engines.md. The other axes take 8 ns each, and what is done between transforms as much.
    /// 5 with 7 was measured at 560 alone, which takes over twice the time of its neighbors. 3 with both was measured at 420
    /// alone, which clFFT splits in two kernels: that does better, but passes over planes want one kernel a length, and
    /// without them an iteration moves a quarter more.
    private static func openCLTransforms(_ length: Int) -> Double {
        let rate =
            switch (length % 3 == 0, length % 5 == 0, length % 7 == 0) {
            case (false, false, false): 0.74
            case (true, false, false), (false, true, false): 0.91
            case (true, true, false): 1.25
            case (_, false, true): 1.3
            case (_, true, true): 2.7
            }
        return log2(Double(length)) * rate
    }

    // MARK: Accelerators

    /// A transform of these lengths reads and writes memory once, and its arithmetic goes by meanwhile: a value costs a
    /// pass for each axis and one for what is done between them, whatever the factors. Twice where all of 3, 5 and 7 meet:
    /// clFFT splits those lengths in two kernels.
    ///
    /// But a butterfly of 7 needs as many registers as one of 8 and more constants, for less progress, so that fewer work
    /// items are there to wait for memory. What that costs has not been measured on a GPU: a fifth of a pass has 7 avoided
    /// where a length within 5 % will do.
    private static func acceleratorTransforms(_ length: Int) -> Double {
        length % 105 == 0 ? 2 : length % 7 == 0 ? 1.2 : 1
    }
}
