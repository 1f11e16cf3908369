import DeconvDevice
import DeconvMethods
import DeconvPlan
import DeconvVolume

/// Deconvolves tiles of one shape on one device, whichever it is.
protocol TileEngine: AnyObject {
    /// Bytes held on the device now.
    var byteCount: Int { get }

    /// Makes a PSF the current one, if it is not.
    /// - Parameter index: tells PSFs apart.
    func use(_ psf: Volume, index: Int) throws(DeconvolutionError)

    /// See `RichardsonLucy.Solver.estimate`.
    func estimate(
        _ tile: Tile,
        observed: VoxelData,
        mean: Double,
        step: (RichardsonLucy.Step) throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) -> [Float]
}

/// The engine of one kind of workspace.
final class WorkspaceEngine<W: Workspace>: TileEngine {
    private let workspace: W
    private let method: RichardsonLucy
    private var solver: RichardsonLucy.Solver<W>
    private var currentPSF: Int?

    init(_ workspace: W, _ method: RichardsonLucy) throws(DeconvolutionError) {
        self.workspace = workspace
        self.method = method
        solver = try RichardsonLucy.Solver(method, on: workspace)
    }

    var byteCount: Int { workspace.byteCount }

    func use(_ psf: Volume, index: Int) throws(DeconvolutionError) {
        guard currentPSF != index else { return }
        try workspace.setPSF(psf.voxels, shape: psf.shape)
        // The normalization belongs to the PSF.
        solver.forgetNormalization()
        currentPSF = index
    }

    func estimate(
        _ tile: Tile,
        observed: VoxelData,
        mean: Double,
        step: (RichardsonLucy.Step) throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) -> [Float] {
        try solver.estimate(tile, observed: observed, mean: mean, step: step)
    }
}

/// An engine for all tiles of a plan.
func makeTileEngine(
    _ layout: WorkspaceLayout,
    _ method: RichardsonLucy,
    on backend: any ComputeBackend
) throws(DeconvolutionError) -> any TileEngine {
    func engine<W: Workspace>(_ workspace: W) throws(DeconvolutionError) -> any TileEngine {
        try WorkspaceEngine(workspace, method)
    }
    return try engine(try backend.makeWorkspace(layout))
}
