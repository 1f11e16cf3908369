package import DeconvVolume
import Glibc

extension Microscope {
    /// Over which part of a voxel the intensity is averaged.
    package enum Averaging: Sendable {
        /// The whole: what a voxel of light does.
        case voxel
        /// Its square across the axis: what a camera's pixel sees.
        case pixel
        /// Nothing but its middle.
        case none
    }

    /// The PSF on a grid.
    ///
    /// - Parameters:
    ///   - shape: voxels, (z, y, x); nil for a box that has all planes whose axis is brighter than 0.1 % of the brightest
    ///     voxel (1 % for a widefield microscope), and is so wide that 99 % of the light of these planes lies in it, but
    ///     no larger than 201x401x401.
    ///   - spacing: size of a voxel, µm.
    ///   - limit: how large the box may be where `shape` is nil, for example as large as the image.
    ///   - averaging: over what a voxel is averaged.
    ///   - middle: position of the objective for plane n/2, µm, as `focalShift` plus `depth`; nil for where the point is
    ///     sharpest. A comparison with other programs needs it.
    /// - Throws: `invalidArgument` for figures that no microscope can have.
    package func pointSpreadFunction(
        shape: VolumeShape?,
        spacing: VoxelSpacing,
        limit: VolumeShape? = nil,
        averaging: Averaging = .voxel,
        middle: Double? = nil
    ) throws(DeconvolutionError) -> ComputedPSF {
        try validate()
        try ComputedGrid.check(shape: shape ?? VolumeShape(z: 1, y: 1, x: 1), spacing: spacing)
        let focus = try focus()
        let box = if let shape { PSFBox(shape: shape) } else { try box(spacing: spacing, focus: focus, limit: limit) }
        let (shape, center) = (box.shape, box.shape.centerVoxel)
        let nodes = nodeCounts(spacing, averaging)
        @Sendable func stage(_ plane: Int, _ offset: Double) -> Double {
            (middle ?? focus) + (Double(plane - center.z) + offset) * spacing.z
        }
        let stages = stage(0, -0.5)...stage(shape.z - 1, 0.5)
        let reach = PlaneSampler.reach(shape, spacing)
        try checkWork(radius: reach, stages: stages, stageCount: Double(shape.z) * Double(nodes.z))
        let samples = Double(shape.planeVoxelCount / 4) * Double(nodes.y) * Double(nodes.x)
        guard samples < 2e8 else { throw tooMuchWork }
        let depths = GaussLegendre(count: nodes.z, from: -0.5, to: 0.5)
        let field = LightField(self, radius: reach, stages: stages, step: radialStep)
        let sampler = PlaneSampler(shape: shape, spacing: spacing, nodes: (nodes.y, nodes.x), step: field.step)
        // How brightly a light sheet lights each sample of a plane.
        @Sendable func factor(_ plane: Int, _ node: Int) -> Double {
            depths.weights[node] * field.sheet(at: stage(plane, depths.nodes[node]) - focus)
        }
        let voxels = concurrentMap(count: shape.z) { plane in
            var profile = [Double](repeating: 0, count: field.count)
            for node in depths.nodes.indices {
                let factor = factor(plane, node)
                let light = field.profile(stage: stage(plane, depths.nodes[node]))
                for i in profile.indices { profile[i] += factor * light[i] }
            }
            return sampler.plane(profile)
        }
        let values = Array(voxels.joined())
        let planes = (0..<shape.z).reduce(0.0) { sum, plane in
            depths.nodes.indices.reduce(sum) { $0 + factor(plane, $1) }
        }
        let result = PSFField(shape: shape, values: values)
        let inside = result.sum * spacing.y * spacing.x
        let light = try light(
            field,
            planes: planes,
            stages: (0..<shape.z).map { stage($0, 0) },
            focus,
            spacing.z,
            reach
        )
        let brightest = values.max() ?? 0
        let ends = [values.prefix(shape.planeVoxelCount), values.suffix(shape.planeVoxelCount)]
        return ComputedPSF(
            psf: try ComputedGrid.normalized(result, spacing: spacing),
            shareCutOff: min(1, max(0, 1 - inside / light)),
            endBrightness: ends.map { ($0.max() ?? 0) / brightest },
            focalShift: ((focus - depth) * 1e4).rounded() / 1e4 + 0,
            nyquistSpacing: nyquistSpacing,
            isLimited: box.isLimited
        )
    }

    /// The light that counts as whole, in units of intensity times µm²: that of the planes where each has the same, else that
    /// of the planes and of all beyond.
    private func light(
        _ field: LightField,
        planes: Double,
        stages: [Double],
        _ focus: Double,
        _ spacing: Double,
        _ reach: Double
    ) throws(DeconvolutionError) -> Double {
        if let planeLight = field.planeLight {
            // The integral of the sheet's Gaussian is √(π / (4 ln 2)) times its width at half maximum.
            let all = sheetThickness.map { $0 * (Double.pi / (4 * M_LN2)).squareRoot() / spacing }
            return planeLight * (all ?? planes)
        }
        let inside = try LightSurvey(self, planes: LightSurvey.planes(stages), focus: focus, reach: reach)
        let beyond = LightSurvey.planes(
            beyond: [focus - stages.first!, stages.last! - focus].map { max(0, $0 + spacing / 2) },
            focus: focus,
            spacing: spacing,
            depthOfFocus: depthOfFocus
        )
        // The farther away a plane, the wider its light: those of about one distance share a field that is as wide as they need.
        let groups = Dictionary(grouping: beyond) { plane in
            Int(log2(max(abs(plane.stage - focus) / depthOfFocus, 1)))
        }
        var sum = inside.total
        for distance in groups.keys.sorted() {
            sum += try LightSurvey(self, planes: groups[distance] ?? [], focus: focus, reach: 0).total
        }
        return sum
    }

    /// Samples a voxel along each axis: somewhat more than half the phase, in radians, of the finest detail that passes.
    private func nodeCounts(_ spacing: VoxelSpacing, _ averaging: Averaging) -> (z: Int, y: Int, x: Int) {
        let finest = nyquistSpacing
        func count(_ axis: Int) -> Int {
            Int(min(1e6, (.pi / 2 * spacing[axis] / finest[axis] + 0.5).rounded(.up))) + 1
        }
        return switch averaging {
        case .voxel: (count(0), count(1), count(2))
        case .pixel: (1, count(1), count(2))
        case .none: (1, 1, 1)
        }
    }
}
