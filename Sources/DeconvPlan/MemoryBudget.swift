package import DeconvVolume

/// How many bytes a tile may take.
package struct MemoryBudget: Hashable, Sendable {
    /// Bytes for everything that the tile holds where it is computed.
    package var totalBytes: Int
    /// Bytes of the largest single buffer (`CL_DEVICE_MAX_MEM_ALLOC_SIZE`).
    package var largestBufferBytes: Int

    /// A budget from its two limits.
    package init(totalBytes: Int, largestBufferBytes: Int = .max) {
        self.totalBytes = totalBytes
        self.largestBufferBytes = largestBufferBytes
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
    /// Bytes of the PSF while the transfer function is made from it.
    package var psfBytes: Int

    /// The footprint of a geometry.
    /// - Parameter pixelType: as the voxels are held in memory.
    package init(_ geometry: WorkGeometry, psfShape: VolumeShape, pixelType: PixelType) {
        workBytes = geometry.spectrumCount * 8
        otfBytes = geometry.spectrumCount * 8
        estimateBytes = geometry.domain.shape.voxelCount * 4
        normalizationBytes = geometry.mask == nil ? 0 : estimateBytes
        observedBytes = geometry.frame.shape.voxelCount * pixelType.inMemory.byteCount
        psfBytes = psfShape.voxelCount * 4
    }

    /// Most bytes held at one time.
    package var totalBytes: Int {
        workBytes + otfBytes + max(psfBytes, estimateBytes + normalizationBytes + observedBytes)
    }

    /// Bytes of the largest buffer.
    package var largestBufferBytes: Int { max(workBytes, estimateBytes, observedBytes, psfBytes) }

    /// Whether it stays within both limits.
    package func fits(_ budget: MemoryBudget) -> Bool {
        totalBytes <= budget.totalBytes && largestBufferBytes <= budget.largestBufferBytes
    }
}
