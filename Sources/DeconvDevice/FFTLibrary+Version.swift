import CCLFFT
import CFFTW
import CVkFFT
package import DeconvPlan

extension FFTLibrary {
    /// Its version as it says it: `3.3.10`.
    package var version: String {
        switch self {
        case .fftw:
            // `fftw-3.3.10-sse2-avx`
            let text = String(cString: gpudeconv_fftw_version())
            return text.split(separator: "-").dropFirst().first.map(String.init) ?? text
        case .clfft:
            var (major, minor, patch) = (cl_uint(0), cl_uint(0), cl_uint(0))
            guard clfftGetVersion(&major, &minor, &patch) == CLFFT_SUCCESS else { return "unknown" }
            return "\(major).\(minor).\(patch)"
        case .vkfft:
            let version = gpudeconv_vkfft_version()
            return "\(version / 10_000).\(version / 100 % 100).\(version % 100)"
        }
    }
}
