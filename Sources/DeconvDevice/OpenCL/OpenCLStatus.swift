import CCLFFT
import COpenCL

/// The status code of an OpenCL call, with the names of the header.
struct OpenCLStatus: Hashable, Sendable, CustomStringConvertible {
    let rawValue: cl_int

    init(_ rawValue: cl_int) { self.rawValue = rawValue }

    static let success = OpenCLStatus(CL_SUCCESS)
    static let deviceNotFound = OpenCLStatus(CL_DEVICE_NOT_FOUND)
    static let buildProgramFailure = OpenCLStatus(CL_BUILD_PROGRAM_FAILURE)
    /// `CL_PLATFORM_NOT_FOUND_KHR` of cl_ext.h, which cl.h does not include: no driver is installed.
    static let platformNotFound = OpenCLStatus(-1001)

    /// Whether smaller buffers may help.
    ///
    /// `CL_OUT_OF_RESOURCES` also means other faults on some drivers, so whoever tries again counts the attempts.
    var isOutOfMemory: Bool {
        [CL_MEM_OBJECT_ALLOCATION_FAILURE, CL_OUT_OF_RESOURCES, CL_OUT_OF_HOST_MEMORY, CL_INVALID_BUFFER_SIZE]
            .contains(rawValue)
    }

    var description: String { Self.names[rawValue] ?? "status \(rawValue)" }

    static let names: [cl_int: String] = [
        CL_SUCCESS: "CL_SUCCESS",
        CL_DEVICE_NOT_FOUND: "CL_DEVICE_NOT_FOUND",
        CL_DEVICE_NOT_AVAILABLE: "CL_DEVICE_NOT_AVAILABLE",
        CL_COMPILER_NOT_AVAILABLE: "CL_COMPILER_NOT_AVAILABLE",
        CL_MEM_OBJECT_ALLOCATION_FAILURE: "CL_MEM_OBJECT_ALLOCATION_FAILURE",
        CL_OUT_OF_RESOURCES: "CL_OUT_OF_RESOURCES",
        CL_OUT_OF_HOST_MEMORY: "CL_OUT_OF_HOST_MEMORY",
        CL_PROFILING_INFO_NOT_AVAILABLE: "CL_PROFILING_INFO_NOT_AVAILABLE",
        CL_MEM_COPY_OVERLAP: "CL_MEM_COPY_OVERLAP",
        CL_BUILD_PROGRAM_FAILURE: "CL_BUILD_PROGRAM_FAILURE",
        CL_MAP_FAILURE: "CL_MAP_FAILURE",
        CL_MISALIGNED_SUB_BUFFER_OFFSET: "CL_MISALIGNED_SUB_BUFFER_OFFSET",
        CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST: "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST",
        CL_COMPILE_PROGRAM_FAILURE: "CL_COMPILE_PROGRAM_FAILURE",
        CL_LINK_PROGRAM_FAILURE: "CL_LINK_PROGRAM_FAILURE",
        CL_INVALID_VALUE: "CL_INVALID_VALUE",
        CL_INVALID_DEVICE: "CL_INVALID_DEVICE",
        CL_INVALID_CONTEXT: "CL_INVALID_CONTEXT",
        CL_INVALID_COMMAND_QUEUE: "CL_INVALID_COMMAND_QUEUE",
        CL_INVALID_MEM_OBJECT: "CL_INVALID_MEM_OBJECT",
        CL_INVALID_BINARY: "CL_INVALID_BINARY",
        CL_INVALID_BUILD_OPTIONS: "CL_INVALID_BUILD_OPTIONS",
        CL_INVALID_PROGRAM: "CL_INVALID_PROGRAM",
        CL_INVALID_PROGRAM_EXECUTABLE: "CL_INVALID_PROGRAM_EXECUTABLE",
        CL_INVALID_KERNEL_NAME: "CL_INVALID_KERNEL_NAME",
        CL_INVALID_KERNEL: "CL_INVALID_KERNEL",
        CL_INVALID_ARG_INDEX: "CL_INVALID_ARG_INDEX",
        CL_INVALID_ARG_VALUE: "CL_INVALID_ARG_VALUE",
        CL_INVALID_ARG_SIZE: "CL_INVALID_ARG_SIZE",
        CL_INVALID_KERNEL_ARGS: "CL_INVALID_KERNEL_ARGS",
        CL_INVALID_WORK_DIMENSION: "CL_INVALID_WORK_DIMENSION",
        CL_INVALID_WORK_GROUP_SIZE: "CL_INVALID_WORK_GROUP_SIZE",
        CL_INVALID_WORK_ITEM_SIZE: "CL_INVALID_WORK_ITEM_SIZE",
        CL_INVALID_EVENT_WAIT_LIST: "CL_INVALID_EVENT_WAIT_LIST",
        CL_INVALID_EVENT: "CL_INVALID_EVENT",
        CL_INVALID_OPERATION: "CL_INVALID_OPERATION",
        CL_INVALID_BUFFER_SIZE: "CL_INVALID_BUFFER_SIZE",
        CL_INVALID_GLOBAL_WORK_SIZE: "CL_INVALID_GLOBAL_WORK_SIZE",
        cl_int(CLFFT_BUGCHECK.rawValue): "CLFFT_BUGCHECK",
        cl_int(CLFFT_NOTIMPLEMENTED.rawValue): "CLFFT_NOTIMPLEMENTED",
        cl_int(CLFFT_TRANSPOSED_NOTIMPLEMENTED.rawValue): "CLFFT_TRANSPOSED_NOTIMPLEMENTED",
        cl_int(CLFFT_FILE_NOT_FOUND.rawValue): "CLFFT_FILE_NOT_FOUND",
        cl_int(CLFFT_FILE_CREATE_FAILURE.rawValue): "CLFFT_FILE_CREATE_FAILURE",
        cl_int(CLFFT_VERSION_MISMATCH.rawValue): "CLFFT_VERSION_MISMATCH",
        cl_int(CLFFT_INVALID_PLAN.rawValue): "CLFFT_INVALID_PLAN",
        cl_int(CLFFT_DEVICE_NO_DOUBLE.rawValue): "CLFFT_DEVICE_NO_DOUBLE",
        cl_int(CLFFT_DEVICE_MISMATCH.rawValue): "CLFFT_DEVICE_MISMATCH",
    ]
}

/// An OpenCL or clFFT call that failed: which one, and how.
struct OpenCLError: Error, CustomStringConvertible {
    let call: String
    let status: OpenCLStatus
    /// The compiler's log, where a build failed.
    var log = ""

    var description: String {
        log.isEmpty ? "\(call) returned \(status)" : "\(call) returned \(status)\n\(log)"
    }
}
