import DeconvVolume

/// One axis of the whole volume.
///
/// Under `extend` the estimate reaches around the frame as far as the PSF: P − 1 − P/2 voxels before it and P/2 after it,
/// the light that can have come from outside (Bertero and Boccacci 2005).
struct WholeAxis {
    let frameInImage: Range<Int>
    let frame: Range<Int>
    let domain: Int
    let work: Int

    init(_ axis: Int, _ request: TilePlan.Request) {
        let (extent, psf) = (request.imageShape[axis], request.psfShape[axis])
        switch request.boundary {
        case .extend:
            frameInImage = 0..<extent
            let before = psf - 1 - psf / 2
            frame = before..<before + extent
            domain = extent + psf - 1
            work = transformLength(axis, request, atLeast: domain)
        case .zero:
            frameInImage = 0..<extent
            frame = frameInImage
            domain = extent
            // Light that leaves the frame falls into the padding.
            work = transformLength(axis, request, atLeast: extent + psf / 2)
        case .edge, .reflect:
            // The result depends on how many voxels are invented, and must not depend on what computes it.
            work = transformLength(axis, request, atLeast: extent + 2 * (psf / 2), .fftw)
            let before = psf / 2 + (work - extent - 2 * (psf / 2)) / 2
            frameInImage = -before..<work - before
            frame = 0..<work
            domain = work
        case .periodic:
            // An axis of one voxel is constant, which two voxels show as well; planes have at least two along y and x.
            work = axis == 0 ? extent : max(extent, 2)
            frameInImage = 0..<work
            frame = frameInImage
            domain = work
        }
    }
}

/// One axis of the tiles.
struct TileAxis {
    /// Voxels that a tile delivers.
    let core: Int
    /// Tiles of a forward projection.
    let count: Int
    let work: Int
    let costPerVoxel: Double

    init(_ axis: Int, _ request: TilePlan.Request, _ whole: WorkGeometry, core: Int) {
        self.core = core
        count = (whole.frame.shape[axis] + core - 1) / core
        work = transformLength(axis, request, atLeast: core + request.psfShape[axis] - 1)
        costPerVoxel = request.padding.cost.ofLine(work, real: axis == 2) / Double(work)
    }
}

private func transformLength(
    _ axis: Int,
    _ request: TilePlan.Request,
    atLeast minimum: Int,
    _ padding: FFTPadding? = nil
) -> Int {
    if let asked = request.workShape?[axis], asked >= minimum { return asked }
    // Planes are transformed along y and x always, along z only where there is more than one.
    return axis == 0 && minimum == 1 ? 1 : (padding ?? request.padding).length(atLeast: minimum, real: axis == 2)
}
