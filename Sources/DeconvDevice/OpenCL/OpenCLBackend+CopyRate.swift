import COpenCL
import DeconvPlan
package import DeconvVolume

extension OpenCLBackend {
    /// Copies enqueued together, so that what one enqueuing costs does not count.
    private static let copiesAtATime = 4

    /// `clEnqueueCopyBuffer` from buffer to buffer on the device.
    package func measureCopyRate() throws(DeconvolutionError) -> Double {
        let budget = freeMemory
        let byteCount = CopyRate.byteCount(free: budget.totalBytes, largestBuffer: budget.largestBufferBytes)
        let queue = try CommandQueue(context)
        let source = try DeviceBuffer(byteCount: byteCount, in: context)
        let target = try DeviceBuffer(byteCount: byteCount, in: context)
        try queue.fill(source, with: 1, byteCount: byteCount)
        return try CopyRate.best(of: Self.copiesAtATime * byteCount) { () throws(DeconvolutionError) in
            for _ in 0..<Self.copiesAtATime {
                let status = clEnqueueCopyBuffer(
                    queue.handle,
                    source.handle,
                    target.handle,
                    0,
                    0,
                    byteCount,
                    0,
                    nil,
                    nil
                )
                try check(status, "clEnqueueCopyBuffer", on: context.name)
            }
            try queue.finish()
        }
    }
}
