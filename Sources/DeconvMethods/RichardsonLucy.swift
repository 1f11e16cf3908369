package import DeconvDevice
package import DeconvPlan
package import DeconvVolume

/// Richardson-Lucy deconvolution of one tile at a time, for Poisson noise (Richardson 1972, J. Opt. Soc. Am. 62:55;
/// Lucy 1974, Astron. J. 79:745), with the boundary weighting of Bertero and Boccacci 2005 (eqs. 17 and 18).
///
///     y = H x + b,   x ← x · W · H'( f (g + s²) / (y + s²) ),   W = 1 / (H'f) where H'f > 0.01·max, else 0
///
/// f is 1 on recorded voxels and 0 elsewhere. Where the geometry has no mask, W = 1.
package struct RichardsonLucy: Sendable {
    /// Voxels whose light the frame hardly records are left out of the estimate (same reference).
    private static let normalizationThreshold: Float = 0.01

    /// Number of updates, at least 1.
    package var iterationCount: Int
    /// b: camera offset and haze, in the units of the image, at least 0.
    package var background: Double
    /// s: read noise, in the units of the image, at least 0.
    package var readNoise: Double
    /// The Poisson divergence is measured every so many iterations, and at the first and last; 0 for never.
    package var divergenceInterval: Int

    /// A run of the method.
    package init(iterationCount: Int, background: Double = 0, readNoise: Double = 0, divergenceInterval: Int = 0) {
        precondition(iterationCount >= 1 && background >= 0 && readNoise >= 0 && divergenceInterval >= 0)
        self.iterationCount = iterationCount
        self.background = background
        self.readNoise = readNoise
        self.divergenceInterval = divergenceInterval
    }

    /// What one iteration showed, before its update.
    package struct Step: Sendable {
        /// 1 ... iterationCount.
        package var iteration: Int
        /// D(g‖y) over the measured voxels where it was measured: Σ g·ln(g/y) − g + y.
        package var poissonDivergence: Double?
    }
}

extension RichardsonLucy {
    /// The fields of the method in one workspace, kept from tile to tile.
    package final class Solver<W: Workspace> {
        private let method: RichardsonLucy
        private let workspace: W
        private let estimate: W.Field
        private var normalization: (mask: Region, support: Region, field: W.Field)?

        /// Allocates the estimate; the normalization follows with the first tile that has one.
        package init(_ method: RichardsonLucy, on workspace: W) throws(DeconvolutionError) {
            self.method = method
            self.workspace = workspace
            estimate = try workspace.makeField()
        }

        /// Bytes held now.
        package var byteCount: Int { workspace.byteCount }

        /// The estimate of a tile's core after all iterations.
        /// - Parameters:
        ///   - tile: of the shape that the workspace was made for.
        ///   - observed: the voxels of the tile's frame.
        ///   - mean: of the recorded voxels of the whole image, above the background.
        ///   - step: called after every iteration; what it throws ends the run.
        /// - Returns: `tile.core.shape` values, photons or counts per voxel, none negative.
        package func estimate(
            _ tile: Tile,
            observed: VoxelData,
            mean: Double,
            step: (Step) throws(DeconvolutionError) -> Void
        ) throws(DeconvolutionError) -> [Float] {
            let weights = try normalization(for: tile.geometry)
            let constants = RatioConstants(
                background: Float(method.background),
                readNoiseVariance: Float(method.readNoise * method.readNoise),
                floor: Float(1e-6 * mean)
            )
            try workspace.setObserved(observed)
            try workspace.fill(estimate, with: Float(mean - method.background), in: tile.geometry.support)
            for iteration in 1...method.iterationCount {
                try workspace.forwardProject(estimate)
                let measured = method.measures(iteration) ? tile.coreInWork : nil
                let divergence = try workspace.takeRatio(constants, measuring: measured)
                try workspace.backProject()
                try workspace.multiply(estimate, byWorkAnd: weights)
                try workspace.synchronize()
                try step(Step(iteration: iteration, poissonDivergence: divergence))
            }
            return try workspace.download(estimate, region: tile.coreInWork)
        }

        /// W of a geometry, or nil where it is 1; computed once for all tiles that share it.
        private func normalization(for geometry: WorkGeometry) throws(DeconvolutionError) -> W.Field? {
            guard let mask = geometry.mask else { return nil }
            if let normalization, normalization.mask == mask, normalization.support == geometry.support {
                return normalization.field
            }
            let field: W.Field
            if let normalization { field = normalization.field } else { field = try workspace.makeField() }
            try workspace.fillWork(with: 1, in: mask)
            try workspace.backProject()
            try workspace.storeNormalization(
                in: field,
                threshold: RichardsonLucy.normalizationThreshold,
                support: geometry.support
            )
            normalization = (mask, geometry.support, field)
            return field
        }
    }

    /// Whether an iteration measures the divergence.
    package func measures(_ iteration: Int) -> Bool {
        divergenceInterval > 0
            && (iteration == 1 || iteration == iterationCount || iteration % divergenceInterval == 0)
    }
}
