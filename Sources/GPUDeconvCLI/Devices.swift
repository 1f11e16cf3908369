import ArgumentParser
import DeconvPlan
import DeconvPipeline
import GPUDeconv

struct Devices: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the devices that can compute here, with their memory.",
        discussion: "The number in front, or a part of the name, is what --device takes."
    )

    @Flag(help: "Print as JSON.")
    var json = false

    func run() throws {
        try reportingErrors { () throws(DeconvolutionError) in
            let devices = GPUDeconv.Devices.all
            if json {
                try Terminal.print(JSONText.of(DeviceEntry.all, .flag))
            } else {
                var lines = devices.enumerated().map(text)
                if let failure = GPUDeconv.Devices.failure {
                    lines.append("\(failure)")
                } else if devices.count == 1 {
                    lines.append("No OpenCL device: the driver of a GPU brings one, pocl-opencl-icd one for the CPU.")
                }
                try Terminal.print(lines.joined(separator: "\n"))
            }
        }
    }

    private func text(number: Int, device: DeviceDescription) -> String {
        var text = "\(number)  \(device.name)\n     \(device.backend.rawValue), \(device.type), "
        text += "\(device.computeUnits) \(device.backend == .cpu ? "threads" : "compute units"), "
        text += "\(ByteCount(device.memoryBytes))"
        if device.backend == .opencl { text += ", at most \(ByteCount(device.largestBufferBytes)) in one buffer" }
        if !device.driver.isEmpty { text += "\n     \(device.driver)" }
        return text
    }
}
