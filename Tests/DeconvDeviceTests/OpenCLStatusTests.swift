import COpenCL
import DeconvPlan
import DeconvVolume
import Foundation
import Testing

@testable import DeconvDevice

@Suite struct OpenCLStatusTests {
    /// What the headers say: `#define NAME value`, and `NAME = value` or `NAME = OTHER` in an enumeration.
    private func headerValues() throws -> [String: Int32] {
        var values: [String: Int32] = [:]
        for header in ["CL/cl.h", "clFFT.h"] {
            let text = try String(contentsOfFile: "/usr/include/" + header, encoding: .utf8)
            var next: Int32?
            for line in text.split(separator: "\n") {
                let words = line.split { " \t,=".contains($0) }.map(String.init)
                if words.first == "#define", words.count >= 3, words[1].hasPrefix("CL_") {
                    if let value = Int32(words[2]) { values[words[1]] = value }
                } else if let name = words.first, name.hasPrefix("CLFFT_") {
                    // An enumerator without a value is one more than the one before it.
                    let said = words.count > 1 && line.contains("=") ? product(words[1]) ?? values[words[1]] : next
                    if let said {
                        values[name] = said
                        next = said + 1
                    } else {
                        next = nil
                    }
                }
            }
        }
        return values
    }

    /// The value of a number or of a product such as `4*1024`.
    private func product(_ text: String) -> Int32? {
        text.split(separator: "*").map { Int32($0) }.reduce(1) { a, b in a.flatMap { a in b.map { a * $0 } } }
    }

    @Test func everyNameIsTheHeadersNameOfItsValue() throws {
        let header = try headerValues()
        for (value, name) in OpenCLStatus.names {
            #expect(
                header[name] == value,
                "\(name) is \(value) here, \(header[name].map(String.init) ?? "missing") there"
            )
        }
    }

    @Test func noTwoValuesHaveOneName() {
        #expect(Set(OpenCLStatus.names.values).count == OpenCLStatus.names.count)
    }

    @Test func everyErrorOfOpenCLHasAName() throws {
        // Errors of OpenCL 1.2: −1 … −19 at run time and −30 … −68 for arguments; others are codes of other headers.
        let buildStates = ["CL_BUILD_NONE", "CL_BUILD_ERROR", "CL_BUILD_IN_PROGRESS"]
        let defined = try headerValues().filter {
            $0.key.hasPrefix("CL_") && (-68 ... -1).contains($0.value) && !buildStates.contains($0.key)
        }
        #expect(defined.count > 50)
        for (name, value) in defined.sorted(by: { $0.value > $1.value }) {
            #expect(OpenCLStatus.names[value] == name)
        }
    }

    @Test func anUnknownStatusIsTold() {
        #expect(OpenCLStatus(-9999).description == "status -9999")
        #expect(OpenCLStatus(0).description == "CL_SUCCESS")
    }

    /// A buffer that was refused lacks memory; a kernel that was, or that came to grief, may lack anything.
    @Test func onlyMemoryIsCalledMemory() {
        func error(_ call: String, _ purpose: OpenCLError.Purpose, _ status: Int32) -> DeconvolutionError {
            OpenCLError(call: call, purpose: purpose, status: OpenCLStatus(status)).deconvolutionError(on: "GPU")
        }
        let cases: [(String, OpenCLError.Purpose, Int32)] = [
            ("clCreateBuffer of 8 bytes", .memory, CL_OUT_OF_RESOURCES),
            ("clFinish", .other, CL_MEM_OBJECT_ALLOCATION_FAILURE),
            ("clfftEnqueueTransform", .transforms(.clfft), CL_OUT_OF_HOST_MEMORY),
        ]
        for (call, purpose, status) in cases {
            let error = error(call, purpose, status)
            #expect(error.code == .outOfMemory && error.remedy == .lessMemory)
            #expect(error.options == [.memoryLimit])
        }
        let calls: [(String, OpenCLError.Purpose)] = [
            ("clFinish", .other), ("clEnqueueNDRangeKernel of take_ratio", .other),
            ("clfftEnqueueTransform", .transforms(.clfft)),
        ]
        for (call, purpose) in calls {
            for status in [
                CL_OUT_OF_RESOURCES, CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST, CL_INVALID_COMMAND_QUEUE,
            ] {
                let error = error(call, purpose, status)
                #expect(error.code == .deviceFailed && error.remedy == .newContext)
                #expect(error.description.hasSuffix(": \(call) returned \(OpenCLStatus(status))"))
                #expect(!error.message.contains("too little"))
            }
        }
        #expect(error("clFinish", .other, CL_INVALID_VALUE).remedy == nil)
    }
}
