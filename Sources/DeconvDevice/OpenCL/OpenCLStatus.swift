import CCLFFT
import COpenCL
import CVkFFT
import DeconvPlan

/// The status code of a call of OpenCL, clFFT or VkFFT, with the names of the header.
package struct OpenCLStatus: Hashable, Sendable, CustomStringConvertible {
    let rawValue: cl_int

    /// The status of a code.
    package init(_ rawValue: Int32) { self.rawValue = rawValue }

    /// Whether it says that there is too little memory.
    var isOutOfMemory: Bool {
        [CL_MEM_OBJECT_ALLOCATION_FAILURE, CL_OUT_OF_HOST_MEMORY, CL_INVALID_BUFFER_SIZE].contains(rawValue)
    }

    /// Whether something went wrong that the context may not recover from: too little memory that shows when a buffer is first
    /// used, a fault of a kernel, a watchdog. NVIDIA's drivers say all three of any of these, at whichever call comes next.
    var isOfBrokenContext: Bool {
        [CL_OUT_OF_RESOURCES, CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST, CL_INVALID_COMMAND_QUEUE].contains(rawValue)
    }

    /// Whether the compiler refused kernels: now, or earlier and without a word.
    var isBuildFailure: Bool {
        [
            CL_BUILD_PROGRAM_FAILURE, CL_COMPILE_PROGRAM_FAILURE, CL_LINK_PROGRAM_FAILURE, CL_INVALID_PROGRAM,
            CL_INVALID_PROGRAM_EXECUTABLE,
        ]
        .contains(rawValue)
    }

    /// The name in the header of OpenCL, clFFT or VkFFT, whose numbers differ, or the number.
    package var description: String {
        Self.names[rawValue] ?? gpudeconv_vkfft_result_name(rawValue).map { String(cString: $0) }
            ?? "status \(rawValue)"
    }

    /// Names of the headers by their values.
    package static let names: [Int32: String] = [
        CL_SUCCESS: "CL_SUCCESS",
        CL_DEVICE_NOT_FOUND: "CL_DEVICE_NOT_FOUND",
        CL_DEVICE_NOT_AVAILABLE: "CL_DEVICE_NOT_AVAILABLE",
        CL_COMPILER_NOT_AVAILABLE: "CL_COMPILER_NOT_AVAILABLE",
        CL_MEM_OBJECT_ALLOCATION_FAILURE: "CL_MEM_OBJECT_ALLOCATION_FAILURE",
        CL_OUT_OF_RESOURCES: "CL_OUT_OF_RESOURCES",
        CL_OUT_OF_HOST_MEMORY: "CL_OUT_OF_HOST_MEMORY",
        CL_PROFILING_INFO_NOT_AVAILABLE: "CL_PROFILING_INFO_NOT_AVAILABLE",
        CL_MEM_COPY_OVERLAP: "CL_MEM_COPY_OVERLAP",
        CL_IMAGE_FORMAT_MISMATCH: "CL_IMAGE_FORMAT_MISMATCH",
        CL_IMAGE_FORMAT_NOT_SUPPORTED: "CL_IMAGE_FORMAT_NOT_SUPPORTED",
        CL_BUILD_PROGRAM_FAILURE: "CL_BUILD_PROGRAM_FAILURE",
        CL_MAP_FAILURE: "CL_MAP_FAILURE",
        CL_MISALIGNED_SUB_BUFFER_OFFSET: "CL_MISALIGNED_SUB_BUFFER_OFFSET",
        CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST: "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST",
        CL_COMPILE_PROGRAM_FAILURE: "CL_COMPILE_PROGRAM_FAILURE",
        CL_LINKER_NOT_AVAILABLE: "CL_LINKER_NOT_AVAILABLE",
        CL_LINK_PROGRAM_FAILURE: "CL_LINK_PROGRAM_FAILURE",
        CL_DEVICE_PARTITION_FAILED: "CL_DEVICE_PARTITION_FAILED",
        CL_KERNEL_ARG_INFO_NOT_AVAILABLE: "CL_KERNEL_ARG_INFO_NOT_AVAILABLE",
        CL_INVALID_VALUE: "CL_INVALID_VALUE",
        CL_INVALID_DEVICE_TYPE: "CL_INVALID_DEVICE_TYPE",
        CL_INVALID_PLATFORM: "CL_INVALID_PLATFORM",
        CL_INVALID_DEVICE: "CL_INVALID_DEVICE",
        CL_INVALID_CONTEXT: "CL_INVALID_CONTEXT",
        CL_INVALID_QUEUE_PROPERTIES: "CL_INVALID_QUEUE_PROPERTIES",
        CL_INVALID_COMMAND_QUEUE: "CL_INVALID_COMMAND_QUEUE",
        CL_INVALID_HOST_PTR: "CL_INVALID_HOST_PTR",
        CL_INVALID_MEM_OBJECT: "CL_INVALID_MEM_OBJECT",
        CL_INVALID_IMAGE_FORMAT_DESCRIPTOR: "CL_INVALID_IMAGE_FORMAT_DESCRIPTOR",
        CL_INVALID_IMAGE_SIZE: "CL_INVALID_IMAGE_SIZE",
        CL_INVALID_SAMPLER: "CL_INVALID_SAMPLER",
        CL_INVALID_BINARY: "CL_INVALID_BINARY",
        CL_INVALID_BUILD_OPTIONS: "CL_INVALID_BUILD_OPTIONS",
        CL_INVALID_PROGRAM: "CL_INVALID_PROGRAM",
        CL_INVALID_PROGRAM_EXECUTABLE: "CL_INVALID_PROGRAM_EXECUTABLE",
        CL_INVALID_KERNEL_NAME: "CL_INVALID_KERNEL_NAME",
        CL_INVALID_KERNEL_DEFINITION: "CL_INVALID_KERNEL_DEFINITION",
        CL_INVALID_KERNEL: "CL_INVALID_KERNEL",
        CL_INVALID_ARG_INDEX: "CL_INVALID_ARG_INDEX",
        CL_INVALID_ARG_VALUE: "CL_INVALID_ARG_VALUE",
        CL_INVALID_ARG_SIZE: "CL_INVALID_ARG_SIZE",
        CL_INVALID_KERNEL_ARGS: "CL_INVALID_KERNEL_ARGS",
        CL_INVALID_WORK_DIMENSION: "CL_INVALID_WORK_DIMENSION",
        CL_INVALID_WORK_GROUP_SIZE: "CL_INVALID_WORK_GROUP_SIZE",
        CL_INVALID_WORK_ITEM_SIZE: "CL_INVALID_WORK_ITEM_SIZE",
        CL_INVALID_GLOBAL_OFFSET: "CL_INVALID_GLOBAL_OFFSET",
        CL_INVALID_EVENT_WAIT_LIST: "CL_INVALID_EVENT_WAIT_LIST",
        CL_INVALID_EVENT: "CL_INVALID_EVENT",
        CL_INVALID_OPERATION: "CL_INVALID_OPERATION",
        CL_INVALID_GL_OBJECT: "CL_INVALID_GL_OBJECT",
        CL_INVALID_BUFFER_SIZE: "CL_INVALID_BUFFER_SIZE",
        CL_INVALID_MIP_LEVEL: "CL_INVALID_MIP_LEVEL",
        CL_INVALID_GLOBAL_WORK_SIZE: "CL_INVALID_GLOBAL_WORK_SIZE",
        CL_INVALID_PROPERTY: "CL_INVALID_PROPERTY",
        CL_INVALID_IMAGE_DESCRIPTOR: "CL_INVALID_IMAGE_DESCRIPTOR",
        CL_INVALID_COMPILER_OPTIONS: "CL_INVALID_COMPILER_OPTIONS",
        CL_INVALID_LINKER_OPTIONS: "CL_INVALID_LINKER_OPTIONS",
        CL_INVALID_DEVICE_PARTITION_COUNT: "CL_INVALID_DEVICE_PARTITION_COUNT",
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

/// A call of OpenCL or of an FFT library that failed: which one, and how.
struct OpenCLError: Error, CustomStringConvertible {
    /// What a call is for, which decides what its failure means.
    enum Purpose: Hashable {
        /// A buffer or its place in memory.
        case memory
        /// A compiler's work.
        case build
        /// A library's transforms.
        case transforms(FFTLibrary)
        /// Anything else.
        case other
    }

    let call: String
    var purpose = Purpose.other
    let status: OpenCLStatus
    /// The compiler's log, where a build failed.
    var log = ""

    var description: String {
        log.isEmpty ? "\(call) returned \(status)" : "\(call) returned \(status)\n\(log)"
    }
}
