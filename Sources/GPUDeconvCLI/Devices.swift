import ArgumentParser
import DeconvPlan
import GPUDeconv

struct Devices: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List what can compute here, with its memory.",
        discussion: "The number in front, or a part of the name, is what --device takes."
    )

    @Flag(help: "Print as JSON.")
    var json = false

    func run() throws {
        let devices = GPUDeconv.Devices.all
        if json {
            Terminal.print(Terminal.json(devices.enumerated().map { Entry(number: $0.offset, device: $0.element) }))
            return
        }
        for (number, device) in devices.enumerated() {
            var line = "\(number)  \(device.name)\n     \(device.backend.rawValue), \(device.type), "
            line += "\(device.computeUnits) \(device.backend == .cpu ? "threads" : "compute units"), "
            line += "\(ByteCount(device.memoryBytes))"
            if device.backend == .opencl { line += ", at most \(ByteCount(device.largestBufferBytes)) in one buffer" }
            if !device.driver.isEmpty { line += "\n     \(device.driver)" }
            Terminal.print(line)
        }
        if devices.count == 1 {
            Terminal.warn("no OpenCL device is here; the driver of a GPU brings one, pocl-opencl-icd one for the CPU")
        }
    }

    private struct Entry: Encodable {
        let number: Int
        let backend: String
        let type: String
        let name: String
        let driver: String
        let memoryBytes: Int
        let largestBufferBytes: Int
        let computeUnits: Int

        init(number: Int, device: DeviceDescription) {
            self.number = number
            backend = device.backend.rawValue
            type = device.type
            name = device.name
            driver = device.driver
            memoryBytes = device.memoryBytes
            largestBufferBytes = device.largestBufferBytes
            computeUnits = device.computeUnits
        }
    }
}
