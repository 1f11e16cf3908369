package import DeconvVolume

/// What blurs an image, ready: one PSF, or the modes of several and where each of them holds.
package struct PreparedBlur: Sendable {
    /// The blur, whose weights have their nodes in voxels of the image.
    package let blur: Blur
    /// What became of several PSFs; nil where there is one.
    package let report: PSFModesReport?

    /// The same PSF everywhere.
    /// - Parameter sieve: σ of the Gaussian that the estimate is blurred by, over the width of the PSF; 0 for none.
    package init(_ psf: PointSpreadFunction, sieve: Double = 0) {
        if sieve > 0 {
            let gaussian = GaussianSieve(for: psf, width: sieve)
            blur = Blur(gaussian.blurred(psf), sieve: Blur.Sieve(kernel: gaussian.kernel, psf: psf.volume))
        } else {
            blur = Blur(psf.volume)
        }
        report = nil
    }

    /// A PSF that varies: that of each place there, and between places along an axis a mean of its neighbors by their distance.
    /// - Parameters:
    ///   - psfs: one for each place, prepared for voxels of the image.
    ///   - places: every combination of some depths, rows and columns, in any order.
    ///   - spacing: of the image.
    ///   - modeCount: see `PSFModes.init`.
    /// - Throws: `invalidArgument` for places that are no grid, and where nobody says how large the image's voxels are.
    package init(
        _ psfs: [PointSpreadFunction],
        at places: [PSFPlace],
        spacing: VoxelSpacing?,
        modeCount: Int? = nil
    ) throws(DeconvolutionError) {
        precondition(psfs.count == places.count, "a PSF for each place")
        guard let spacing else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.psfAt): places are in µm, but nobody says how large the voxels of the image are; give \(.spacing, "z,y,x")"
            )
        }
        let coordinates = (0..<3).map { axis in Set(places.map { $0[axis] }).sorted() }
        let count = coordinates.reduce(1) { $0 * $1.count }
        guard places.allSatisfy({ $0.axes.allSatisfy(\.isFinite) }), Set(places).count == places.count,
            count == places.count
        else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.psfAt): \(places.count) places of \(coordinates[0].count) depths, \(coordinates[1].count) rows and "
                    + "\(coordinates[2].count) columns are no grid; give a PSF for every combination of these, once"
            )
        }
        let modes = PSFModes(psfs, count: modeCount)
        let nodes = (0..<3).map { axis in coordinates[axis].map { $0 / spacing[axis] } }
        var order: [Int] = []
        for z in coordinates[0] {
            for y in coordinates[1] {
                for x in coordinates[2] { order.append(places.firstIndex(of: PSFPlace(z: z, y: y, x: x))!) }
            }
        }
        blur = Blur(
            mean: modes.mean,
            variations: modes.variations.map { mode in
                (mode.psf, WeightGrid(nodes: nodes, values: order.map { mode.weights[$0] }))
            }
        )
        report = PSFModesReport(
            places: places,
            modeCount: blur.modes.count,
            error: modes.error,
            wasAsked: modeCount != nil
        )
    }
}

/// How several PSFs became the modes of one that varies.
package struct PSFModesReport: Sendable, Encodable {
    /// Where the PSFs hold, µm.
    package let places: [PSFPlace]
    /// Modes, their mean among them.
    package let modeCount: Int
    /// See `PSFModes.error`.
    package let error: Double
    /// What a person should know.
    package let warnings: [Diagnostic]

    init(places: [PSFPlace], modeCount: Int, error: Double, wasAsked: Bool) {
        self.places = places
        self.modeCount = modeCount
        self.error = error
        let line: Message =
            wasAsked
            ? "the modes of the PSF leave more than 10 % of one of its PSFs; a larger \(.psfModes) leaves less"
            : "the PSFs differ too much to be made of \(PSFModes.most) modes, so that more than 10 % of one of them is left; "
                + "check that they are all of one microscope, or give fewer places"
        warnings =
            error <= PSFModes.largestError
            ? [] : [Diagnostic(.psfModesFew, line, figures: "\((error * 1000).rounded() / 10) %, \(modeCount) modes")]
    }

    private enum Key: String, CodingKey { case modes, error, places }

    /// Writes it with stable keys; places are lists in the order z, y, x.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(modeCount, forKey: .modes)
        try container.encode(error, forKey: .error)
        try container.encode(places.map(\.axes), forKey: .places)
    }
}
