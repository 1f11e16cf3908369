package import DeconvVolume

/// How many bytes a tile may take.
package struct MemoryBudget: Hashable, Sendable {
    /// Bytes for everything that the tile holds where it is computed.
    package var totalBytes: Int
    /// Bytes of the largest single buffer (`CL_DEVICE_MAX_MEM_ALLOC_SIZE`).
    package var largestBufferBytes: Int
    /// Bytes of host memory beside a device.
    package var hostBytes: Int
    /// Whether the tile is computed in host memory, so that `totalBytes` covers both.
    package var isHostMemory: Bool

    /// A budget from its limits.
    package init(
        totalBytes: Int,
        largestBufferBytes: Int = .max,
        hostBytes: Int = .max,
        isHostMemory: Bool = false
    ) {
        self.totalBytes = totalBytes
        self.largestBufferBytes = largestBufferBytes
        self.hostBytes = hostBytes
        self.isHostMemory = isHostMemory
    }
}

/// What a tile takes in memory, buffer by buffer.
package struct TileFootprint: Hashable, Sendable {
    /// Bytes of the work volume, which holds the spectrum and the projections in turn.
    package var workBytes: Int
    /// Bytes of the optical transfer function.
    package var otfBytes: Int
    /// Bytes of the estimate.
    package var estimateBytes: Int
    /// Bytes of the normalization, 0 where W = 1.
    package var normalizationBytes: Int
    /// Bytes of the observed tile as stored.
    package var observedBytes: Int
    /// Bytes of the tile's result in host memory.
    package var resultBytes: Int
    /// Bytes of the PSF while the transfer function is made from it.
    package var psfBytes: Int

    /// The footprint of a geometry.
    /// - Parameters:
    ///   - coreShape: voxels that the tile delivers.
    ///   - pixelType: how the image is stored.
    package init(_ geometry: WorkGeometry, coreShape: VolumeShape, psfShape: VolumeShape, pixelType: PixelType) {
        workBytes = geometry.spectrumCount * 8
        otfBytes = geometry.spectrumCount * 8
        estimateBytes = geometry.domain.shape.voxelCount * 4
        normalizationBytes = geometry.mask == nil ? 0 : estimateBytes
        observedBytes = geometry.frame.shape.voxelCount * pixelType.inMemory.byteCount
        resultBytes = coreShape.voxelCount * 4
        psfBytes = psfShape.voxelCount * 4
    }

    /// Most bytes held at one time where the tile is computed.
    package var totalBytes: Int {
        workBytes + otfBytes + max(psfBytes, estimateBytes + normalizationBytes + observedBytes)
    }

    /// Most bytes held at one time in host memory by a tile that is computed on a device.
    package var hostBytes: Int { psfBytes + observedBytes + resultBytes }

    /// Most bytes held at one time by a tile that is computed in host memory, where the engine reads the observed voxels
    /// in place.
    package var sharedBytes: Int { totalBytes + resultBytes }

    /// Bytes of the largest buffer.
    package var largestBufferBytes: Int { max(workBytes, estimateBytes, observedBytes, psfBytes) }

    /// Whether it stays within both limits.
    package func fits(_ budget: MemoryBudget) -> Bool {
        if budget.isHostMemory { return sharedBytes <= budget.totalBytes }
        return totalBytes <= budget.totalBytes && largestBufferBytes <= budget.largestBufferBytes
            && hostBytes <= budget.hostBytes
    }
}
