import DeconvDevice
import DeconvVolume

/// W = 1 / (H'f) where H'f > 0.01·max, else 0, in one workspace (Bertero and Boccacci 2005, Astron. Astrophys. 437:369, eq. 18): what a
/// projection back is multiplied by. Where nothing is estimated outside the frame, f counts as 1 there.
final class Normalization<W: Workspace> {
    /// Voxels whose light the frame hardly records are left out of the estimate (same reference).
    private static var threshold: Float { 0.01 }

    private let workspace: W
    /// Room for W, made when it first differs from 1 and kept, for volumes may have it in turns.
    private var room: W.Field?
    private var hasSensitivity = false

    /// Whether PSF or sensitivity changed since W was made.
    private(set) var isStale = true
    /// W; nil for 1.
    private(set) var field: W.Field?

    init(on workspace: W) { self.workspace = workspace }

    /// Whether W differs from 1.
    var isNeeded: Bool { hasSensitivity || !isComplemented }

    /// Whether H'f is made as 1 − H'(1 − f), with f = 1 beyond the frame; the sum of every PSF is 1.
    var isComplemented: Bool { workspace.layout.frame == workspace.layout.domain }

    /// The PSF is another one.
    func changed() { isStale = true }

    /// Sets f on the frame; see `Workspace.setSensitivity`.
    func setSensitivity(
        reading read: ((Region) throws(DeconvolutionError) -> [Float])?
    ) throws(DeconvolutionError) {
        try workspace.setSensitivity(reading: read)
        hasSensitivity = read != nil
        isStale = true
    }

    /// Leaves H'f in the work volume, or H'(1 − f) where that is made.
    func spreadSensitivity(by blur: BlurProjection<W>) throws(DeconvolutionError) {
        try workspace.fillWorkWithSensitivity(complemented: isComplemented)
        try blur.backProject()
    }

    /// Makes W for the PSF and the sensitivity that there are.
    func make(by blur: BlurProjection<W>) throws(DeconvolutionError) {
        field = nil
        if isNeeded {
            let made: W.Field
            if let room { made = room } else { made = try workspace.makeField() }
            room = made
            try spreadSensitivity(by: blur)
            try workspace.storeNormalization(in: made, threshold: Self.threshold, complemented: isComplemented)
            field = made
        }
        isStale = false
    }
}
