package import DeconvVolume

/// How an image is computed, decided before anything is allocated: in one piece, or convolved tile by tile.
///
/// Tiles do not change the result. Every convolution of every iteration is made from tiles that reach as far as the PSF
/// does, on fields of the whole volume: overlap-save, exact to rounding, whatever the PSF and the number of iterations.
/// Documentation/Decisions/tiles.md tells why.
package struct TilePlan: Hashable, Sendable {
    /// Voxels of the image.
    package var imageShape: VolumeShape
    /// The whole volume's frame in the coordinates of the image; reaches outside it under `edge` and `reflect`.
    package var frameInImage: Region
    /// Where the whole volume lies; its work shape is transformed only if there are no tiles.
    package var whole: WorkGeometry
    /// Where each tile lies, or nil for one piece. Its frame is what the tile delivers, its domain what it reads.
    package var tile: WorkGeometry?
    /// Tiles along z, y and x that a forward projection takes.
    package var tileCounts: VolumeShape
    /// What the method takes.
    package var demand: MethodDemand
    /// What it takes in memory.
    package var footprint: Footprint

    /// Tiles of a forward projection.
    package var tileCount: Int { tileCounts.voxelCount }

    /// Shape of the transforms.
    package var workShape: VolumeShape { (tile ?? whole).workShape }

    /// Voxels that a tile reads around those it delivers: before and after them together, PSF − 1.
    package var halo: VolumeShape {
        guard let tile else { return VolumeShape(z: 0, y: 0, x: 0) }
        return VolumeShape { tile.domain.shape[$0] - tile.frame.shape[$0] }
    }

    /// The image in the coordinates of the whole volume.
    package var imageInWhole: Region {
        Region(origin: VolumeIndex { whole.frame.origin[$0] - frameInImage.origin[$0] }, shape: imageShape)
    }
}

extension TilePlan {
    /// What a plan is made for.
    package struct Request: Sendable {
        /// Voxels of the image.
        package var imageShape: VolumeShape
        /// How the image is stored.
        package var pixelType: PixelType
        /// Voxels of the PSF.
        package var psfShape: VolumeShape
        /// What lies outside the image.
        package var boundary: BoundaryMode
        /// Whether the voxels of the image differ in their sensitivity.
        package var hasSensitivity: Bool
        /// The memory and the work that the method takes for a geometry.
        package var demand: @Sendable (WorkGeometry) -> MethodDemand
        /// What may be taken.
        package var budget: MemoryBudget
        /// Voxels that a tile delivers, asked for by the user; the budget decides where it is nil.
        package var tileShape: VolumeShape?
        /// Whether it may be computed in one piece.
        package var mayBeWhole = true
        /// Transform shape asked for; an axis on which it is too short gets the one of least modeled cost.
        package var workShape: VolumeShape?
        /// What the engine takes for the transforms of a geometry.
        package var transformBytes: @Sendable (WorkGeometry) -> TransformBytes
        /// Which lengths are padded to, and which transforms there are.
        package var padding: FFTPadding

        /// A request from its parts.
        package init(
            imageShape: VolumeShape,
            pixelType: PixelType,
            psfShape: VolumeShape,
            boundary: BoundaryMode,
            hasSensitivity: Bool = false,
            demand: @escaping @Sendable (WorkGeometry) -> MethodDemand = { _ in .projection },
            budget: MemoryBudget = MemoryBudget(totalBytes: .max),
            tileShape: VolumeShape? = nil,
            workShape: VolumeShape? = nil,
            transformBytes: @escaping @Sendable (WorkGeometry) -> TransformBytes = TransformBytes.halfSpectra,
            padding: FFTPadding = .fftw
        ) {
            self.imageShape = imageShape
            self.pixelType = pixelType
            self.psfShape = psfShape
            self.boundary = boundary
            self.hasSensitivity = hasSensitivity
            self.demand = demand
            self.budget = budget
            self.tileShape = tileShape
            self.workShape = workShape
            self.transformBytes = transformBytes
            self.padding = padding
        }
    }

    /// The plan of least modeled work that stays within the budget: one piece if it fits, else tiles.
    /// - Throws: `DeconvolutionError.invalidArgument` when not even the smallest tile fits, or only tiles that are nearly all
    ///   halo.
    package init(_ request: Request) throws(DeconvolutionError) {
        precondition(request.imageShape.voxelCount > 0 && request.psfShape.voxelCount > 0, "nothing to plan")
        let axes = (0..<3).map { WholeAxis($0, request) }
        func region(_ value: (WholeAxis) -> Range<Int>) -> Region {
            Region(
                origin: VolumeIndex { value(axes[$0]).lowerBound },
                shape: VolumeShape { value(axes[$0]).count }
            )
        }
        imageShape = request.imageShape
        frameInImage = region(\.frameInImage)
        whole = WorkGeometry(
            workShape: VolumeShape { axes[$0].work },
            frame: region(\.frame),
            domain: region { 0..<$0.domain },
            wraps: [.edge, .reflect, .periodic].contains(request.boundary)
        )
        tile = nil
        tileCounts = VolumeShape(z: 1, y: 1, x: 1)
        demand = request.demand(whole)
        let viewCount = demand.viewCount
        let sensitivityBytes = request.hasSensitivity ? viewCount * whole.frame.shape.voxelCount * 4 : 0
        let transforms = request.transformBytes(whole)
        footprint = Footprint(
            workBytes: transforms.work,
            temporaryBytes: transforms.temporary,
            otfBytes: demand.psfCount * (transforms.otf + transforms.header),
            largestOTFBytes: transforms.otf + transforms.header,
            fieldBytes: whole.domain.shape.voxelCount * 4 * demand.fieldCount,
            largestFieldBytes: whole.domain.shape.voxelCount * 4,
            observedBytes: viewCount
                * (transforms.header + whole.frame.shape.voxelCount * request.pixelType.inMemory.byteCount),
            sensitivityBytes: sensitivityBytes,
            psfBytes: demand.psfCount * request.psfShape.voxelCount * 4,
            transferBytes: request.imageShape.planeVoxelCount * 4 + sensitivityBytes / viewCount,
            wholeBytes: 0,
            viewCount: viewCount
        )
        // A periodic axis cannot be padded; tiles can, and wrap as well.
        let isTransformable = request.padding.canTransform(whole.workShape)
        if request.tileShape == nil, request.mayBeWhole, isTransformable, footprint.fits(request.budget) { return }
        guard demand.allowsTiles else { throw whyNotInOnePiece(request, isTransformable: isTransformable) }
        try cut(request)
    }

    private func whyNotInOnePiece(_ request: Request, isTransformable: Bool) -> DeconvolutionError {
        let what = "the method needs the whole volume at once"
        let (reason, remedy): (String, Message) =
            if request.tileShape != nil {
                ("", "leave out \(.tile)")
            } else if !isTransformable {
                (", and there is no transform of \(whole.workShape)", "choose another \(.boundary) or \(.fft)")
            } else {
                (" and \(Self.excess(footprint, request.budget))", "raise \(.memoryLimit), crop the image")
            }
        return DeconvolutionError(
            .invalidArgument,
            "\(what)\(reason): \(remedy), or choose a \(.method) that can be computed in tiles"
        )
    }

    /// Times the work of one piece that tiles may take before nobody could mean it.
    private static let mostOverhead = 100.0

    private mutating func cut(_ request: Request) throws(DeconvolutionError) {
        // The method's fields and two for projections in float, the observed image as stored, and its sensitivity.
        let observedBytes = demand.viewCount * whole.frame.shape.voxelCount * request.pixelType.inMemory.byteCount
        let fieldBytes = 4 * (demand.fieldCount + 2) * whole.domain.shape.voxelCount
        let wholeBytes = fieldBytes + observedBytes + footprint.sensitivityBytes
        func tiles(_ lengths: [TileAxis]) -> (geometry: WorkGeometry, footprint: Footprint) {
            let geometry = WorkGeometry(
                workShape: VolumeShape { lengths[$0].work },
                frame: Region(
                    origin: VolumeIndex { request.psfShape[$0] - 1 - request.psfShape[$0] / 2 },
                    shape: VolumeShape { lengths[$0].core }
                ),
                domain: Region(VolumeShape { lengths[$0].core + request.psfShape[$0] - 1 }),
                wraps: false,
                isOnlyProjected: true
            )
            let transforms = request.transformBytes(geometry)
            let footprint = Footprint(
                workBytes: transforms.work,
                temporaryBytes: transforms.temporary,
                otfBytes: demand.psfCount * (transforms.otf + transforms.header),
                largestOTFBytes: transforms.otf + transforms.header,
                fieldBytes: (geometry.domain.shape.voxelCount + geometry.frame.shape.voxelCount) * 4,
                largestFieldBytes: geometry.domain.shape.voxelCount * 4,
                observedBytes: 0,
                sensitivityBytes: 0,
                psfBytes: demand.psfCount * request.psfShape.voxelCount * 4,
                transferBytes: (geometry.domain.shape.voxelCount + geometry.frame.shape.voxelCount) * 4,
                wholeBytes: wholeBytes
            )
            return (geometry, footprint)
        }
        var chosen: [TileAxis]
        if let shape = request.tileShape {
            chosen = (0..<3).map { TileAxis($0, request, whole, core: min(shape[$0], whole.frame.shape[$0])) }
        } else {
            let candidates = (0..<3).map { axis in
                Self.coreLengths(whole.frame.shape[axis]).map { TileAxis(axis, request, whole, core: $0) }
            }
            chosen = candidates.map { $0.last! }
            var least = Double.infinity
            let halo = (0..<3).map { Double(request.psfShape[$0] - 1) }
            let (mostDomainVoxels, mostFieldVoxels) = Self.mostVoxels(request)
            for z in candidates[0] {
                for y in candidates[1] {
                    let counts = Double(z.count) * Double(y.count)
                    let works = Double(z.work) * Double(y.work)
                    let frame = Double(z.core) * Double(y.core)
                    let domain = (Double(z.core) + halo[0]) * (Double(y.core) + halo[1])
                    for x in candidates[2] {
                        let voxels = counts * Double(x.count) * (works * Double(x.work))
                        let cost = voxels * (z.costPerVoxel + y.costPerVoxel + x.costPerVoxel)
                        guard cost < least else { continue }
                        // Most of what does not fit is far too large, which its fields alone tell.
                        let domainVoxels = domain * (Double(x.core) + halo[2])
                        guard domainVoxels <= mostDomainVoxels,
                            domainVoxels + frame * Double(x.core) <= mostFieldVoxels,
                            request.padding.canTransform(VolumeShape(z: z.work, y: y.work, x: x.work)),
                            tiles([z, y, x]).footprint.fits(request.budget)
                        else { continue }
                        least = cost
                        chosen = [z, y, x]
                    }
                }
            }
        }
        let (geometry, needed) = tiles(chosen)
        guard needed.fits(request.budget) else { throw Self.doesNotFit(needed, request) }
        tile = geometry
        footprint = needed
        tileCounts = VolumeShape { chosen[$0].count }
        let overhead = Double(tileCount) * Double(geometry.workShape.voxelCount) / Double(whole.workShape.voxelCount)
        guard request.tileShape != nil || overhead <= Self.mostOverhead else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(ByteCount(request.budget.totalBytes)) would cut the volume into \(tileCount) tiles that are nearly all "
                    + "halo: raise \(.memoryLimit) or crop the PSF"
            )
        }
    }

    /// The most voxels that a tile may read, and those that it may read and deliver together, where nothing else took memory.
    private static func mostVoxels(_ request: Request) -> (domain: Double, fields: Double) {
        let budget = request.budget
        // These fields are there once more while they are brought there.
        if budget.isHostMemory { return (.infinity, Double(budget.totalBytes) / 8) }
        return (
            Double(budget.largestBufferBytes) / 4, Double(min(budget.totalBytes, budget.hostBytes)) / 4
        )
    }

    /// Up to this extent every way to cut an axis is tried: 255 of them.
    private static let exhaustiveExtent = 1 << 14

    /// Every core length that cuts an axis into a different number of tiles, longest first; of a longer axis than images have,
    /// those of which each makes about 6 % more tiles than the one before.
    static func coreLengths(_ extent: Int) -> [Int] {
        var lengths: [Int] = []
        var length = extent
        while length >= 1 {
            lengths.append(length)
            let count = (extent + length - 1) / length
            let next = count + max(1, extent > exhaustiveExtent ? count / 16 : 1)
            // The longest core that makes at least so many tiles.
            length = min(length - 1, (extent + next - 1) / next)
        }
        return lengths
    }

    private static func doesNotFit(_ footprint: Footprint, _ request: Request) -> DeconvolutionError {
        let budget = request.budget
        let what = request.tileShape.map { "a tile of \($0) voxels" } ?? "the smallest tile"
        let remedy: Message =
            request.tileShape == nil ? "raise \(.memoryLimit) or crop the PSF" : "choose a smaller \(.tile)"
        return DeconvolutionError(.invalidArgument, "\(what) \(excess(footprint, budget)): \(remedy)")
    }

    /// The limit that a footprint does not stay within: `takes 4 GB but 2 GB are allowed`.
    private static func excess(_ footprint: Footprint, _ budget: MemoryBudget) -> String {
        let needed = budget.isHostMemory ? footprint.deviceBytes + footprint.transferBytes : footprint.deviceBytes
        let host = footprint.hostBytes(budget)
        if needed > budget.totalBytes {
            return "takes \(ByteCount(needed)) but \(ByteCount(budget.totalBytes)) are allowed"
        }
        if host > budget.hostBytes {
            return "takes \(ByteCount(host)) of host memory but \(ByteCount(budget.hostBytes)) are free"
        }
        return "needs a buffer of \(ByteCount(footprint.largestBufferBytes)) but the device allows "
            + "\(ByteCount(budget.largestBufferBytes)) in one piece"
    }
}
