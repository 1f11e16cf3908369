import DeconvDevice
import DeconvMethods
import DeconvPlan
import DeconvVolume

/// Deconvolves volumes of one shape, in one piece or in tiles, whichever device it is.
protocol VolumeEngine: AnyObject {
    /// Bytes held on the device now.
    var byteCount: Int { get }

    /// Makes a PSF the current one, if it is not.
    /// - Parameter index: tells PSFs apart.
    func use(_ psf: Volume, index: Int) throws(DeconvolutionError)

    /// See `Workspace.setObserved`.
    func setObserved(
        reading read: (Region) throws(DeconvolutionError) -> VoxelData
    ) throws(DeconvolutionError)

    /// Makes a sensitivity the current one, if it is not; see `Workspace.setSensitivity`.
    /// - Parameters:
    ///   - key: tells sensitivities apart.
    ///   - read: is not called where the key is that of f = 1.
    func useSensitivity(
        _ key: VolumeSensitivity.Key,
        reading read: @escaping (Region) throws(DeconvolutionError) -> [Float]
    ) throws(DeconvolutionError)

    /// See `RichardsonLucy.Solver.run`.
    func run(
        mean: Double,
        measuring measured: Region,
        step: (RichardsonLucy.Step) throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError)

    /// See `RichardsonLucy.Solver.result`.
    func result(_ region: Region) throws(DeconvolutionError) -> [Float]
}

/// The engine of one kind of workspace.
private final class WorkspaceEngine<W: Workspace>: VolumeEngine {
    private let workspace: W
    private let solver: RichardsonLucy.Solver<W>
    private var currentPSF: Int?
    private var currentSensitivity: VolumeSensitivity.Key? = .uniform

    init(_ workspace: W, _ method: RichardsonLucy) throws(DeconvolutionError) {
        self.workspace = workspace
        solver = try RichardsonLucy.Solver(method, on: workspace)
    }

    var byteCount: Int { workspace.byteCount }

    func use(_ psf: Volume, index: Int) throws(DeconvolutionError) {
        guard currentPSF != index else { return }
        currentPSF = nil
        try solver.setPSF(psf)
        currentPSF = index
    }

    func setObserved(
        reading read: (Region) throws(DeconvolutionError) -> VoxelData
    ) throws(DeconvolutionError) {
        try workspace.setObserved(reading: read)
    }

    func useSensitivity(
        _ key: VolumeSensitivity.Key,
        reading read: @escaping (Region) throws(DeconvolutionError) -> [Float]
    ) throws(DeconvolutionError) {
        guard currentSensitivity != key else { return }
        currentSensitivity = nil
        if key == .uniform {
            try solver.setSensitivity(reading: nil)
        } else {
            try solver.setSensitivity(reading: read)
        }
        currentSensitivity = key
    }

    func run(
        mean: Double,
        measuring measured: Region,
        step: (RichardsonLucy.Step) throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) {
        try solver.run(mean: mean, measuring: measured, step: step)
    }

    func result(_ region: Region) throws(DeconvolutionError) -> [Float] { try solver.result(region) }
}

extension JobPlan {
    /// An engine for the volumes of this plan.
    /// - Parameter scratchFolder: where the fields of the whole volume go if the plan has no room for them in memory.
    func makeEngine(
        _ method: RichardsonLucy,
        scratchFolder: String,
        cancellation: Cancellation
    ) throws(DeconvolutionError) -> any VolumeEngine {
        func engine(_ workspace: some Workspace) throws(DeconvolutionError) -> any VolumeEngine {
            try WorkspaceEngine(workspace, method)
        }
        let whole = WorkspaceLayout(tiles.whole, pixelType: image.pixelType)
        guard let tile = tiles.tile else { return try engine(try backend.makeWorkspace(whole)) }
        func streamed(_ projector: some Workspace) throws(DeconvolutionError) -> any VolumeEngine {
            try engine(
                try StreamedWorkspace(
                    whole,
                    tile: projector,
                    scratchFolder: usesScratchFiles ? scratchFolder : nil,
                    threadCount: hostThreadCount
                ) { () throws(DeconvolutionError) in try cancellation.check() }
            )
        }
        return try streamed(try backend.makeWorkspace(WorkspaceLayout(tile, pixelType: .float32)))
    }
}
