package import DeconvDevice
package import DeconvOptions
package import DeconvVolume

/// Richardson-Lucy deconvolution, for Poisson noise (Richardson 1972, J. Opt. Soc. Am. 62:55;
/// Lucy 1974, Astron. J. 79:745), with the boundary weighting of Bertero and Boccacci 2005 (eqs. 17 and 18).
///
///     y = f H x + b,   x ← x · W · H'( f (g + s²) / (y + s²) ),   W = 1 / (H'f) where H'f > 0.01·max, else 0
///
/// f is the sensitivity of a voxel: 0 where nothing was recorded, so outside the frame and on bad or saturated voxels, and
/// the flat field elsewhere. Where nothing is estimated outside the frame, f counts as 1 there in W, so that W = 1 for a
/// perfect camera.
package struct RichardsonLucy: Sendable {
    /// Voxels whose light the frame hardly records are left out of the estimate (same reference).
    private static let normalizationThreshold: Float = 0.01

    /// Updates that compare light with light under `StartingEstimate.light`.
    private static let lightUpdateCount = 3

    /// No voxel begins lower than this part of the mean light, for what is 0 stays 0.
    private static let leastStart = 1e-3

    /// Number of updates, at least 1.
    package var iterationCount: Int
    /// b: camera offset and haze, in the units of the image, at least 0.
    package var background: Double
    /// s: read noise, in the units of the image, at least 0.
    package var readNoise: Double
    /// Where the estimate starts.
    package var start: StartingEstimate
    /// The Poisson divergence is measured every so many iterations, and at the first and last; 0 for never.
    package var divergenceInterval: Int

    /// A run of the method.
    package init(
        iterationCount: Int,
        background: Double = 0,
        readNoise: Double = 0,
        start: StartingEstimate = .light,
        divergenceInterval: Int = 0
    ) {
        precondition(iterationCount >= 1 && background >= 0 && readNoise >= 0 && divergenceInterval >= 0)
        self.iterationCount = iterationCount
        self.background = background
        self.readNoise = readNoise
        self.start = start
        self.divergenceInterval = divergenceInterval
    }

    /// What one iteration showed, before its update.
    package struct Step: Sendable {
        /// 1 ... iterationCount.
        package var iteration: Int
        /// D(g‖y) over the measured voxels where it was measured: Σ g·ln(g/y) − g + y.
        package var poissonDivergence: Double?
        /// Seconds on the device's clock when the iteration was done, where time is taken; see `WorkMark`.
        package var deviceTime: Double?
    }
}

extension RichardsonLucy {
    /// The fields of the method in one workspace, kept from volume to volume.
    package final class Solver<W: Workspace> {
        private let method: RichardsonLucy
        private let workspace: W
        private var estimate: W.Field
        /// Takes turns with the estimate, where a result is read while the next volume is estimated.
        private var otherEstimate: W.Field?
        /// Room for W, made when it first differs from 1 and kept, for volumes may have it in turns.
        private var normalization: W.Field?
        /// Whether W differs from 1.
        private var isNormalized = false
        private var hasSensitivity = false
        /// Whether PSF or sensitivity changed since W was made.
        private var normalizationIsStale = true

        /// Allocates the fields.
        package init(_ method: RichardsonLucy, on workspace: W) throws(DeconvolutionError) {
            self.method = method
            self.workspace = workspace
            estimate = try workspace.makeField()
        }

        /// Makes the transfer function of a PSF.
        /// - Parameter psf: centred on voxel n/2 (integer division) of each axis, sum 1.
        package func setPSF(_ psf: Volume) throws(DeconvolutionError) {
            try workspace.setPSF(psf.voxels, shape: psf.shape)
            normalizationIsStale = true
        }

        /// Sets f on the frame; see `Workspace.setSensitivity`.
        package func setSensitivity(
            reading read: ((Region) throws(DeconvolutionError) -> [Float])?
        ) throws(DeconvolutionError) {
            try workspace.setSensitivity(reading: read)
            hasSensitivity = read != nil
            normalizationIsStale = true
        }

        /// Makes the normalization that goes with PSF and sensitivity, if it has not been made.
        package func prepare() throws(DeconvolutionError) {
            guard normalizationIsStale else { return }
            let extendsFrame = workspace.layout.frame != workspace.layout.domain
            isNormalized = extendsFrame || hasSensitivity
            guard isNormalized else {
                normalizationIsStale = false
                return
            }
            let field: W.Field
            if let normalization { field = normalization } else { field = try workspace.makeField() }
            normalization = field
            // H'f with f = 1 beyond the frame is 1 − H'(1 − f), for the sum of the PSF is 1.
            try workspace.fillWorkWithSensitivity(complemented: !extendsFrame)
            try workspace.backProject()
            try workspace.storeNormalization(
                in: field,
                threshold: RichardsonLucy.normalizationThreshold,
                complemented: !extendsFrame
            )
            normalizationIsStale = false
        }

        /// Runs all iterations on the observed frame that the workspace holds.
        /// - Parameters:
        ///   - mean: of g over the recorded voxels, corrected for f: b + Σ(g − b) / Σf; above the background.
        ///   - measured: the recorded voxels, over which the divergence is summed; in the frame.
        ///   - step: called after every iteration; what it throws ends the run. The device may be at the next one by then.
        package func run(
            mean: Double,
            measuring measured: Region,
            step: (Step) throws(DeconvolutionError) -> Void
        ) throws(DeconvolutionError) {
            try prepare()
            let modelled = RatioConstants(
                background: Float(method.background),
                readNoiseVariance: Float(method.readNoise * method.readNoise),
                floor: Float(RatioConstants.leastDivisor * mean)
            )
            try setStart(light: mean - method.background)
            var pending: (step: Step, mark: any WorkMark)?
            func tellPending() throws(DeconvolutionError) {
                guard let (done, mark) = pending else { return }
                pending = nil
                try mark.wait()
                var told = done
                told.deviceTime = mark.deviceTime
                try step(told)
            }
            for iteration in 1...method.iterationCount {
                try workspace.forwardProject(estimate)
                let comparesLight = method.comparesLight(iteration)
                let divergence = try workspace.takeRatio(
                    comparesLight ? method.lightConstants(mean: mean) : modelled,
                    measuring: method.measures(iteration) ? measured : nil
                )
                try workspace.backProject()
                let least = comparesLight ? Float(RichardsonLucy.leastStart) : 0
                try workspace.multiply(
                    estimate,
                    byWorkAnd: isNormalized ? normalization : nil,
                    least: least,
                    projectingNext: iteration < method.iterationCount
                )
                let mark = try workspace.mark()
                // The device computes what was just given while this waits for what was given before.
                try tellPending()
                pending = (Step(iteration: iteration, poissonDivergence: divergence), mark)
                if !workspace.worksAhead { try tellPending() }
            }
            try tellPending()
        }

        private func setStart(light: Double) throws(DeconvolutionError) {
            switch method.start {
            case .light, .flat:
                try workspace.fill(estimate, with: Float(light))
            case .observed:
                try workspace.fillFromObserved(
                    estimate,
                    offset: Float(method.background),
                    least: Float(RichardsonLucy.leastStart * light),
                    outside: Float(light)
                )
            }
        }

        /// Allocates a second field for `takeResult`.
        package func reserveResult() throws(DeconvolutionError) {
            if otherEstimate == nil { otherEstimate = try workspace.makeField() }
        }

        /// The estimate as a field, which keeps it through the next run; the run after that overwrites it.
        package func takeResult() throws(DeconvolutionError) -> W.Field {
            try reserveResult()
            guard let next = otherEstimate else { preconditionFailure("it was reserved") }
            let result = estimate
            (estimate, otherEstimate) = (next, result)
            return result
        }

        /// The estimate in a region of the domain: photons or counts per voxel, none negative.
        package func result(_ region: Region) throws(DeconvolutionError) -> [Float] {
            try workspace.download(estimate, region: region)
        }
    }

    /// Whether an iteration takes the background off the observed image instead of adding it to the projection.
    private func comparesLight(_ iteration: Int) -> Bool {
        start == .light && background > 0 && iteration <= Self.lightUpdateCount
    }

    /// Where there is less light than background, or than half the mean, its noise would decide the ratio.
    private func lightConstants(mean: Double) -> RatioConstants {
        RatioConstants(
            offset: Float(background),
            background: 0,
            readNoiseVariance: Float(readNoise * readNoise),
            floor: Float(max(min(background, (mean - background) / 2), RatioConstants.leastDivisor * mean))
        )
    }

    /// Whether an iteration measures the divergence.
    package func measures(_ iteration: Int) -> Bool {
        divergenceInterval > 0
            && (iteration == 1 || iteration == iterationCount || iteration % divergenceInterval == 0)
    }
}
