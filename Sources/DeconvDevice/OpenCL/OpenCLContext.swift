import COpenCL
import DeconvKernels
package import DeconvVolume
import Synchronization

/// A context on one device, with our kernels compiled for it.
///
/// Unchecked: contexts and programs may be used from every thread; the table of programs has its own lock.
package final class OpenCLContext: @unchecked Sendable {
    let device: OpenCLDevice
    let handle: cl_context
    private let programs = Mutex<[PixelType: UInt]>([:])
    private let fft: CLFFTLibrary

    var name: String { device.description.name }

    /// A context on one device.
    package init(_ device: OpenCLDevice) throws(DeconvolutionError) {
        self.device = device
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
        programs.withLock { programs in
            for program in programs.values {
                let status = clReleaseProgram(cl_program(bitPattern: program))
                HandleCounter.released(.program, succeeded: status == CL_SUCCESS)
            }
        }
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

    private func build(_ type: PixelType) -> Result<UInt, DeconvolutionError> {
        var status = CL_SUCCESS
        let program = KernelSource.program.withCString { text in
            var text: UnsafePointer<CChar>? = text
            return clCreateProgramWithSource(handle, 1, &text, nil, &status)
        }
        guard let program, status == CL_SUCCESS else {
            let error = OpenCLError(call: "clCreateProgramWithSource", status: OpenCLStatus(status))
            return .failure(error.deconvolutionError(on: name))
        }
        let observed =
            switch type {
            case .uint8: "uchar"
            case .uint16: "ushort"
            default: "float"
            }
        let accumulator = device.hasDouble ? "-D ACCUMULATOR=double -D USES_DOUBLE" : "-D ACCUMULATOR=float"
        status = clBuildProgram(program, 0, nil, "-D OBSERVED=\(observed) \(accumulator)", nil, nil)
        guard status == CL_SUCCESS else {
            let log = buildLog(program)
            clReleaseProgram(program)
            let error = OpenCLError(call: "clBuildProgram", status: OpenCLStatus(status), log: log)
            return .failure(error.deconvolutionError(on: name))
        }
        HandleCounter.made(.program)
        return .success(UInt(bitPattern: program))
    }

    private func buildLog(_ program: cl_program) -> String {
        var count = 0
        let parameter = cl_program_build_info(CL_PROGRAM_BUILD_LOG)
        clGetProgramBuildInfo(program, device.id, parameter, 0, nil, &count)
        var bytes = [UInt8](repeating: 0, count: max(count, 1))
        clGetProgramBuildInfo(program, device.id, parameter, count, &bytes, nil)
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}
