import DeconvVolume

/// The box that a PSF is computed in.
struct PSFBox {
    /// Voxels, (z, y, x).
    var shape: VolumeShape
    /// Whether it was to be larger.
    var isLimited = false
}

extension Microscope {
    /// The largest box that is chosen: more is no help, because its light is spread as thin as a background.
    private static var largest: VolumeShape { VolumeShape(z: 201, y: 401, x: 401) }

    /// The box that has all planes that are brighter on their axis than a share of the brightest voxel, and that holds
    /// 99 % of the light of these planes.
    ///
    /// A rule for planes by their light would have no end: each plane of a widefield PSF has the same light, and that
    /// of a confocal one falls only with the square of the distance, so that 99 % take 80 planes where 13 hold 91 %.
    func box(
        spacing: VoxelSpacing,
        focus: Double,
        limit: VolumeShape?
    ) throws(DeconvolutionError) -> PSFBox {
        let limit = VolumeShape { min(Self.largest[$0], max(1, limit?[$0] ?? .max)) }
        let planes = try planes(spacing: spacing, focus: focus, limit: limit.z)
        let stages = (0..<planes.count).map { focus + Double($0 - planes.count / 2) * spacing.z }
        let largest = max(Double(limit.y) * spacing.y, Double(limit.x) * spacing.x) / 2
        let survey = try LightSurvey(self, planes: LightSurvey.planes(stages), focus: focus, reach: largest)
        let radius = survey.radius(holding: 0.99)
        func count(_ axis: Int) -> Int {
            guard let radius, radius < Double(limit[axis]) * spacing[axis] else { return limit[axis] }
            return min(limit[axis], 2 * Int((radius / spacing[axis] - 0.5).rounded(.up)) + 1)
        }
        let shape = VolumeShape(z: planes.count, y: count(1), x: count(2))
        let isNarrow = (1...2).contains { axis in (radius ?? .infinity) > Double(shape[axis]) * spacing[axis] / 2 }
        return PSFBox(shape: shape, isLimited: planes.isLimited || isNarrow)
    }

    /// How many planes are brighter on their axis than 0.1 % of the peak, and than 1 % for a widefield microscope, of which
    /// more would hold no larger a share of the light; in both directions as many.
    private func planes(
        spacing: VoxelSpacing,
        focus: Double,
        limit: Int
    ) throws(DeconvolutionError) -> (count: Int, isLimited: Bool) {
        // Steps so fine that no maximum between dark planes is missed, and so many that nothing bright lies beyond.
        let step = min(spacing.z, depthOfFocus / 4)
        let reach = min(Double(limit) * spacing.z, 200 * depthOfFocus)
        let stages = focus - reach...focus + reach
        try checkWork(radius: pinholeRadius ?? 0, stages: stages, stageCount: 2 * reach / step)
        let field = LightField(self, radius: 0, stages: stages, step: radialStep)
        @Sendable func brightness(_ offset: Double) -> Double {
            field.profile(stage: focus + offset)[0] * field.sheet(at: offset)
        }
        let threshold = brightness(0) * (kind == .widefield ? 0.01 : 0.001)
        let brightest = concurrentMap(count: Int(reach / step) + 1) { index in
            max(brightness(Double(index) * step), brightness(-Double(index) * step))
        }
        let farthest = Double(brightest.lastIndex { $0 > threshold } ?? 0) * step
        let count = 2 * Int((farthest / spacing.z).rounded(.up)) + 1
        return (min(count, limit), count > limit)
    }
}
