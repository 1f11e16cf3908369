import COpenCL
import DeconvVolume

extension OpenCLContext {
    /// A program built for this context's device, from the binary of an earlier run where there is one.
    ///
    /// A binary that the driver refuses is built from source again and replaced.
    /// - Returns: a program that the caller releases.
    /// - Throws: `deviceFailed` with the compiler's log when the device refuses the source.
    func makeProgram(_ source: String, options: String) throws(DeconvolutionError) -> cl_program {
        let key = "\(device.compiler)\n\(options)\n\(source)"
        if let binary = binaries.value(for: key) {
            if let program = program(of: binary, options: options) { return program }
            binaries.remove(key)
        }
        let program = try program(from: source, options: options)
        if let binary = binary(of: program) { binaries.store(binary, for: key) }
        return program
    }

    private func program(from source: String, options: String) throws(DeconvolutionError) -> cl_program {
        Compilation.begin()
        var status = CL_SUCCESS
        let program = source.withCString { text in
            var text: UnsafePointer<CChar>? = text
            return clCreateProgramWithSource(handle, 1, &text, nil, &status)
        }
        try check(status, "clCreateProgramWithSource", on: name)
        guard let program else {
            preconditionFailure("a driver that has no program says why")
        }
        status = clBuildProgram(program, 0, nil, options, nil, nil)
        guard status == CL_SUCCESS else {
            let log = buildLog(program)
            clReleaseProgram(program)
            throw OpenCLError(call: "clBuildProgram", purpose: .build, status: OpenCLStatus(status), log: log)
                .deconvolutionError(on: name)
        }
        return program
    }

    /// The program of a binary, or nil where the driver refuses it.
    private func program(of binary: [UInt8], options: String) -> cl_program? {
        var status = CL_SUCCESS
        var id: cl_device_id? = device.id
        var byteCount = binary.count
        let program = binary.withUnsafeBufferPointer { bytes in
            var start = bytes.baseAddress
            return clCreateProgramWithBinary(handle, 1, &id, &byteCount, &start, nil, &status)
        }
        guard let program else { return nil }
        if status == CL_SUCCESS, clBuildProgram(program, 1, &id, options, nil, nil) == CL_SUCCESS { return program }
        clReleaseProgram(program)
        return nil
    }

    /// The binary of a program that was built, or nil where the driver gives none away.
    private func binary(of program: cl_program) -> [UInt8]? {
        var byteCount = 0
        let sizes = cl_program_info(CL_PROGRAM_BINARY_SIZES)
        guard clGetProgramInfo(program, sizes, MemoryLayout<Int>.size, &byteCount, nil) == CL_SUCCESS, byteCount > 0
        else { return nil }
        var status = CL_SUCCESS
        let binary = [UInt8](unsafeUninitializedCapacity: byteCount) { bytes, filled in
            var start = bytes.baseAddress
            let binaries = cl_program_info(CL_PROGRAM_BINARIES)
            status = clGetProgramInfo(program, binaries, MemoryLayout.size(ofValue: start), &start, nil)
            filled = status == CL_SUCCESS ? byteCount : 0
        }
        return status == CL_SUCCESS ? binary : nil
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
