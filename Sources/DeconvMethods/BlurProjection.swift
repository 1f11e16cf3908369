package import DeconvDevice
package import DeconvVolume

/// H and H' of a blur in one workspace, whether it is one convolution or a sum of several.
///
///     H x = Σ_i p_i ∗ (a_i x),   H' r = Σ_i a_i (p_i ⋆ r)
///
/// The sum of modes is made of the workspace's own projections, one after the other, so that H' is the adjoint of H to rounding
/// wherever it is computed. It takes two fields more.
package final class BlurProjection<W: Workspace> {
    private let workspace: W
    private var modeCount = 1
    /// Whether the PSF after the modes is the kernel of a sieve.
    private var hasSieve = false
    /// What is projected of a mode, and the sum of its projections; nil as long as no PSF varies.
    private var fields: (part: W.Field, sum: W.Field)?

    /// Projections in a workspace, which belongs to them as far as PSFs are concerned.
    package init(on workspace: W) { self.workspace = workspace }

    /// Makes the transfer functions of a blur, whose weights are in the coordinates of the domain.
    package func set(_ blur: Blur) throws(DeconvolutionError) {
        modeCount = blur.modes.count
        hasSieve = blur.sieve != nil
        try workspace.setPSFs(blur.modes.map(\.psf) + (blur.sieve.map { [$0.kernel] } ?? []))
        try workspace.setWeights(blur.modes.map(\.weights))
        if blur.varies, fields == nil { fields = (try workspace.makeField(), try workspace.makeField()) }
    }

    /// Makes the transfer functions of the views of one object, of which the first is in use.
    /// - Parameter blurs: none varies or has a sieve.
    package func set(views blurs: [Blur]) throws(DeconvolutionError) {
        precondition(blurs.allSatisfy { !$0.varies && $0.sieve == nil }, "a view has one PSF")
        (modeCount, hasSieve) = (1, false)
        try workspace.setPSFs(blurs.map { $0.modes[0].psf })
    }

    /// Has what follows concern another view: its PSF, its frame and its sensitivity.
    package func useView(_ number: Int) throws(DeconvolutionError) {
        try workspace.usePSF(number)
        workspace.useView(number)
    }

    /// Blurs a field: afterwards the work volume holds H·field on the frame.
    package func forwardProject(_ field: W.Field) throws(DeconvolutionError) {
        guard modeCount > 1, let (part, sum) = fields else { return try workspace.forwardProject(field) }
        let frame = workspace.layout.frame
        for mode in 0..<modeCount {
            try workspace.usePSF(mode)
            // The first one's weight is 1.
            if mode > 0 { try workspace.weigh(field, byMode: mode, into: part) }
            try workspace.forwardProject(mode > 0 ? part : field)
            try workspace.addWork(to: sum, in: frame, weightedByMode: nil, replacing: mode == 0)
        }
        try workspace.loadWork(from: sum, in: frame)
    }

    /// Makes the object of an estimate: k ∗ estimate on the frame, with nothing below 0, where the blur has a sieve.
    /// - Parameter spare: becomes anything.
    package func sift(_ estimate: W.Field, _ spare: @autoclosure () throws(DeconvolutionError) -> W.Field)
        throws(DeconvolutionError)
    {
        guard hasSieve else { return }
        try workspace.usePSF(modeCount)
        try workspace.forwardProject(estimate)
        try workspace.addWork(to: estimate, in: workspace.layout.frame, weightedByMode: nil, replacing: true)
        try workspace.usePSF(0)
        // Single precision leaves traces below 0, which are cut by going on from a field along no way.
        let copy = try spare()
        try workspace.extrapolate(estimate, from: copy, momentum: 0)
        try workspace.extrapolate(estimate, from: copy, momentum: 1)
    }

    /// Applies the adjoint of the blur to what the work volume holds on the frame: afterwards it holds the result on the domain.
    package func backProject() throws(DeconvolutionError) {
        guard modeCount > 1, let (part, sum) = fields else { return try workspace.backProject() }
        let (frame, domain) = (workspace.layout.frame, workspace.layout.domain)
        try workspace.addWork(to: part, in: frame, weightedByMode: nil, replacing: true)
        for mode in 0..<modeCount {
            try workspace.usePSF(mode)
            if mode > 0 { try workspace.loadWork(from: part, in: frame) }
            try workspace.backProject()
            try workspace.addWork(to: sum, in: domain, weightedByMode: mode, replacing: mode == 0)
        }
        try workspace.loadWork(from: sum, in: domain)
    }
}
