package import DeconvPlan
package import DeconvVolume
import Foundation

/// The cores of this machine: FFTW for the transforms, Swift for the rest.
package struct CPUBackend: ComputeBackend {
    /// The processor.
    package let device: DeviceDescription
    let pool: WorkerPool

    /// A back end of as many threads as there are cores this process may use, or as asked for.
    /// - Parameter threadCount: at least 1, or nil.
    package init(threadCount: Int? = nil) {
        let threads = threadCount ?? ProcessInfo.processInfo.activeProcessorCount
        precondition(threads >= 1, "at least one thread")
        pool = WorkerPool(threadCount: threads)
        device = DeviceDescription(
            backend: .cpu,
            type: "CPU",
            name: HostSystem.processorName,
            driver: "",
            memoryBytes: HostSystem.memoryBytes,
            largestBufferBytes: HostSystem.memoryBytes,
            computeUnits: threads
        )
    }

    /// What the system has free now, less a reserve of a tenth.
    package var freeMemory: MemoryBudget {
        MemoryBudget(totalBytes: HostSystem.freeBytes / 10 * 9, isHostMemory: true)
    }

    package func transformBytes(_ geometry: WorkGeometry) -> TransformBytes {
        CPUWorkspace.transformBytes(geometry, threadCount: pool.threadCount)
    }

    package var padding: FFTPadding { .fftw }

    package func makeWorkspace(_ layout: WorkspaceLayout) throws(DeconvolutionError) -> any Workspace {
        try CPUWorkspace(layout, pool: pool)
    }
}
