package import DeconvDevice
package import DeconvPlan
package import DeconvVolume

/// A method that is Richardson-Lucy with constants of its own.
package protocol RichardsonLucyVariant: DeconvolutionMethod {
    /// What it comes to.
    var method: RichardsonLucy { get }
}

extension RichardsonLucyVariant {
    package var tuningRequest: TuningRequest? { method.tuningRequest }

    package var stepCount: Int { method.stepCount }

    /// Only where every projection back is an adjoint.
    package var takesVaryingPSF: Bool { method.takesVaryingPSF }

    package var takesSecondView: Bool { method.takesSecondView }

    package func demand(_ geometry: WorkGeometry, hasSensitivity: Bool) -> MethodDemand {
        method.demand(geometry, hasSensitivity: hasSensitivity)
    }

    package func makeSolver<W: Workspace>(on workspace: W) throws(DeconvolutionError) -> any Solver<W> {
        try method.makeSolver(on: workspace)
    }
}
