import DeconvKernels
package import DeconvPlan
package import DeconvVolume

/// One OpenCL device: clFFT or VkFFT for the transforms, our kernels for the rest.
package struct OpenCLBackend: ComputeBackend {
    /// The kernels of clFFT 2.12.2 index real values in 32 bits: beyond this they would wrap without a word.
    private static let largestTransformBytes = 4 * (1 << 32) - 4

    private(set) var context: OpenCLContext
    private var selection: TransformSelection
    /// Where PoCL keeps its kernels.
    var kernelFolder = PoCLCache.folder

    /// A back end on one device.
    /// - Parameters:
    ///   - selection: which library transforms.
    ///   - binaries: where programs that were built are kept from run to run.
    /// - Throws: `DeconvolutionError.deviceFailed` when the driver makes no context.
    package init(
        _ device: OpenCLDevice,
        _ selection: TransformSelection = TransformSelection(),
        binaries: BinaryCache = .programs
    ) throws(DeconvolutionError) {
        context = try OpenCLContext(device, binaries: binaries)
        self.selection = selection
    }

    /// The same, with workspaces that can read the device's clock.
    package var takingTime: OpenCLBackend {
        var backend = self
        backend.selection.takesTime = true
        return backend
    }

    /// The device.
    package var device: DeviceDescription { context.device.description }

    /// The device's memory less a reserve of a tenth, for OpenCL 1.2 does not say how much is free; where it is this
    /// machine's memory, what the system has free.
    package var freeMemory: MemoryBudget {
        let total = device.memoryBytes / 10 * 9
        let host = HostSystem.freeBytes / 10 * 9
        return MemoryBudget(
            totalBytes: context.device.sharesHostMemory ? min(total, host) : total,
            largestBufferBytes: min(device.largestBufferBytes, Self.largestTransformBytes),
            hostBytes: host,
            sharesHostMemory: context.device.sharesHostMemory
        )
    }

    /// A library says how much scratch memory it needs only when a plan is made, up to as much as it transforms. Passes over
    /// planes need none, and are expected until they are known not to work; where that turns out when the workspace is made,
    /// memory may run out, and less is planned.
    package func transformBytes(_ geometry: WorkGeometry) -> TransformBytes {
        var bytes = TransformBytes.halfSpectra(geometry)
        bytes.header = KernelSource.headerBytes
        if !selection.expectsPasses(of: geometry, on: context.device) { bytes.temporary = bytes.work }
        return bytes
    }

    /// clFFT's kernels have the factors 2, 3, 5, 7, 11 and 13; VkFFT has every length up to 4096, and without factors
    /// above 13 up to 131072. The lengths padded to are those that clFFT does fastest, with VkFFT as well: which library it will
    /// be may be found out only when the workspace is made, and what lengths cost VkFFT was not measured.
    package var padding: FFTPadding {
        FFTPadding(context.device.isAccelerator ? .accelerator : .openCLOnCPU) { [selection] in selection.supports($0) }
    }

    package func renewed() throws(DeconvolutionError) -> OpenCLBackend {
        var backend = self
        backend.context = try OpenCLContext(context.device, binaries: context.binaries)
        return backend
    }

    package func makeWorkspace(_ layout: WorkspaceLayout) throws(DeconvolutionError) -> any Workspace {
        let removed = context.device.isPoCL ? PoCLCache.removeDamaged(in: kernelFolder) : 0
        let workspace = try selection.makeWorkspace(layout, in: context)
        if removed > 0 {
            workspace.warn(
                Diagnostic(
                    .compilerCacheMended,
                    "\(context.name): files in the cache of PoCL's kernels, \(kernelFolder), were not whole and are "
                        + "removed, as of a process that was killed while it compiled",
                    figures: "\(removed)"
                )
            )
        }
        return workspace
    }
}
