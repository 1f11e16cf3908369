package import DeconvVolume

extension Workspace {
    /// Seconds of the transforms of one iteration and nothing else, as often as asked for and once before to warm up.
    /// - Parameters:
    ///   - field: what is transformed; the work volume holds it, blurred again and again.
    ///   - afterEach: called after every iteration; what it throws ends the measurement.
    /// - Returns: `count` durations.
    package func measureTransforms(
        _ field: Field,
        count: Int,
        afterEach: () throws(DeconvolutionError) -> Void = {}
    ) throws(DeconvolutionError) -> [Double] {
        precondition(count >= 1, "something is measured")
        let clock = ContinuousClock()
        var durations: [Double] = []
        try forwardProject(field)
        try backProject()
        for _ in 0...count {
            let started = clock.now
            try runTransforms()
            try synchronize()
            durations.append((clock.now - started) / .seconds(1))
            try afterEach()
        }
        return Array(durations.dropFirst())
    }

    /// How fast frames are staged and results read, as in a job of several volumes: the fastest of several each.
    ///
    /// A frame is copied to memory that the device reads by itself, and that counts.
    /// - Parameters:
    ///   - frame: the voxels of the frame.
    ///   - field: what is read.
    ///   - region: the part of it that is a result.
    /// - Returns: nil where volumes can only come one after another.
    package func measureTransfers(
        of frame: VoxelData,
        _ field: Field,
        in region: Region
    ) throws(DeconvolutionError) -> TransferRates? {
        guard let transfer = try makeTransfer(for: region.shape) else { return nil }
        let frameBytes = layout.frame.shape.voxelCount * layout.pixelType.byteCount
        return TransferRates(
            uploadBytesPerSecond: try CopyRate.best(of: frameBytes, crossing: 1) { () throws(DeconvolutionError) in
                try transfer.stageObserved { (_) throws(DeconvolutionError) in frame }
            },
            downloadBytesPerSecond: try CopyRate.best(of: 4 * region.shape.voxelCount, crossing: 1) {
                () throws(DeconvolutionError) in
                try transfer.read(region, of: field) { (_) throws(DeconvolutionError) in }
            }
        )
    }
}
