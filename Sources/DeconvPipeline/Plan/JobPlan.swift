package import DeconvDevice
package import DeconvMethods
package import DeconvOptics
package import DeconvOptions
package import DeconvPlan
package import DeconvVolume

/// Everything decided about a job before a voxel is computed.
package struct JobPlan: Sendable {
    /// What the image is.
    package var image: ImageDescription
    /// Size of the image's voxels, µm, where somebody said.
    package var spacing: VoxelSpacing?
    /// The PSFs, ready: one for all channels or one a channel, for each place that has its own.
    package var psfs: [PreparedPSF]
    /// What they come to: one for all channels or one a channel.
    package private(set) var blurs: [PreparedBlur]
    /// How many of the PSFs and of the blurs, at the end of each, are those of a second view of the object; 0 where there is one.
    package let secondPSFCount: Int
    /// How volumes are deconvolved.
    package var method: any DeconvolutionMethod
    /// What lies outside the image.
    package var boundary: BoundaryMode
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
    /// What reading takes in host memory.
    package var reading: Reading
    /// Bytes of host memory that writing a volume takes where it goes into an array.
    package var writeBytes: Int
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
        /// Where it is computed: a second frame, and the fields of a second result.
        package var deviceBytes: Int
        /// In host memory: voxels as read, and where there is a device the buffers through which frames and results travel.
        package var hostBytes: Int
    }

}

extension JobPlan {
    /// Plans a job.
    /// - Parameters:
    ///   - imageName: what messages call the image.
    ///   - psfs: one for all channels, or one a channel, for each place that has its own.
    ///   - blurs: what they come to.
    ///   - secondPSFCount: how many of these, at the end of each, are those of a second view of the object.
    ///   - hasSensitivity: whether the voxels of the image may differ in their sensitivity.
    ///   - readingNeeds: what reading the image and its maps may take.
    ///   - deviceCount: devices that run at once and share the host's memory.
    ///   - results: what results take on their way.
    ///   - memoryCap: what may be taken at most after a device ran out of memory in spite of a plan: a part of what that plan takes.
    /// - Throws: `DeconvolutionError.invalidArgument` for a method that there is not or that takes no PSFs of several places, and for a memory limit that holds not even the smallest tile, or not beside what
    ///   reading and writing take.
    package init(
        image: ImageDescription,
        imageName: String,
        psfs: [PreparedPSF],
        blurs: [PreparedBlur],
        secondPSFCount: Int = 0,
        hasSensitivity: Bool,
        options: DeconvolutionOptions,
        backend: NumberedBackend,
        readingNeeds: ReadingNeeds = ReadingNeeds(),
        deviceCount: Int = 1,
        results: Results = .inOrder,
        memoryCap: Int? = nil
    ) throws(DeconvolutionError) {
        self.image = image
        (self.psfs, self.blurs, self.secondPSFCount) = (psfs, blurs, secondPSFCount)
        // Methods count differences by the size of voxels, whoever knows it.
        var known = options
        known.spacing = options.spacing ?? image.spacing
        spacing = known.spacing
        let method = try Methods.method(known)
        guard method.takesVaryingPSF || blurs.allSatisfy({ $0.report == nil }) else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.psfAt): \(.method, method.name.rawValue) is a filter of one PSF; choose a \(.method) that iterates, or give "
                    + "one PSF"
            )
        }
        guard secondPSFCount == 0 || method.takesSecondView else { throw Self.oneViewOnly(method, options) }
        let boundary = method.boundary(options.boundary)
        (self.method, self.boundary) = (method, boundary)
        deviceNumber = backend.number
        let leftOut = backend.leftOut
        let backend = backend.backend
        self.backend = backend
        self.deviceCount = deviceCount
        hostThreadCount = max(1, CPUBackend(threadCount: options.threadCount).device.computeUnits / deviceCount)
        warnings = leftOut + Self.warnings(psfs, blurs)
        if image.shape.z == 1, psfs.contains(where: { $0.psf.shape.z > 1 }) {
            warnings.append(
                Diagnostic(
                    .planesNotRecorded,
                    "\(imageName) has one plane but the PSF has several: light from planes that were not recorded is "
                        + "estimated too; for a 2D deconvolution give a PSF of one plane"
                )
            )
        }
        if let spacing, image.shape.z > 1, spacing.isDoubtful {
            warnings.append(
                Diagnostic(
                    .spacingDoubtful,
                    "\(subject: imageName): its voxels are larger along x than along z and y, which no microscope makes; "
                        + "\(.spacing) takes z,y,x",
                    figures: "spacing of \(spacing)"
                )
            )
        }
        if let spacing, let words = spacing.implausibility(planeCount: image.shape.z) {
            warnings.append(
                Diagnostic(
                    .spacingDoubtful,
                    "\(subject: imageName): its voxels are \(words), as where a unit is wrong; check them, and give \(.spacing) "
                        + "in µm",
                    figures: "spacing of \(spacing)"
                )
            )
        }
        // Offsets of more than n - 1 voxels lead from no voxel of the image to another one.
        if let large = psfs.first(where: { psf in
            (0..<3).contains { image.shape[$0] > 1 && psf.psf.shape[$0] > 2 * image.shape[$0] - 1 }
        }) {
            warnings.append(
                Diagnostic(
                    .psfLarge,
                    "\(subject: imageName) is less than half as large as its PSF, of which the outer voxels reach no "
                        + "voxel of it; check that they are not swapped, or crop the PSF",
                    figures: "\(image.shape) voxels, and \(large.psf.shape)"
                )
            )
        }

        // With what is put around it: whatever is counted below stays within what an Int holds.
        let voxels = (0..<3).reduce(1.0) { product, axis in
            product * 2 * Double(image.shape[axis] + (blurs.map { $0.blur.shape[axis] }.max() ?? 0))
        }
        guard voxels <= 0x1p53 else {
            throw DeconvolutionError(
                .invalidData,
                "\(imageName): volumes of \(image.shape) voxels are more than any machine holds; check what its metadata say"
            )
        }

        var budget = backend.freeMemory
        if let limit = options.memoryLimitBytes {
            budget.totalBytes = budget.isHostMemory ? limit : min(limit, budget.totalBytes)
        }
        if budget.isHostMemory || budget.sharesHostMemory { budget.totalBytes /= deviceCount }
        if budget.hostBytes < .max { budget.hostBytes /= deviceCount }
        if let memoryCap { budget.totalBytes = min(budget.totalBytes, memoryCap) }
        let host = budget.isHostMemory ? budget.totalBytes : budget.hostBytes
        var waitingBytes = 0
        writeBytes = 0
        switch results {
        case .inOrder:
            waitingVolumeCount = VolumesInFlight.waiting(channelCount: image.channelCount, deviceCount: deviceCount)
            storeBytes = waitingVolumeCount * image.shape.voxelCount * 4
            usesScratchFiles = storeBytes / deviceCount > host / 4
            if !usesScratchFiles { waitingBytes = storeBytes / deviceCount }
        case .inAnyOrder(let bytes):
            (waitingVolumeCount, storeBytes, usesScratchFiles) = (0, 0, false)
            writeBytes = bytes
        }
        let resultBytes = waitingBytes + writeBytes

        let modeCount = blurs.map(\.blur.modes.count).max() ?? 1
        let viewCount = secondPSFCount > 0 ? 2 : 1
        var request = TilePlan.Request(
            imageShape: image.shape,
            pixelType: image.pixelType,
            psfShape: VolumeShape { axis in
                blurs.map { $0.blur.shape.limited(to: image.shape, boundary)[axis] }.max()!
            },
            boundary: boundary,
            hasSensitivity: hasSensitivity,
            demand: {
                method.demand($0, hasSensitivity: hasSensitivity).with(modeCount: modeCount).with(viewCount: viewCount)
            },
            tileShape: options.tileShape,
            transformBytes: backend.transformBytes,
            padding: backend.padding
        )
        // In one piece a volume is read whole, and then with what the boundary mode puts around it.
        tiles = try TilePlan(request)
        let voxelBytes = image.pixelType.inMemory.byteCount
        let frame = tiles.frameInImage.shape
        // Views are read one after the other, and of each but the one that is brought to its frame the voxels wait.
        let framedCount = frame == image.shape ? 0 : frame.voxelCount
        let wholeVoxelBytes = (viewCount * image.shape.voxelCount + framedCount) * voxelBytes
        reading = Reading(readingNeeds.volumes, voxelBytes: wholeVoxelBytes)
        request.budget = budget.keeping(resultBytes + reading.byteCount)
        if tiles.tile == nil, tiles.footprint.fits(request.budget) {
            // There is room for one frame on its way.
            if options.overlapsVolumes, viewCount == 1 {
                overlap = Overlap(image, tiles, budget.keeping(resultBytes + reading.byteCount - wholeVoxelBytes))
            }
            reading.keepMore(room: request.budget.hostBytes(beside: tiles.footprint, overlap))
            return
        }
        // Says what one piece lacks, where there is nothing else.
        if !tiles.demand.allowsTiles { tiles = try TilePlan(request) }
        // In tiles it is read plane by plane.
        reading = Reading(readingNeeds.planes, voxelBytes: 2 * frame.planeVoxelCount * voxelBytes)
        reading.keepMore(room: host / 4 - reading.keptBytes.reduce(0, +))
        request.mayBeWhole = false
        let takenBytes = resultBytes + reading.byteCount
        request.budget = budget.keeping(takenBytes)
        do {
            tiles = try TilePlan(request)
        } catch {
            // Where there is too little for tiles alone, that is said.
            request.budget = budget
            _ = try TilePlan(request)
            throw tooMuchBesideTiles(imageName, host, resultBytes: resultBytes, options)
        }
        // The fields that tiles are cut from stay in memory where tiles fit into what is left.
        let wholeBytes = tiles.footprint.wholeBytes
        request.budget = budget.keeping(takenBytes + wholeBytes)
        if !usesScratchFiles, wholeBytes <= (host - takenBytes) / 2, let beside = try? TilePlan(request) {
            tiles = beside
        } else {
            usesScratchFiles = true
        }
    }

    /// Bytes that it takes of what `MemoryBudget.totalBytes` covers.
    var takenBytes: Int {
        let footprint = tiles.footprint
        guard backend.freeMemory.isHostMemory else { return footprint.deviceBytes }
        return footprint.deviceBytes + footprint.transferBytes + reading.byteCount + writeBytes
            + (usesScratchFiles ? 0 : footprint.wholeBytes + storeBytes / deviceCount)
    }

    /// Reading and writing leave too little for the smallest tile.
    private func tooMuchBesideTiles(
        _ name: String,
        _ host: Int,
        resultBytes: Int,
        _ options: DeconvolutionOptions
    ) -> DeconvolutionError {
        let isLimited = options.memoryLimitBytes != nil && backend.freeMemory.isHostMemory
        let share = deviceCount > 1 ? " for each of \(deviceCount) devices" : ""
        return DeconvolutionError(
            .invalidArgument,
            "\(name): reading takes \(ByteCount(reading.byteCount)) and writing \(ByteCount(resultBytes)) of the "
                + "\(ByteCount(host)) of memory that are \(isLimited ? "allowed" : "free")\(share), which leaves too little for "
                + "\(options.tileShape.map { "a tile of \($0) voxels" } ?? "the smallest tile"): "
                + (isLimited ? "raise \(.memoryLimit)" : "free some memory")
                + ", or use smaller chunks (\(.chunks) for the result)"
        )
    }
}

extension JobPlan {
    /// The places among the blurs of those of a channel, one a view.
    func blurIndices(ofChannel channel: Int) -> [Int] {
        func index(_ first: Int, _ count: Int) -> Int { first + (count == 1 ? 0 : channel) }
        let firstCount = blurs.count - secondPSFCount
        return [index(0, firstCount)] + (secondPSFCount > 0 ? [index(firstCount, secondPSFCount)] : [])
    }

    /// Transforms of the volume, or of as many tiles as it has, that an iteration takes: two for each PSF or mode that it is projected by.
    package var transformsPerIteration: Int {
        2 * tiles.demand.projectionCount * tiles.demand.modeCount
    }

    /// The PSFs of the first view.
    package var firstPSFs: [PreparedPSF] { Array(psfs.dropLast(secondPSFCount)) }

    /// The PSFs of the second view.
    package var secondPSFs: [PreparedPSF] { Array(psfs.suffix(secondPSFCount)) }

    private static func oneViewOnly(
        _ method: any DeconvolutionMethod,
        _ options: DeconvolutionOptions
    ) -> DeconvolutionError {
        if options.sieve > 0 {
            return DeconvolutionError(
                .invalidArgument,
                "\(.sieve, options.sieve.inMessage): is as wide as one PSF, and with \(.view) there are two; leave one of them out"
            )
        }
        let names = Methods.takingSecondView(options)
        return DeconvolutionError(
            .invalidArgument,
            "\(.view): \(.method, method.name.rawValue) compares one image; choose \(.method) \(names.listed("or"))"
        )
    }
}

extension MemoryBudget {
    /// What is left where so many bytes of host memory are taken by something else.
    fileprivate func keeping(_ byteCount: Int) -> MemoryBudget {
        var budget = self
        if isHostMemory {
            budget.totalBytes = max(totalBytes - byteCount, 0)
        } else if hostBytes < .max {
            budget.hostBytes = max(hostBytes - byteCount, 0)
        }
        return budget
    }

    /// Bytes of host memory that a volume in one piece, or two that overlap, leave.
    fileprivate func hostBytes(beside footprint: Footprint, _ overlap: JobPlan.Overlap?) -> Int {
        let (deviceBytes, otherBytes) = overlap.map { ($0.deviceBytes, $0.hostBytes) } ?? (0, 0)
        if isHostMemory {
            return totalBytes - footprint.deviceBytes - footprint.transferBytes - deviceBytes - otherBytes
        }
        return hostBytes - footprint.hostBytes(self) - otherBytes - (sharesHostMemory ? deviceBytes : 0)
    }
}

extension JobPlan {
    /// Takes other PSFs of the same shapes and numbers of modes, and what there is to say of them.
    mutating func replacePSFs(_ new: [PreparedPSF], _ newBlurs: [PreparedBlur]) {
        let old = Self.warnings(psfs, blurs)
        warnings = Self.warnings(new, newBlurs) + warnings.filter { !old.contains($0) }
        (psfs, blurs) = (new, newBlurs)
    }

    private static func warnings(_ psfs: [PreparedPSF], _ blurs: [PreparedBlur]) -> [Diagnostic] {
        psfs.flatMap(\.report.warnings) + blurs.flatMap { $0.report?.warnings ?? [] }
    }
}

extension JobPlan.Overlap {
    /// What volumes in one piece take to overlap, or nil where there are no two or no room.
    fileprivate init?(_ image: ImageDescription, _ tiles: TilePlan, _ budget: MemoryBudget) {
        guard tiles.tile == nil, image.channelCount * image.timepointCount > 1 else { return nil }
        let footprint = tiles.footprint
        deviceBytes = footprint.observedBytes + tiles.demand.resultFieldCount * tiles.whole.domain.shape.voxelCount * 4
        // With each volume, what saturated voxels leave of f.
        hostBytes = VolumesInFlight.read * (footprint.observedBytes + footprint.sensitivityBytes)
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
    package func limited(to image: VolumeShape, _ boundary: BoundaryMode) -> VolumeShape {
        guard boundary == .zero else { return self }
        return VolumeShape { Swift.min(self[$0], 2 * image[$0] - 1) }
    }
}
