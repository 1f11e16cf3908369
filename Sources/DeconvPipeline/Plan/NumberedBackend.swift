package import DeconvDevice
package import DeconvVolume

/// A back end and the number of its device in `Devices.all`.
package struct NumberedBackend: Sendable {
    /// From 0, which is the CPU back end.
    package var number: Int
    /// What computes.
    package var backend: any ComputeBackend
    /// Devices that were asked for with this one and cannot be used.
    package var leftOut: [Diagnostic]

    /// A back end of a device.
    package init(number: Int, backend: any ComputeBackend, leftOut: [Diagnostic] = []) {
        self.number = number
        self.backend = backend
        self.leftOut = leftOut
    }
}
