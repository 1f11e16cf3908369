import CFFTW
import DeconvVolume
import Glibc
import Synchronization

/// One FFTW plan, for one thread, which any number of threads may execute at once on their own data.
///
/// Arrays begin at multiples of 16 bytes, as those it was planned with. Unchecked: FFTW's execute functions with explicit
/// arrays only read the plan.
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

    /// A row of `length` reals to its half spectrum of length / 2 + 1 complex values, in another place.
    static func realForward(_ length: Int) throws(DeconvolutionError) -> FFTWPlan {
        let reals = try HostMemory(byteCount: 8 * (length / 2 + 1))
        let spectrum = try HostMemory(byteCount: 8 * (length / 2 + 1))
        return try FFTWPlanner.make("\(length) reals") {
            fftwf_plan_dft_r2c_1d(Int32(length), reals.floats, spectrum.complex, FFTWPlanner.effort)
        }
    }

    /// A volume of reals to its half spectrum along x, once: what such a plan takes is not worth measuring.
    static func realForward(
        _ shape: VolumeShape,
        _ reals: HostMemory,
        _ spectrum: HostMemory
    ) throws(DeconvolutionError) -> FFTWPlan {
        try FFTWPlanner.make("\(shape) reals") {
            fftwf_plan_dft_r2c_3d(
                Int32(shape.z),
                Int32(shape.y),
                Int32(shape.x),
                reals.floats,
                spectrum.complex,
                FFTW_ESTIMATE
            )
        }
    }

    /// A half spectrum to a volume of reals, unnormalized, once; the spectrum is lost.
    static func realInverse(
        _ shape: VolumeShape,
        _ spectrum: HostMemory,
        _ reals: HostMemory
    ) throws(DeconvolutionError) -> FFTWPlan {
        try FFTWPlanner.make("a half spectrum of \(shape) reals") {
            fftwf_plan_dft_c2r_3d(
                Int32(shape.z),
                Int32(shape.y),
                Int32(shape.x),
                spectrum.complex,
                reals.floats,
                FFTW_ESTIMATE
            )
        }
    }

    /// A half spectrum to `length` reals in another place, unnormalized; the spectrum is lost.
    static func realInverse(_ length: Int) throws(DeconvolutionError) -> FFTWPlan {
        let reals = try HostMemory(byteCount: 8 * (length / 2 + 1))
        let spectrum = try HostMemory(byteCount: 8 * (length / 2 + 1))
        return try FFTWPlanner.make("a half spectrum of \(length) reals") {
            fftwf_plan_dft_c2r_1d(
                Int32(length),
                spectrum.complex,
                reals.floats,
                FFTWPlanner.effort
            )
        }
    }

    /// A line of `length` complex values to another place, unnormalized; what was there is lost.
    ///
    /// In another place, for transforms in place are up to twice as slow.
    static func line(_ length: Int, inverse: Bool) throws(DeconvolutionError) -> FFTWPlan {
        let source = try HostMemory(byteCount: 8 * length)
        let target = try HostMemory(byteCount: 8 * length)
        return try FFTWPlanner.make("a line of \(length)") {
            fftwf_plan_dft_1d(
                Int32(length),
                source.complex,
                target.complex,
                inverse ? FFTW_BACKWARD : FFTW_FORWARD,
                FFTWPlanner.lineEffort | gpudeconv_fftw_destroy_input
            )
        }
    }

    /// Transforms reals to their half spectrum.
    func forward(_ reals: UnsafeMutablePointer<Float>, to spectrum: UnsafeMutablePointer<Float>) {
        spectrum.withMemoryRebound(to: fftwf_complex.self, capacity: 1) { fftwf_execute_dft_r2c(plan, reals, $0) }
    }

    /// Transforms a half spectrum, which is lost, to reals.
    func inverse(_ spectrum: UnsafeMutablePointer<Float>, to reals: UnsafeMutablePointer<Float>) {
        spectrum.withMemoryRebound(to: fftwf_complex.self, capacity: 1) { fftwf_execute_dft_c2r(plan, $0, reals) }
    }

    /// Transforms a complex line, which is lost, in the direction of the plan.
    func transform(_ source: UnsafeMutablePointer<Float>, to target: UnsafeMutablePointer<Float>) {
        UnsafeMutableRawPointer(source).withMemoryRebound(to: fftwf_complex.self, capacity: 1) { source in
            UnsafeMutableRawPointer(target).withMemoryRebound(to: fftwf_complex.self, capacity: 1) { target in
                fftwf_execute_dft(plan, source, target)
            }
        }
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
    /// For complex lines: what `FFTW_PATIENT` finds and `FFTW_MEASURE` does not try, without most of what else it would try; see
    /// Documentation/Decisions/cpu-engine.md.
    static let lineEffort = gpudeconv_fftw_patient_lines

    /// Held while a plan is made or destroyed.
    static let lock = Mutex(State())

    struct State {
        fileprivate var wisdomIsRead = false
        /// Files that get all wisdom too.
        fileprivate var keptPaths: [String] = []
        /// What each file was given last: volumes of a shape that is known teach nothing.
        fileprivate var saved: [String: String] = [:]
    }

    static func make(_ what: String, _ plan: () -> fftwf_plan?) throws(DeconvolutionError) -> FFTWPlan {
        let handle = lock.withLock { state in
            if !state.wisdomIsRead { state.readWisdom() }
            return UInt(bitPattern: plan())
        }
        return try FFTWPlan.wrap(fftwf_plan(bitPattern: handle), what)
    }

    /// Writes what the planner knows to the cache, and to the files that keep it; what cannot be written is no error.
    static func saveWisdom() {
        lock.withLock { state in
            // What another process learned meanwhile is kept, and what we learned is not lost to one that writes at the same time.
            let file = wisdomPath.map { open($0 + ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o644) } ?? -1
            // Closing gives the lock back.
            defer { if file >= 0 { close(file) } }
            // Nobody holds it for longer, unless he is stopped.
            for _ in 0..<20 where file >= 0 {
                if flock(file, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK { break }
                usleep(50_000)
            }
            if let wisdomPath { fftwf_import_wisdom_from_filename(wisdomPath) }
            guard let exported = fftwf_export_wisdom_to_string() else { return }
            defer { free(exported) }
            let wisdom = String(cString: exported)
            for path in state.keptPaths + [wisdomPath].compactMap(\.self) where state.saved[path] != wisdom {
                // Always of the same name: what a process that was killed left is written over.
                let temporary = path + unfinishedSuffix
                if fftwf_export_wisdom_to_filename(temporary) != 0, rename(temporary, path) == 0 {
                    state.saved[path] = wisdom
                } else {
                    unlink(temporary)
                }
            }
        }
    }

    /// Plans from now on as a file says, where it is there, and keeps what is found in it too.
    fileprivate static func keep(_ path: String) {
        lock.withLock { state in
            // First, for of two plans the one that is known already stays.
            fftwf_forget_wisdom()
            fftwf_import_wisdom_from_filename(path)
            state.readWisdom()
            state.keptPaths.append(path)
            // Of a run that was killed while it wrote.
            unlink(path + unfinishedSuffix)
        }
    }

    fileprivate static func endKeeping(_ path: String) {
        lock.withLock { state in
            if let index = state.keptPaths.firstIndex(of: path) { state.keptPaths.remove(at: index) }
            state.saved[path] = nil
        }
    }

    /// Of a file that is being written.
    fileprivate static let unfinishedSuffix = ".new"

    fileprivate static let wisdomPath = CacheFolder.path.map { $0 + "/fftwf.wisdom" }
}

extension FFTWPlanner.State {
    fileprivate mutating func readWisdom() {
        if let path = FFTWPlanner.wisdomPath { fftwf_import_wisdom_from_filename(path) }
        wisdomIsRead = true
    }
}

/// A file with the plans of the CPU's transforms, which go on to be used by whoever has the file, whatever another measurement says.
package struct KeptPlans: Sendable {
    private let path: String

    /// Begins to plan by the file, and to keep in it what is planned; nothing is said where it cannot be read or written.
    package init(path: String) {
        self.path = path
        FFTWPlanner.keep(path)
    }

    /// Nothing more goes into the file.
    package func end() { FFTWPlanner.endKeeping(path) }
}
