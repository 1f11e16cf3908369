import DeconvMethods
package import DeconvPlan

extension MethodDemand {
    /// That of Richardson-Lucy for voxels of one sensitivity.
    package static func richardsonLucy(_ geometry: WorkGeometry) -> MethodDemand {
        richardsonLucy(hasSensitivity: false)(geometry)
    }

    /// That of Richardson-Lucy.
    package static func richardsonLucy(hasSensitivity: Bool) -> @Sendable (WorkGeometry) -> MethodDemand {
        { RichardsonLucy(iterationCount: 1).demand($0, hasSensitivity: hasSensitivity) }
    }
}
