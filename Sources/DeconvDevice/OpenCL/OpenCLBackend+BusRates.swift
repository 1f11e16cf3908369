import DeconvPlan
package import DeconvVolume

extension OpenCLBackend {
    /// Blocking copies between a pinned buffer and one on the device.
    package func measureBusRates() throws(DeconvolutionError) -> TransferRates? {
        let budget = freeMemory
        let byteCount = CopyRate.byteCount(
            free: min(budget.totalBytes, budget.hostBytes),
            largestBuffer: budget.largestBufferBytes
        )
        let queue = try CommandQueue(context)
        let host = try PinnedBuffer(byteCount: byteCount, on: queue)
        let target = try DeviceBuffer(byteCount: byteCount, in: context)
        let bytes = UnsafeMutableRawBufferPointer(start: host.bytes, count: byteCount)
        return TransferRates(
            uploadBytesPerSecond: try CopyRate.best(of: byteCount, crossing: 1) { () throws(DeconvolutionError) in
                try queue.write(UnsafeRawBufferPointer(bytes), to: target)
            },
            downloadBytesPerSecond: try CopyRate.best(of: byteCount, crossing: 1) { () throws(DeconvolutionError) in
                try queue.read(from: target, into: bytes)
            }
        )
    }
}
