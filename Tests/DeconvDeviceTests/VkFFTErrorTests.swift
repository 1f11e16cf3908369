import COpenCL
import CVkFFT
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

@testable import DeconvDevice

/// What failures of VkFFT are told as.
@Suite struct VkFFTErrorTests {
    /// VkFFT says of every kernel that is not taken that it was not.
    private static let notTaken: Int32 = 4039

    private func error(_ result: Int32, _ status: Int32 = CL_SUCCESS) -> DeconvolutionError {
        VkFFTPlan.error("VkFFT's transform", result, status, Array("why\0".utf8CString), on: "GPU")
    }

    @Test(arguments: [CL_MEM_OBJECT_ALLOCATION_FAILURE, CL_OUT_OF_HOST_MEMORY])
    func aKernelWithoutMemoryIsTheWantOfMemory(status: Int32) {
        #expect(error(Self.notTaken, status).code == .outOfMemory)
        #expect(error(Self.notTaken, status).description.contains(OpenCLStatus(status).description))
    }

    /// It may be memory, and it may be the kernel.
    @Test func aKernelWithoutResourcesIsNotSaidToLackMemory() {
        let failed = error(Self.notTaken, CL_OUT_OF_RESOURCES)
        #expect(failed.code == .deviceFailed && failed.remedy == .newContext)
        #expect(!failed.message.contains("too little free memory"))
        #expect(failed.description.contains("VkFFT's transform returned CL_OUT_OF_RESOURCES"))
    }

    @Test func otherKernelsFailAsOpenCLSays() {
        let refused = error(Self.notTaken, CL_INVALID_WORK_GROUP_SIZE)
        #expect(refused.code == .deviceFailed)
        #expect(refused.description.contains("CL_INVALID_WORK_GROUP_SIZE"))
    }

    /// 4001: VKFFT_ERROR_FAILED_TO_ALLOCATE; 4047: VKFFT_ERROR_FAILED_TO_SET_KERNEL_ARG.
    @Test func resultsHaveTheNamesOfTheHeader() throws {
        #expect(error(4001).code == .outOfMemory)
        #expect(error(4047).description.contains("VKFFT_ERROR_FAILED_TO_SET_KERNEL_ARG"))
        let header = ["/usr/include/vkFFT.h", "/usr/include/vkFFT/vkFFT.h"].first(where: FileManager.default.fileExists)
        let text = try String(contentsOfFile: try #require(header), encoding: .utf8)
        var found = 0
        for line in text.split(separator: "\n") {
            let words = line.split { " \t,=".contains($0) }
            guard words.count == 2, words[0].hasPrefix("VKFFT_ERROR_"), let value = Int32(words[1]) else { continue }
            guard let name = gpudeconv_vkfft_result_name(value) else { continue }
            #expect(String(cString: name) == words[0])
            found += 1
        }
        #expect(found > 30)
    }

    /// A queue of another context takes no kernels of the plan's.
    @Test(arguments: OpenCLDevice.all.indices)
    func whyAKernelIsNotTakenIsKept(device: Int) throws {
        let contexts = try (0..<2).map { _ in try OpenCLContext(OpenCLDevice.all[device]) }
        let layout = gpudeconv_vkfft_layout(
            row_length: 28,
            column_length: 35,
            row_pitch: 15,
            batch: 1,
            batch_pitch: 576,
            value_count: 576,
            is_real: 1,
            is_inverse: 0
        )
        let plan = try VkFFTPlan(layout, on: CommandQueue(contexts[0]))
        let other = try CommandQueue(contexts[1])
        let buffer = try DeviceBuffer(byteCount: 576 * 8, in: contexts[0])
        var log = [CChar](repeating: 0, count: 64)
        var status = CL_SUCCESS
        let result = gpudeconv_vkfft_run(plan.handle, other.handle, buffer.handle, nil, nil, &log, log.count, &status)
        #expect(result == Self.notTaken)
        #expect(status == CL_INVALID_CONTEXT)
    }
}
