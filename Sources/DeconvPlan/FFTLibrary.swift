/// A library that transforms.
public enum FFTLibrary: String, CaseIterable, Sendable {
    /// FFTW, on the cores of this machine.
    case fftw
    /// clFFT, on OpenCL devices.
    case clfft
    /// VkFFT's OpenCL back end.
    case vkfft

    /// The name as its authors write it.
    public var name: String {
        switch self {
        case .fftw: "FFTW"
        case .clfft: "clFFT"
        case .vkfft: "VkFFT"
        }
    }
}

/// Which library transforms on an OpenCL device.
public enum FFTChoice: String, CaseIterable, Sendable {
    /// The faster of the two where both work and have the length, else the one that does.
    case auto
    /// clFFT and no other.
    case clfft
    /// VkFFT and no other.
    case vkfft
}
