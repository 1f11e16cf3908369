package import DeconvVolume

/// One piece of work: the voxels that it delivers, and those that it reads.
package struct Tile: Hashable, Sendable {
    /// Voxels of the image that this tile delivers.
    package var core: Region
    /// Voxels that it reads: the core and its halo, in image coordinates.
    ///
    /// Reaches outside the image where the boundary mode says what lies there.
    package var frame: Region
    /// Where the tile lies in the work volume.
    package var geometry: WorkGeometry

    /// The core in the coordinates of the work volume.
    package var coreInWork: Region {
        Region(
            origin: VolumeIndex { geometry.frame.origin[$0] + core.origin[$0] - frame.origin[$0] },
            shape: core.shape
        )
    }
}

/// How an image is cut into tiles, decided before anything is allocated.
///
/// All tiles of a plan have one work shape and one frame shape, so that the transforms are planned once.
package struct TilePlan: Hashable, Sendable {
    /// Voxels of the image.
    package var imageShape: VolumeShape
    /// Tiles in the order in which they are computed: z slowest.
    package var tiles: [Tile]
    /// Tiles along z, y and x.
    package var tileCounts: VolumeShape
    /// Real voxels read around a core, per axis; 0 along an axis that is not cut.
    package var halo: VolumeShape
    /// What a tile takes in memory.
    package var footprint: TileFootprint

    /// Shape of the transform.
    package var workShape: VolumeShape { tiles[0].geometry.workShape }

    /// Whether the image is computed in one piece.
    package var isUntiled: Bool { tiles.count == 1 }
}

extension TilePlan {
    /// What a plan is made for.
    package struct Request: Sendable {
        /// Voxels of the image.
        package var imageShape: VolumeShape
        /// How the image is stored.
        package var pixelType: PixelType
        /// The PSF's shape and where its energy lies.
        package var psf: PSFExtent
        /// What lies outside the image.
        package var boundary: BoundaryMode
        /// What a tile may take.
        package var budget: MemoryBudget
        /// Core shape asked for by the user; the budget decides where it is nil.
        package var coreShape: VolumeShape?
        /// Transform shape asked for; an axis on which it is too short gets the one of least modelled cost.
        package var workShape: VolumeShape?
        /// Whether the engine can transform a length that padding may not change.
        package var supportsLength: @Sendable (Int) -> Bool

        /// A request from its parts.
        package init(
            imageShape: VolumeShape,
            pixelType: PixelType,
            psf: PSFExtent,
            boundary: BoundaryMode,
            budget: MemoryBudget,
            coreShape: VolumeShape? = nil,
            workShape: VolumeShape? = nil,
            supportsLength: @escaping @Sendable (Int) -> Bool = { FFTPadding.isSmooth($0) }
        ) {
            self.imageShape = imageShape
            self.pixelType = pixelType
            self.psf = psf
            self.boundary = boundary
            self.budget = budget
            self.coreShape = coreShape
            self.workShape = workShape
            self.supportsLength = supportsLength
        }
    }

    /// The plan of least modelled work that stays within the budget: the whole image if it fits, else tiles.
    /// - Throws: `DeconvolutionError.invalidArgument` when not even the smallest tile fits, or when a periodic
    ///   axis has a length that the engine cannot transform.
    package init(_ request: Request) throws(DeconvolutionError) {
        precondition(request.imageShape.voxelCount > 0 && request.psf.shape.voxelCount > 0, "nothing to plan")
        if let core = request.coreShape {
            try self.init(request, coreShape: core)
            guard footprint.fits(request.budget) else {
                throw Self.doesNotFit(footprint, request.budget, tile: core)
            }
            return
        }
        let whole = try TilePlan(request, coreShape: request.imageShape)
        if whole.footprint.fits(request.budget) {
            self = whole
            return
        }
        var candidates: [[TileLayout.Axis]] = []
        for axis in 0..<3 {
            var lengths: [TileLayout.Axis] = []
            for core in Self.coreLengths(request.imageShape[axis]) {
                lengths.append(try TileLayout.Axis(axis, request, core: core, isTiled: true))
            }
            candidates.append(lengths)
        }
        var best: (cost: Double, layout: TileLayout)?
        for z in candidates[0] {
            for y in candidates[1] {
                for x in candidates[2] where z.isCut || y.isCut || x.isCut {
                    let layout = TileLayout(request, axes: [z, y, x])
                    let cost = layout.cost
                    guard cost < best?.cost ?? .infinity, layout.footprint.fits(request.budget) else { continue }
                    best = (cost, layout)
                }
            }
        }
        guard let best else {
            let smallest = TileLayout(request, axes: candidates.map { $0.last! })
            throw Self.doesNotFit(smallest.footprint, request.budget, tile: nil)
        }
        self.init(request, best.layout)
    }

    private init(_ request: Request, coreShape: VolumeShape) throws(DeconvolutionError) {
        self.init(request, try TileLayout(request, coreShape: coreShape))
    }

    private init(_ request: Request, _ layout: TileLayout) {
        imageShape = request.imageShape
        tileCounts = layout.counts
        halo = layout.halo
        footprint = layout.footprint
        tiles = layout.tiles
    }

    /// Every core length that cuts an axis into a different number of tiles, longest first.
    private static func coreLengths(_ extent: Int) -> [Int] {
        var lengths: [Int] = []
        var length = extent
        while length >= 1 {
            lengths.append(length)
            let count = (extent + length - 1) / length
            // The longest core that makes at least one tile more.
            length = min(length - 1, (extent + count) / (count + 1))
        }
        return lengths
    }

    private static func doesNotFit(
        _ footprint: TileFootprint,
        _ budget: MemoryBudget,
        tile: VolumeShape?
    ) -> DeconvolutionError {
        let what = tile.map { "a tile of \($0) voxels" } ?? "the smallest tile"
        let remedy = tile == nil ? "raise --memory-limit or crop the PSF" : "choose a smaller --tile"
        let needed = budget.isHostMemory ? footprint.sharedBytes : footprint.totalBytes
        let reason =
            if needed > budget.totalBytes {
                "takes \(ByteCount(needed)) but \(ByteCount(budget.totalBytes)) are allowed"
            } else if footprint.hostBytes > budget.hostBytes {
                "takes \(ByteCount(footprint.hostBytes)) of host memory but \(ByteCount(budget.hostBytes)) are free"
            } else {
                "needs a buffer of \(ByteCount(footprint.largestBufferBytes)) but the device allows "
                    + "\(ByteCount(budget.largestBufferBytes)) in one piece"
            }
        return DeconvolutionError(.invalidArgument, "\(what) \(reason): \(remedy)")
    }
}
