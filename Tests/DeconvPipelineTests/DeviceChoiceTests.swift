import DeconvDevice
import DeconvOptions
import DeconvVolume
import Testing

@testable import DeconvPipeline

/// Which device a person means by a number or a name.
@Suite struct DeviceChoiceTests {
    private static let devices = ["Xeon(R) 8481C", "RTX 2080", "Arc A770", "cpu-cortex-a72"].enumerated().map {
        number,
        name in
        DeviceDescription(
            backend: number == 0 ? .cpu : .opencl,
            type: "GPU",
            name: name,
            driver: "",
            memoryBytes: 1 << 30,
            largestBufferBytes: 1 << 30,
            computeUnits: 1
        )
    }

    private func number(_ wanted: String, _ backend: DeconvolutionOptions.Backend = .auto) throws -> Int {
        var options = DeconvolutionOptions()
        options.backend = backend
        return try Devices.number(of: wanted, options, among: Self.devices)
    }

    @Test(arguments: [
        ("0", 0), ("2", 2), ("cpu", 0), ("rtx", 1), ("Arc A770", 2), ("a7", 2), ("CORTEX", 3), ("rtx 2080", 1),
    ])
    func aNumberOrPartOfANameIsFound(wanted: String, expected: Int) throws {
        #expect(try number(wanted) == expected)
    }

    /// 2080, 770 and 84 are parts of names, but nobody who gives a number means a name.
    @Test(arguments: ["2080", "770", "84", "4", "-1", "7", ""])
    func aNumberThatNoDeviceHasIsNotSoughtInNames(wanted: String) throws {
        let error = #expect(throws: DeconvolutionError.self) { try number(wanted) }
        #expect(error?.code == .deviceUnavailable)
        #expect(error?.text(.flag) == "--device \(wanted): no such device; 'gpudeconv devices' lists what is here")
    }

    @Test func aDeviceOfTheOtherBackEndIsRefused() throws {
        #expect(throws: DeconvolutionError.self) { try number("0", .opencl) }
        #expect(throws: DeconvolutionError.self) { try number("1", .cpu) }
        #expect(try number("cpu", .opencl) == 3)
    }
}
