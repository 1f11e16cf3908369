import COpenCL
import DeconvKernels
package import DeconvVolume
import Synchronization

/// A context on one device, with our kernels compiled for it.
///
/// Unchecked: contexts and programs may be used from every thread; the tables of programs have their own locks.
package final class OpenCLContext: @unchecked Sendable {
    let device: OpenCLDevice
    let handle: cl_context
    /// Where programs that were built are kept from run to run.
    let binaries: BinaryCache
    private let programs = Mutex<[PixelType: UInt]>([:])
    private let fft: CLFFTLibrary
    /// VkFFT's programs: another workspace of a shape has them at once.
    private let vkfftPrograms = Mutex(RecentPrograms(limit: 32))

    var name: String { device.description.name }

    /// A context on one device.
    /// - Parameter binaries: where programs that were built are kept from run to run.
    package init(_ device: OpenCLDevice, binaries: BinaryCache = .programs) throws(DeconvolutionError) {
        self.device = device
        self.binaries = binaries
        let name = device.description.name
        var status = CL_SUCCESS
        var id: cl_device_id? = device.id
        guard let handle = clCreateContext(nil, 1, &id, nil, nil, &status), status == CL_SUCCESS else {
            throw OpenCLError(call: "clCreateContext", status: OpenCLStatus(status)).deconvolutionError(on: name)
        }
        do {
            fft = try CLFFTLibrary(for: name)
        } catch {
            clReleaseContext(handle)
            throw error
        }
        self.handle = handle
        HandleCounter.made(.context)
    }

    deinit {
        vkfftPrograms.withLock { $0.removeAll() }.forEach(Self.release)
        programs.withLock { $0.values.forEach(Self.release) }
        HandleCounter.released(.context, succeeded: clReleaseContext(handle) == CL_SUCCESS)
    }

    /// The program of all kernels for images of one type, built when first asked for.
    func program(for type: PixelType) throws(DeconvolutionError) -> cl_program {
        let result = programs.withLock { programs -> Result<UInt, DeconvolutionError> in
            if let program = programs[type] { return .success(program) }
            return build(type).map {
                programs[type] = $0
                return $0
            }
        }
        return cl_program(bitPattern: try result.get())!
    }

    /// The type of observed voxels in OpenCL C.
    static func typeName(_ type: PixelType) -> String {
        switch type {
        case .uint8: "uchar"
        case .uint16: "ushort"
        default: "float"
        }
    }

    /// A program of VkFFT's: one that this context was asked for lately, one that an earlier run kept, or a new one.
    /// - Returns: a program that the caller releases.
    /// - Throws: `deviceFailed` with the compiler's log when the device refuses the source.
    func vkfftProgram(_ source: String) throws(DeconvolutionError) -> cl_program {
        let known = vkfftPrograms.withLock { programs in
            let program = programs.program(of: source).flatMap { cl_program(bitPattern: $0) }
            // While it is in the table, lest another thread drops it.
            if let program { clRetainProgram(program) }
            return program.map { UInt(bitPattern: $0) }
        }
        if let known { return cl_program(bitPattern: known)! }
        let program = try makeProgram(source, options: "")
        clRetainProgram(program)
        HandleCounter.made(.program)
        vkfftPrograms.withLock { $0.keep(UInt(bitPattern: program), of: source) }.forEach(Self.release)
        return program
    }

    private static func release(_ program: UInt) {
        HandleCounter.released(.program, succeeded: clReleaseProgram(cl_program(bitPattern: program)) == CL_SUCCESS)
    }

    private func build(_ type: PixelType) -> Result<UInt, DeconvolutionError> {
        let accumulator = device.hasDouble ? "-D ACCUMULATOR=double -D USES_DOUBLE" : "-D ACCUMULATOR=float"
        return Result { () throws(DeconvolutionError) in
            let options = "-D OBSERVED=\(Self.typeName(type)) \(accumulator)"
            let program = try makeProgram(KernelSource.program, options: options)
            HandleCounter.made(.program)
            return UInt(bitPattern: program)
        }
    }
}
