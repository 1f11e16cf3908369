import DeconvVolume

/// How many bytes a computation may take.
package struct MemoryBudget: Hashable, Sendable {
    /// Bytes for everything held where it is computed.
    package var totalBytes: Int
    /// Bytes of the largest single buffer (`CL_DEVICE_MAX_MEM_ALLOC_SIZE`).
    package var largestBufferBytes: Int
    /// Bytes of host memory beside a device.
    package var hostBytes: Int
    /// Whether it is computed in host memory, so that `totalBytes` covers both.
    package var isHostMemory: Bool
    /// Whether the device's memory is the host's, so that what is held on either counts against `hostBytes`.
    package var sharesHostMemory: Bool

    /// A budget from its limits.
    package init(
        totalBytes: Int,
        largestBufferBytes: Int = .max,
        hostBytes: Int = .max,
        isHostMemory: Bool = false,
        sharesHostMemory: Bool = false
    ) {
        self.totalBytes = totalBytes
        self.largestBufferBytes = largestBufferBytes
        self.hostBytes = hostBytes
        self.isHostMemory = isHostMemory
        self.sharesHostMemory = sharesHostMemory
    }
}

/// What a plan takes in memory, buffer by buffer.
package struct Footprint: Hashable, Sendable {
    /// Bytes of the work volume, which holds the spectrum and the projections in turn.
    package var workBytes: Int
    /// Bytes of scratch memory that the FFT engine may ask for.
    package var temporaryBytes: Int
    /// Bytes of the optical transfer functions, one for each mode of the PSF, with what lies ahead of each.
    package var otfBytes: Int
    /// Bytes of one of them.
    package var largestOTFBytes: Int
    /// Bytes of the fields where they are computed: the estimate and, where it is not 1, the normalization; for tiles
    /// the box that is read and the one that is delivered.
    package var fieldBytes: Int
    /// Bytes of the largest of these fields.
    package var largestFieldBytes: Int
    /// Bytes of the observed voxels of all views where they are computed, with what lies ahead of them.
    package var observedBytes: Int
    /// Bytes of the sensitivity of these voxels where they are computed; 0 where it is 1.
    package var sensitivityBytes: Int
    /// Bytes of the modes of the PSF while the transfer functions are made from them.
    package var psfBytes: Int
    /// Bytes that cross between host and device at a time.
    package var transferBytes: Int
    /// Bytes of the whole volume's fields that tiles are cut from, in host memory or in scratch files; 0 in one piece.
    package var wholeBytes: Int
    /// Views that the observed voxels and their sensitivity are of.
    package var viewCount = 1

    /// Most bytes held at one time where it is computed.
    package var deviceBytes: Int {
        workBytes + temporaryBytes + otfBytes + max(psfBytes, fieldBytes + observedBytes + sensitivityBytes)
    }

    /// Bytes of the largest buffer.
    package var largestBufferBytes: Int {
        [
            workBytes, temporaryBytes, largestOTFBytes, largestFieldBytes, observedBytes / viewCount,
            sensitivityBytes / viewCount, psfBytes,
        ]
        .max()!
    }

    /// Bytes of host memory beside a device, and with the device's where that shares it.
    package func hostBytes(_ budget: MemoryBudget) -> Int {
        psfBytes + transferBytes + (budget.sharesHostMemory ? deviceBytes : 0)
    }

    /// Whether it stays within all limits, the whole volume's fields apart.
    package func fits(_ budget: MemoryBudget) -> Bool {
        if budget.isHostMemory { return deviceBytes + transferBytes <= budget.totalBytes }
        return deviceBytes <= budget.totalBytes && largestBufferBytes <= budget.largestBufferBytes
            && hostBytes(budget) <= budget.hostBytes
    }
}
