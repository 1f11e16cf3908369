package import DeconvDevice
package import DeconvOptics
package import DeconvPlan
package import DeconvVolume

/// Everything decided about a job before a voxel is computed.
package struct JobPlan: Sendable {
    /// What the image is.
    package var image: ImageDescription
    /// Size of the image's voxels, µm, where somebody said.
    package var spacing: VoxelSpacing?
    /// The PSFs, ready: one for all channels or one a channel.
    package var psfs: [PreparedPSF]
    /// Where it runs.
    package var backend: any ComputeBackend
    /// How each volume is cut.
    package var tiles: TilePlan
    /// Bytes that hold the finished volumes of a time point until they are written, 0 where none are held.
    package var storeBytes: Int
    /// Whether those go to a scratch file beside the output instead of memory.
    package var usesScratchFile: Bool
    /// What a person should know.
    package var warnings: [Diagnostic]

    /// Iterations, tiles and volumes multiplied out.
    package func iterationCount(_ options: DeconvolutionOptions) -> Int {
        options.iterationCount * tiles.tiles.count * image.channelCount * image.timepointCount
    }
}

extension JobPlan {
    /// Along each axis the halo reaches as far as all of the PSF's energy but this part.
    ///
    /// Documentation/Decisions/halo.md has the measurements.
    package static let energyOutsideHalo = 1e-2

    /// Plans a job.
    /// - Parameters:
    ///   - psfs: one for all channels, or one a channel.
    ///   - memoryDivisor: the budget is divided by this after the device ran out of memory in spite of a plan.
    /// - Throws: `DeconvolutionError` for options out of range, a PSF that is none, a device that is not there, or a memory
    ///   limit that holds not even the smallest tile.
    package init(
        image source: any VolumeSource,
        psfs: [PreparedPSF],
        options: DeconvolutionOptions,
        backend: any ComputeBackend,
        memoryDivisor: Int = 1
    ) throws(DeconvolutionError) {
        let image = source.image
        self.image = image
        self.psfs = psfs
        self.backend = backend
        spacing = options.spacing ?? image.spacing
        warnings = psfs.flatMap(\.report.warnings)
        if image.shape.z == 1, psfs.contains(where: { $0.psf.shape.z > 1 }) {
            warnings.append(
                Diagnostic(
                    "\(source.name) has one plane but the PSF has several: light from planes that were not recorded is "
                        + "estimated too; for a 2D deconvolution give a PSF of one plane"
                )
            )
        }

        var budget = backend.freeMemory
        if let limit = options.memoryLimitBytes {
            budget.totalBytes = backend.device.backend == .cpu ? limit : min(limit, budget.totalBytes)
        }
        budget.totalBytes /= memoryDivisor
        budget.largestBufferBytes /= memoryDivisor
        let extent = PSFExtent(
            shape: VolumeShape { axis in psfs.map { $0.psf.shape[axis] }.max()! },
            energyRadius: VolumeShape { axis in
                psfs.map { $0.psf.energyRadius(axis: axis, fraction: 1 - Self.energyOutsideHalo) }.max()!
            }
        )
        func request(_ budget: MemoryBudget) -> TilePlan.Request {
            TilePlan.Request(
                imageShape: image.shape,
                pixelType: image.pixelType,
                psf: extent.limited(to: image.shape, boundary: options.boundary),
                boundary: options.boundary,
                budget: budget,
                coreShape: options.tileShape,
                supportsLength: backend.supportsLength
            )
        }
        storeBytes = 0
        usesScratchFile = false
        if image.channelCount == 1, options.tileShape == nil,
            let whole = try? TilePlan(request(budget)), whole.isUntiled
        {
            tiles = whole
            return
        }
        storeBytes = image.shape.voxelCount * image.channelCount * 4
        let host = budget.isHostMemory ? budget.totalBytes : budget.hostBytes
        if storeBytes <= host / 4 {
            if budget.isHostMemory { budget.totalBytes -= storeBytes } else { budget.hostBytes -= storeBytes }
        } else {
            usesScratchFile = true
        }
        tiles = try TilePlan(request(budget))
        if tiles.isUntiled, image.channelCount == 1 {
            storeBytes = 0
            usesScratchFile = false
        }
    }
}

extension PSFExtent {
    /// The extent that matters: where nothing lies outside the image, light never travels further than its own length.
    func limited(to image: VolumeShape, boundary: BoundaryMode) -> PSFExtent {
        guard boundary == .zero else { return self }
        return PSFExtent(shape: VolumeShape { min(shape[$0], 2 * image[$0] - 1) }, energyRadius: energyRadius)
    }
}
