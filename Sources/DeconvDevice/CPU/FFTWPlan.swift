import CFFTW
import DeconvVolume
import Glibc
import Synchronization

/// One FFTW plan, for one thread, which any number of threads may execute at once on their own data.
///
/// Unchecked: FFTW's execute functions with explicit arrays only read the plan.
final class FFTWPlan: @unchecked Sendable {
    private let plan: fftwf_plan

    private init(_ plan: fftwf_plan?, _ what: String) throws(DeconvolutionError) {
        guard let plan else {
            throw DeconvolutionError(.internalError, "FFTW has no plan for \(what)")
        }
        self.plan = plan
        HandleCounter.made(.fftwPlan)
    }

    deinit {
        FFTWPlanner.lock.withLock { _ in fftwf_destroy_plan(plan) }
        HandleCounter.released(.fftwPlan)
    }

    /// Real planes of `ny` rows of `nx` values (row pitch 2·(nx/2 + 1)) to half spectra, in place.
    static func planeForward(ny: Int, nx: Int, in buffer: HostMemory) throws(DeconvolutionError) -> FFTWPlan {
        try FFTWPlanner.make("a \(ny)x\(nx) real plane") {
            fftwf_plan_dft_r2c_2d(Int32(ny), Int32(nx), buffer.floats, buffer.complex, FFTWPlanner.effort)
        }
    }

    /// Half spectra to real planes, in place, unnormalized.
    static func planeInverse(ny: Int, nx: Int, in buffer: HostMemory) throws(DeconvolutionError) -> FFTWPlan {
        try FFTWPlanner.make("a \(ny)x\(nx) half spectrum") {
            fftwf_plan_dft_c2r_2d(Int32(ny), Int32(nx), buffer.complex, buffer.floats, FFTWPlanner.effort)
        }
    }

    /// `width` neighbouring columns of `nz` complex values, in place, unnormalized.
    static func columns(
        nz: Int,
        width: Int,
        inverse: Bool,
        in buffer: HostMemory
    ) throws(DeconvolutionError) -> FFTWPlan {
        try FFTWPlanner.make("\(width) columns of \(nz)") {
            var length = Int32(nz)
            return fftwf_plan_many_dft(
                1,
                &length,
                Int32(width),
                buffer.complex,
                nil,
                Int32(width),
                1,
                buffer.complex,
                nil,
                Int32(width),
                1,
                inverse ? FFTW_BACKWARD : FFTW_FORWARD,
                FFTWPlanner.effort
            )
        }
    }

    /// Transforms a plane of reals in place.
    func forward(_ plane: UnsafeMutablePointer<Float>) {
        plane.withMemoryRebound(to: fftwf_complex.self, capacity: 1) { fftwf_execute_dft_r2c(plan, plane, $0) }
    }

    /// Transforms a half spectrum in place.
    func inverse(_ plane: UnsafeMutablePointer<Float>) {
        plane.withMemoryRebound(to: fftwf_complex.self, capacity: 1) { fftwf_execute_dft_c2r(plan, $0, plane) }
    }

    /// Transforms complex columns in place, in the direction of the plan.
    func columns(_ block: UnsafeMutablePointer<Float>) {
        block.withMemoryRebound(to: fftwf_complex.self, capacity: 1) { fftwf_execute_dft(plan, $0, $0) }
    }

    fileprivate static func wrap(_ plan: fftwf_plan?, _ what: String) throws(DeconvolutionError) -> FFTWPlan {
        try FFTWPlan(plan, what)
    }
}

extension HostMemory {
    /// The buffer as FFTW's complex numbers.
    fileprivate var complex: UnsafeMutablePointer<fftwf_complex> {
        bytes.assumingMemoryBound(to: fftwf_complex.self)
    }
}

/// FFTW's planner, which is one for the process and not thread-safe: one owner, one lock.
///
/// What it measured is kept as wisdom in the user's cache folder, so that the next run plans in milliseconds.
enum FFTWPlanner {
    static let effort = FFTW_MEASURE

    /// Held while a plan is made or destroyed; the value says whether wisdom was read.
    static let lock = Mutex(false)

    static func make(_ what: String, _ plan: () -> fftwf_plan?) throws(DeconvolutionError) -> FFTWPlan {
        let handle = lock.withLock { wisdomIsRead in
            if !wisdomIsRead, let path = wisdomPath {
                fftwf_import_wisdom_from_filename(path)
                wisdomIsRead = true
            }
            return UInt(bitPattern: plan())
        }
        return try FFTWPlan.wrap(fftwf_plan(bitPattern: handle), what)
    }

    /// Writes what the planner knows to the cache; a cache that cannot be written is no error.
    static func saveWisdom() {
        guard let path = wisdomPath else { return }
        lock.withLock { _ in
            let temporary = "\(path).\(getpid())"
            if fftwf_export_wisdom_to_filename(temporary) != 0 { rename(temporary, path) } else { unlink(temporary) }
        }
    }

    /// `$XDG_CACHE_HOME/gpudeconv/fftwf.wisdom`, or the same under `~/.cache`; nil where neither is set.
    private static let wisdomPath: String? = {
        let cache: String
        if let folder = getenv("XDG_CACHE_HOME").map({ String(cString: $0) }), folder.hasPrefix("/") {
            cache = folder
        } else if let home = getenv("HOME").map({ String(cString: $0) }), home.hasPrefix("/") {
            cache = home + "/.cache"
        } else {
            return nil
        }
        mkdir(cache, 0o755)
        mkdir(cache + "/gpudeconv", 0o755)
        return cache + "/gpudeconv/fftwf.wisdom"
    }()
}
