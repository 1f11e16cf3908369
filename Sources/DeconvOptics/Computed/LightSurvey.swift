import DeconvVolume
import Glibc

/// How much light of some planes lies within which distance from the axis.
struct LightSurvey {
    /// A plane, or several that one stands for.
    struct Plane {
        /// Position of the objective, µm.
        let stage: Double
        /// How many planes it stands for.
        let count: Double
    }

    private let step: Double
    /// 2π ∫ I r dr up to each radius, summed over the planes, µm².
    private let sums: [Double]
    /// All light of the planes, µm².
    let total: Double

    /// Looks at planes from the axis to where hardly any light is left, and at least as far as `reach`, µm.
    ///
    /// Four radii for the finest detail, because a sum over all light needs no more.
    /// - Throws: `invalidArgument` where that takes minutes.
    init(_ microscope: Microscope, planes: [Plane], focus: Double, reach: Double) throws(DeconvolutionError) {
        let (aperture, index) = (microscope.numericalAperture, microscope.immersionIndex)
        let stages = planes.map(\.stage)
        let range = stages.min()!...stages.max()!
        let farthest = max(range.upperBound - focus, focus - range.lowerBound)
        let cone = farthest * aperture / (index * index - aperture * aperture).squareRoot()
        let radius = max(reach, cone + 20 * microscope.wavelengths.max()! / aperture)
        try microscope.checkWork(radius: radius, stages: range, stageCount: Double(planes.count))
        let step = microscope.radialStep * 6
        let field = LightField(microscope, radius: radius, stages: range, step: step)
        var profile = [Double](repeating: 0, count: field.count)
        var count = 0.0
        let light = concurrentMap(count: planes.count) { field.profile(stage: planes[$0].stage) }
        for (plane, light) in zip(planes, light) {
            let factor = plane.count * field.sheet(at: plane.stage - focus)
            count += factor
            for i in profile.indices { profile[i] += factor * light[i] }
        }
        var sum = 0.0
        self.step = step
        sums = profile.enumerated().map { i, value in
            // The twelfth is what the trapezoids miss on the axis (Euler and Maclaurin).
            sum += 2 * .pi * value * (i == 0 ? 1.0 / 12 : Double(i)) * step * step
            return sum
        }
        total = field.planeLight.map { $0 * count } ?? sum
    }

    /// The distance within which a share of the light lies, µm; nil where it lies beyond what was looked at.
    func radius(holding share: Double) -> Double? {
        sums.firstIndex { $0 >= share * total }.map { Double($0) * step }
    }
}

extension LightSurvey {
    /// Planes of a box: all, or of many every second, third and so on.
    static func planes(_ stages: [Double]) -> [Plane] {
        let step = (stages.count + 127) / 128
        let chosen = stride(from: 0, to: stages.count, by: step).map { stages[$0] }
        return chosen.map { Plane(stage: $0, count: Double(stages.count) / Double(chosen.count)) }
    }

    /// Planes that stand for all beyond a box, where the light of a plane falls with the square of the distance at last.
    ///
    /// Trapezoids in the logarithm of the distance, and the integral of the square to infinity behind the last.
    /// - Parameters:
    ///   - edges: where the box ends before and behind the focus, µm from it, at least 0.
    ///   - spacing: distance between planes, µm.
    ///   - depthOfFocus: λ/(n − √(n² − NA²)), µm.
    static func planes(beyond edges: [Double], focus: Double, spacing: Double, depthOfFocus: Double) -> [Plane] {
        zip([-1.0, 1], edges).flatMap { side, edge in
            let (first, ratio) = (max(edge, depthOfFocus / 10), 1.25)
            let last = max(10 * depthOfFocus, 4 * edge)
            let count = Int((log(last / first) / log(ratio)).rounded(.up))
            return (0...count).map { i in
                let distance = first * pow(ratio, Double(i))
                var width = distance * log(ratio) * (i == 0 || i == count ? 0.5 : 1)
                if i == 0 { width += first - edge }
                if i == count { width += distance }
                return Plane(stage: focus + side * distance, count: width / spacing)
            }
        }
    }
}
