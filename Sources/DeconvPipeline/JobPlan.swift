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
    /// The number of that device in `Devices.all`.
    package var deviceNumber: Int
    /// Devices that run at once and share the host's memory.
    package var deviceCount: Int
    /// Threads for what the host does beside a device.
    package var hostThreadCount: Int
    /// How each volume is computed.
    package var tiles: TilePlan
    /// Finished volumes that may wait for their turn to be written; 0 where they come in order or need none.
    package var waitingVolumeCount: Int
    /// Bytes that hold these.
    package var storeBytes: Int
    /// Whether the volumes that wait, and the fields that tiles are cut from, go to scratch files beside the output instead
    /// of memory.
    package var usesScratchFiles: Bool
    /// What it takes more to read a volume and write another one while one is computed; nil for one after another.
    package var overlap: Overlap?
    /// What a person should know.
    package var warnings: [Diagnostic]

    /// What results take on their way to where they belong.
    package enum Results: Hashable, Sendable {
        /// They go as planes to a file: channels wait for each other, and so do the volumes of several devices.
        case inOrder
        /// They go as volumes to an array, and writing one takes so many bytes of host memory.
        case inAnyOrder(writeBytes: Int)
    }

    /// Bytes beside those of a single volume.
    package struct Overlap: Hashable, Sendable {
        /// Where it is computed: a second frame, and the field of a second estimate.
        package var deviceBytes: Int
        /// In host memory: voxels as read, and where there is a device the buffers through which frames and results travel.
        package var hostBytes: Int
    }

}

extension JobPlan {
    /// Plans a job.
    /// - Parameters:
    ///   - imageName: what messages call the image.
    ///   - psfs: one for all channels, or one a channel.
    ///   - hasSensitivity: whether the voxels of the image may differ in their sensitivity.
    ///   - deviceCount: devices that run at once and share the host's memory.
    ///   - results: what results take on their way.
    ///   - memoryDivisor: the budget is divided by this after the device ran out of memory in spite of a plan.
    /// - Throws: `DeconvolutionError.invalidArgument` for a memory limit that holds not even the smallest tile.
    package init(
        image: ImageDescription,
        imageName: String,
        psfs: [PreparedPSF],
        hasSensitivity: Bool,
        options: DeconvolutionOptions,
        backend: NumberedBackend,
        deviceCount: Int = 1,
        results: Results = .inOrder,
        memoryDivisor: Int = 1
    ) throws(DeconvolutionError) {
        self.image = image
        self.psfs = psfs
        deviceNumber = backend.number
        let backend = backend.backend
        self.backend = backend
        self.deviceCount = deviceCount
        hostThreadCount = max(1, CPUBackend(threadCount: options.threadCount).device.computeUnits / deviceCount)
        spacing = options.spacing ?? image.spacing
        warnings = leftOut + psfs.flatMap(\.report.warnings)
        if image.shape.z == 1, psfs.contains(where: { $0.psf.shape.z > 1 }) {
        let leftOut = backend.leftOut
            warnings.append(
                Diagnostic(
                    "\(imageName) has one plane but the PSF has several: light from planes that were not recorded is "
                        + "estimated too; for a 2D deconvolution give a PSF of one plane"
                )
            )
        }

        var budget = backend.freeMemory
        if let limit = options.memoryLimitBytes {
            budget.totalBytes = budget.isHostMemory ? limit : min(limit, budget.totalBytes)
        }
        budget.totalBytes /= memoryDivisor
        budget.largestBufferBytes /= memoryDivisor
        if budget.isHostMemory || budget.sharesHostMemory { budget.totalBytes /= deviceCount }
        if budget.hostBytes < .max { budget.hostBytes /= deviceCount }
        let host = budget.isHostMemory ? budget.totalBytes : budget.hostBytes
        var keptBytes = 0
        switch results {
        case .inOrder:
            waitingVolumeCount = image.channelCount == 1 ? 0 : image.channelCount
            // What one device writes, and what it has finished after it, waits for the slowest.
            if deviceCount > 1 { waitingVolumeCount = image.channelCount + 2 * deviceCount }
            storeBytes = waitingVolumeCount * image.shape.voxelCount * 4
            usesScratchFiles = storeBytes / deviceCount > host / 4
            if !usesScratchFiles { keptBytes = storeBytes / deviceCount }
        case .inAnyOrder(let writeBytes):
            (waitingVolumeCount, storeBytes, usesScratchFiles) = (0, 0, false)
            keptBytes = writeBytes
        }
        if budget.isHostMemory {
            budget.totalBytes = max(budget.totalBytes - keptBytes, 0)
        } else if budget.hostBytes < .max {
            budget.hostBytes = max(budget.hostBytes - keptBytes, 0)
        }

        var request = TilePlan.Request(
            imageShape: image.shape,
            pixelType: image.pixelType,
            psfShape: VolumeShape { axis in
                psfs.map { $0.psf.shape.limited(to: image.shape, options.boundary)[axis] }.max()!
            },
            boundary: options.boundary,
            hasSensitivity: hasSensitivity,
            budget: budget,
            tileShape: options.tileShape,
            transformBytes: backend.transformBytes,
            padding: backend.padding
        )
        tiles = try TilePlan(request)
        let wholeBytes = tiles.footprint.wholeBytes
        guard wholeBytes > 0 else {
            if options.overlapsVolumes { overlap = Overlap(image, tiles, request.budget) }
            return
        }
        if wholeBytes > host / 2 {
            usesScratchFiles = true
        } else if budget.isHostMemory {
            // The fields that tiles are cut from stay in memory, and the tiles get what is left.
            request.budget.totalBytes -= wholeBytes
            tiles = try TilePlan(request)
        }
    }
}

extension JobPlan {
    /// Takes other PSFs of the same shapes, and what there is to say of them.
    mutating func replacePSFs(_ new: [PreparedPSF]) {
        let old = psfs.flatMap(\.report.warnings)
        warnings = new.flatMap(\.report.warnings) + warnings.filter { !old.contains($0) }
        psfs = new
    }
}

extension JobPlan.Overlap {
    /// What volumes in one piece take to overlap, or nil where there are no two or no room.
    fileprivate init?(_ image: ImageDescription, _ tiles: TilePlan, _ budget: MemoryBudget) {
        guard tiles.tile == nil, image.channelCount * image.timepointCount > 1 else { return nil }
        let footprint = tiles.footprint
        deviceBytes = footprint.observedBytes + tiles.whole.domain.shape.voxelCount * 4
        // A volume waits as it was read while another one is put into its frame; and so may what saturated voxels leave of f.
        hostBytes = 2 * (footprint.observedBytes + footprint.sensitivityBytes)
        if budget.isHostMemory {
            let needed = footprint.deviceBytes + footprint.transferBytes + deviceBytes + hostBytes
            if needed > budget.totalBytes { return nil }
        } else {
            // What the driver keeps in host memory for frames on their way there and results on their way back.
            hostBytes += footprint.observedBytes + image.shape.voxelCount * 4
            if footprint.deviceBytes + deviceBytes > budget.totalBytes { return nil }
            let shared = budget.sharesHostMemory ? deviceBytes : 0
            if footprint.hostBytes(budget) + shared + hostBytes > budget.hostBytes { return nil }
        }
    }
}

extension VolumeShape {
    /// The part of a PSF that matters: where nothing lies outside the image, light travels no further than the image is long.
    func limited(to image: VolumeShape, _ boundary: BoundaryMode) -> VolumeShape {
        guard boundary == .zero else { return self }
        return VolumeShape { Swift.min(self[$0], 2 * image[$0] - 1) }
    }
}
