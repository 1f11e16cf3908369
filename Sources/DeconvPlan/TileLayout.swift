import DeconvVolume

/// The geometry that follows from a core shape: frames, work shape and bytes, without the list of tiles.
struct TileLayout {
    private let request: TilePlan.Request
    private let axes: [Axis]

    /// Tiles along each axis.
    var counts: VolumeShape { VolumeShape { axes[$0].count } }
    /// Core shape of all tiles but the last ones.
    var coreShape: VolumeShape { VolumeShape { axes[$0].core } }
    /// Voxels read around a core along each axis.
    var halo: VolumeShape { VolumeShape { axes[$0].isCut ? axes[$0].halo : 0 } }

    init(_ request: TilePlan.Request, coreShape: VolumeShape) throws(DeconvolutionError) {
        let isTiled = (0..<3).contains { coreShape[$0] < request.imageShape[$0] }
        var axes: [Axis] = []
        for axis in 0..<3 {
            axes.append(try Axis(axis, request, core: min(coreShape[axis], request.imageShape[axis]), isTiled: isTiled))
        }
        self.init(request, axes: axes)
    }

    /// A layout from its axes in the order z, y, x, all made for the same request.
    init(_ request: TilePlan.Request, axes: [Axis]) {
        self.request = request
        self.axes = axes
    }

    /// What one tile takes; the same for all, since all have one frame shape.
    var footprint: TileFootprint {
        let tile = tile(at: .zero)
        return TileFootprint(
            tile.geometry,
            coreShape: tile.core.shape,
            psfShape: request.psf.shape,
            pixelType: request.pixelType
        )
    }

    /// Modelled time of an iteration over all tiles; only ratios mean anything.
    var cost: Double {
        let (z, y, x) = (axes[0], axes[1], axes[2])
        let voxels = Double(z.count * y.count * x.count) * Double(z.work * y.work * x.work)
        return voxels * (z.costPerVoxel + y.costPerVoxel + x.costPerVoxel)
    }

    var tiles: [Tile] {
        var tiles: [Tile] = []
        for z in 0..<axes[0].count {
            for y in 0..<axes[1].count {
                for x in 0..<axes[2].count {
                    tiles.append(tile(at: VolumeIndex(z: z, y: y, x: x)))
                }
            }
        }
        return tiles
    }

    private func tile(at index: VolumeIndex) -> Tile {
        let spans = (0..<3).map { axes[$0].span(index[$0]) }
        func region(_ origin: (Axis.Span) -> Int, _ extent: (Axis.Span) -> Int) -> Region {
            Region(origin: VolumeIndex { origin(spans[$0]) }, shape: VolumeShape { extent(spans[$0]) })
        }
        let masked = spans.contains { $0.isMasked }
        return Tile(
            core: region(\.core.lowerBound, \.core.count),
            frame: region(\.frame.lowerBound, \.frame.count),
            geometry: WorkGeometry(
                workShape: VolumeShape { axes[$0].work },
                frame: region(\.frameInWork.lowerBound, \.frameInWork.count),
                domain: region({ _ in 0 }, \.domainLength),
                support: region(\.support.lowerBound, \.support.count),
                mask: masked ? region(\.mask.lowerBound, \.mask.count) : nil
            )
        )
    }
}

extension TileLayout {
    /// One axis of the layout.
    ///
    /// Around the frame the estimate reaches as far as the PSF: P − 1 − P/2 voxels before it and P/2 after it, the
    /// light that can have come from outside (Bertero and Boccacci 2005). Where an axis is not cut and its boundary mode
    /// says what lies outside, it reaches nowhere.
    struct Axis {
        let extent: Int
        let core: Int
        let halo: Int
        let frameLength: Int
        /// Estimated voxels before the frame, and after it.
        let before: Int
        let after: Int
        let work: Int
        let costPerVoxel: Double
        let isCut: Bool
        let boundary: BoundaryMode
        /// Voxels of the enlarged image before the first recorded one (`edge` and `reflect` in one piece).
        let enlargement: Int

        var count: Int { (extent + core - 1) / core }

        init(_ axis: Int, _ request: TilePlan.Request, core: Int, isTiled: Bool) throws(DeconvolutionError) {
            let psf = request.psf.shape[axis]
            extent = request.imageShape[axis]
            self.core = core
            boundary = request.boundary
            isCut = core < extent
            halo = request.psf.energyRadius[axis]
            let isEven = axis == 2
            func length(_ minimum: Int) -> Int {
                if let asked = request.workShape?[axis], asked >= minimum { return asked }
                // Planes are transformed along y and x always, along z only where there is more than one.
                return axis == 0 && minimum == 1 ? 1 : FFTPadding.length(atLeast: minimum, even: isEven)
            }

            if isCut || boundary == .extend || (boundary == .zero && isTiled) {
                switch boundary {
                case .extend, .zero:
                    let sides = min((extent + core - 1) / core - 1, 2)
                    frameLength = min(extent, core + sides * halo)
                case .edge, .reflect, .periodic:
                    frameLength = core + 2 * halo
                }
                before = psf - 1 - psf / 2
                after = psf / 2
                work = length(frameLength + psf - 1)
                costPerVoxel = FFTPadding.cost(work) / Double(work)
                enlargement = 0
                return
            }
            before = 0
            after = 0
            switch boundary {
            case .extend, .zero:
                frameLength = extent
                // Light that leaves the frame falls into the padding.
                work = length(extent + psf / 2)
                enlargement = 0
            case .edge, .reflect:
                frameLength = length(extent + 2 * (psf / 2))
                work = frameLength
                enlargement = psf / 2 + (frameLength - extent - 2 * (psf / 2)) / 2
            case .periodic:
                // An axis of one voxel is constant, which two voxels show as well and the engines can transform.
                frameLength = axis == 0 ? extent : max(extent, 2)
                work = frameLength
                enlargement = 0
                guard request.supportsLength(work) else {
                    throw DeconvolutionError(
                        .invalidArgument,
                        "the \(["z", "y", "x"][axis]) axis has \(extent) voxels, a length this FFT engine cannot "
                            + "transform unpadded: use --boundary reflect, or --backend cpu"
                    )
                }
            }
            costPerVoxel = FFTPadding.cost(work) / Double(work)
        }

        /// What a tile takes of this axis.
        struct Span {
            var core: Range<Int>
            var frame: Range<Int>
            var frameInWork: Range<Int>
            var domainLength: Int
            var support: Range<Int>
            var mask: Range<Int>
            /// Whether light is estimated outside the frame, so that the normalization is not 1.
            var isMasked: Bool
        }

        func span(_ index: Int) -> Span {
            let start = index * core
            let end = min(start + core, extent)
            let frameStart =
                switch boundary {
                case .extend, .zero: min(max(0, start - halo), extent - frameLength)
                case .edge, .reflect, .periodic: isCut ? start - halo : -enlargement
                }
            let frameInWork = before..<before + frameLength
            let domainLength = before + frameLength + after
            var support = 0..<domainLength
            var mask = frameInWork
            if boundary == .zero, before + after > 0 {
                // Outside the image there is no light, and what would be recorded there counts as seen.
                if frameStart == 0 {
                    support = frameInWork.lowerBound..<support.upperBound
                    mask = 0..<mask.upperBound
                }
                if frameStart + frameLength == extent {
                    support = support.lowerBound..<frameInWork.upperBound
                    mask = mask.lowerBound..<domainLength
                }
            }
            return Span(
                core: start..<end,
                frame: frameStart..<frameStart + frameLength,
                frameInWork: frameInWork,
                domainLength: domainLength,
                support: support,
                mask: mask,
                isMasked: before + after > 0
            )
        }
    }
}
