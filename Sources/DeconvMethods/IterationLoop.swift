package import DeconvDevice
package import DeconvOptions
package import DeconvVolume

/// The loop that iterative methods share: which iterations measure the divergence, and what is told of each.
package struct IterationLoop: Hashable, Sendable {
    /// Number of updates, at least 1.
    package var count: Int
    /// The Poisson divergence is measured every so many iterations, and at the first and last; 0 for never.
    package let divergenceInterval: Int

    /// A loop.
    package init(count: Int, divergenceInterval: Int = 0) {
        precondition(count >= 1 && divergenceInterval >= 0)
        self.count = count
        self.divergenceInterval = divergenceInterval
    }

    /// Whether an iteration measures the divergence.
    package func measures(_ iteration: Int) -> Bool {
        divergenceInterval > 0 && (iteration == 1 || iteration == count || iteration % divergenceInterval == 0)
    }

    /// Runs the iterations, and tells of each while the device computes the next.
    /// - Parameters:
    ///   - measured: the voxels over which the divergence is summed.
    ///   - step: called after every iteration; what it throws ends the loop.
    ///   - goesOn: asked after every iteration whether another one may follow.
    ///   - update: does one iteration on a workspace. It gets its number, the voxels over which it is to measure the
    ///     divergence or nil, and whether another one follows, and gives the divergence that it measured.
    package func run(
        on workspace: some Workspace,
        measuring measured: Region,
        step: (SolverStep) throws(DeconvolutionError) -> Void,
        while goesOn: () -> Bool = { true },
        update: (_ iteration: Int, _ measured: Region?, _ isFollowed: Bool) throws(DeconvolutionError) -> Double?
    ) throws(DeconvolutionError) {
        var pending: (step: SolverStep, mark: any WorkMark)?
        func tellPending() throws(DeconvolutionError) {
            guard let (done, mark) = pending else { return }
            pending = nil
            try mark.wait()
            var told = done
            told.deviceTime = mark.deviceTime
            try step(told)
        }
        for iteration in 1...count {
            let divergence = try update(iteration, measures(iteration) ? measured : nil, iteration < count)
            let mark = try workspace.mark()
            // The device computes what was just given while this waits for what was given before.
            try tellPending()
            pending = (SolverStep(iteration: iteration, poissonDivergence: divergence), mark)
            if !workspace.worksAhead { try tellPending() }
            if !goesOn() { break }
        }
        try tellPending()
    }
}

extension StartingEstimate {
    /// No voxel begins lower than this part of the mean light where an update multiplies, for 0 would stay 0.
    static let least = 1e-3

    /// Sets an estimate to where it starts.
    /// - Parameters:
    ///   - background: b, in the units of the image.
    ///   - light: mean of g − b over the recorded voxels, above 0.
    func set<W: Workspace>(
        _ estimate: W.Field,
        on workspace: W,
        background: Double,
        light: Double
    ) throws(DeconvolutionError) {
        switch self {
        case .light, .flat:
            try workspace.fill(estimate, with: Float(light))
        case .observed:
            try workspace.fillFromObserved(
                estimate,
                offset: Float(background),
                least: Float(Self.least * light),
                outside: Float(light)
            )
        }
    }
}
