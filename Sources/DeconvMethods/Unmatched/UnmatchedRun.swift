import DeconvDevice
import DeconvOptions
import DeconvVolume

/// What no step takes a voxel below, times what it is.
private let leastFactor: Float = 0.01

extension RichardsonLucySolver {
    /// Computes the observed frame with some steps.
    ///
    ///     x ← W H'( f (g − b) ),   x ← x · max(1 + B( f (g − y) / y ), 0.01),   y = s f H x + b,   B instead of H'
    ///
    /// with s = Σ(g − b) / Σ f H x where the light is kept, which the estimate is then taken times.
    func run(
        _ steps: UnmatchedSteps,
        mean: Double,
        measuring measured: Region,
        step: (SolverStep) throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) {
        try useProjector(steps.projector)
        try prepare()
        let field = estimate.field
        let light = mean - background
        let total = try start(light: light, mean: mean)
        let divisor = divisor(light: light)
        let modeled = modeledConstants(mean: mean)
        var loop = loop
        if let tuning { loop.count = tuning.stepCount }
        // One step alone is the first step of Richardson-Lucy and one more.
        let unmatchedCount = max(loop.count - steps.matchedCount, 0)
        try loop.run(on: workspace, measuring: measured, step: step) {
            (iteration, counted, isFollowed) throws(DeconvolutionError) in
            try workspace.forwardProject(field)
            guard iteration <= unmatchedCount else {
                let divergence = try workspace.takeRatio(modeled, measuring: counted)
                try workspace.backProject()
                let weight = try weight(divisor, normalization: currentNormalization)
                try workspace.multiply(field, byWorkAnd: weight, least: 0, projectingNext: isFollowed)
                return divergence
            }
            var scale = 1.0
            if steps.matchedCount > 0, iteration > 1 {
                let expected = try workspace.sumProjection()
                if expected > 0, total > 0 { scale = total / expected }
            }
            let divergence = try workspace.takeDifference(
                DifferenceConstants(
                    background: modeled.background,
                    floor: modeled.floor,
                    scale: Float(scale),
                    relativeTo: modeled.readNoiseVariance
                ),
                measuring: counted
            )
            try workspace.usePSF(1)
            try workspace.backProject()
            try workspace.usePSF(0)
            let weight = try weight(divisor, normalization: nil)
            try workspace.multiply(
                field,
                byOnePlusWorkTimes: weight,
                least: leastFactor,
                scale: Float(scale),
                projectingNext: isFollowed
            )
            return divergence
        }
    }

    /// Sets the estimate to the first step of Richardson-Lucy from a flat one, of the light without its background.
    /// - Returns: Σ(g − b) over the frame where f > 0.
    private func start(light: Double, mean: Double) throws(DeconvolutionError) -> Double {
        let (field, frame) = (estimate.field, workspace.layout.frame)
        let background = Float(background)
        try workspace.fillFromObserved(
            field,
            offset: background,
            least: -.greatestFiniteMagnitude,
            outside: 0
        )
        try workspace.loadWork(from: field, in: frame)
        let total = try workspace.sumProjection()
        try workspace.fill(field, with: 0)
        try workspace.loadWork(from: field, in: frame)
        let floor = RatioConstants.leastDivisor * mean
        _ = try workspace.takeDifference(
            DifferenceConstants(background: background, floor: Float(floor)),
            measuring: nil
        )
        try workspace.fill(field, with: 1)
        try workspace.backProject()
        try workspace.multiply(
            field,
            byWorkAnd: currentNormalization,
            least: Float(StartingEstimate.least * light),
            projectingNext: true
        )
        return total
    }
}
