import DeconvVolume

/// How much light of some planes lies within which distance from the axis.
struct LightSurvey {
    private let step: Double
    /// 2π ∫ I r dr up to each radius, summed over the planes, µm².
    private let sums: [Double]
    /// All light of the planes, µm².
    let total: Double

    /// Looks at planes from the axis to where hardly any light is left, and at least as far as `reach`, µm.
    ///
    /// Four radii for the finest detail, because a sum over all light needs no more. Of many planes it takes some.
    init(_ microscope: Microscope, stages: [Double], focus: Double, reach: Double) throws(DeconvolutionError) {
        let (aperture, index) = (microscope.numericalAperture, microscope.immersionIndex)
        let farthest = stages.reduce(0) { max($0, abs($1 - focus)) }
        let cone = farthest * aperture / (index * index - aperture * aperture).squareRoot()
        let radius = max(reach, cone + 20 * microscope.wavelengths.max()! / aperture)
        let stride = (stages.count + 31) / 32
        let chosen = Swift.stride(from: 0, to: stages.count, by: stride).map { stages[$0] }
        let range = stages.min()!...stages.max()!
        try microscope.checkWork(radius: radius, stages: range, stageCount: Double(chosen.count))
        let step = microscope.radialStep * 6
        let field = LightField(microscope, radius: radius, stages: range, step: step)
        var profile = [Double](repeating: 0, count: field.count)
        var planes = 0.0
        for stage in chosen {
            let sheet = field.sheet(at: stage - focus)
            planes += sheet
            for (i, value) in field.profile(stage: stage).enumerated() { profile[i] += sheet * value }
        }
        let scale = Double(stages.count) / Double(chosen.count)
        var sum = 0.0
        self.step = step
        sums = profile.enumerated().map { i, value in
            // The twelfth is what the trapezoids miss on the axis (Euler and Maclaurin).
            sum += scale * 2 * .pi * value * (i == 0 ? 1.0 / 12 : Double(i)) * step * step
            return sum
        }
        total = field.planeLight.map { $0 * planes * scale } ?? sum
    }

    /// The distance within which a share of the light lies; nil where it lies beyond what was looked at.
    func radius(holding share: Double) -> Double? {
        sums.firstIndex { $0 >= share * total }.map { Double($0) * step }
    }
}
