import DeconvDevice

/// A device with its number, for programs.
package struct DeviceEntry: Encodable {
    /// Every device of this machine; touches the OpenCL drivers.
    package static var all: [DeviceEntry] {
        Devices.all.enumerated().map { DeviceEntry(number: $0.offset, device: $0.element) }
    }

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
