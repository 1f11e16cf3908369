import DeconvDevice
import DeconvMethods
import DeconvPlan
import DeconvVolume

/// Deconvolves volumes of one shape, in one piece or in tiles, whichever device it is.
protocol VolumeEngine: AnyObject {
    /// Bytes held on the device now.
    var byteCount: Int { get }

    /// Bytes of host memory held now that `HostSystem.peakResidentBytes` does not see.
    var uncountedHostByteCount: Int { get }

    /// What transforms.
    var fft: FFTLibrary { get }

    /// What a person should know of how it was set up.
    var warnings: [Diagnostic] { get }

    /// Makes the blurs of the views the current ones, if they are not.
    /// - Parameters:
    ///   - blurs: one a view, with their weights in the coordinates of the domain.
    ///   - ids: what tells their PSFs apart from others of the same places.
    func use(_ blurs: [Blur], ids: [Int]) throws(DeconvolutionError)

    /// Begins the run of another job, whose sensitivities are others.
    func beginJob()

    /// See `Workspace.setObserved` and `Workspace.useView`.
    func setObserved(
        ofView number: Int,
        reading read: (Region) throws(DeconvolutionError) -> VoxelData
    ) throws(DeconvolutionError)

    /// Makes a sensitivity the current one, if it is not; see `Workspace.setSensitivity`.
    /// - Parameters:
    ///   - key: tells sensitivities apart.
    ///   - number: of the view, whose blur is the current one.
    ///   - read: is not called where the key is that of f = 1.
    func useSensitivity(
        _ key: VolumeSensitivity.Key,
        ofView number: Int,
        reading read: @escaping (Region) throws(DeconvolutionError) -> [Float]
    ) throws(DeconvolutionError)

    /// See `Solver.run`, `Solver.background`, `Solver.secondView`, `Solver.tuning` and `Solver.watch`.
    /// - Parameter views: the light of one view or two.
    func run(
        _ views: [ViewLight],
        tuning: MethodTuning?,
        measuring measured: Region,
        watch: SolverWatch?,
        step: (SolverStep) throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError)

    /// The volume computed last, until the next one is.
    var result: any VolumeResult { get }

    /// Room for volumes to come and results to go while others are computed; nil where there is none.
    /// - Parameter shape: of the results.
    func makeTraffic(for shape: VolumeShape) throws(DeconvolutionError) -> (any VolumeTraffic)?
}

/// A result where it was computed.
protocol VolumeResult: Sendable {
    /// Gives the planes of a region to `plane`, in their order.
    /// - Parameters:
    ///   - region: in the coordinates of the whole volume.
    ///   - plane: gets the voxels of a plane, valid for the call.
    func read(
        _ region: Region,
        plane: (UnsafeBufferPointer<Float>) throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError)
}

/// Volumes that come to an engine, and results that go, while it computes.
protocol VolumeTraffic: Sendable {
    /// See `VolumeTransfer.stageObserved`; for the thread that reads.
    func stageObserved(
        reading read: (Region) throws(DeconvolutionError) -> VoxelData
    ) throws(DeconvolutionError)

    /// See `Workspace.swapObserved`; for the thread that computes.
    func swapObserved() throws(DeconvolutionError)

    /// The volume computed last, for the thread that writes; it stays as it is while the next volume is computed, but not
    /// the one after that. For the thread that computes.
    func takeResult() throws(DeconvolutionError) -> any VolumeResult
}

/// The engine of one kind of workspace.
private final class WorkspaceEngine<W: Workspace>: VolumeEngine {
    private let workspace: W
    private let solver: any Solver<W>
    private var currentPSFs: [Int]?
    /// One a view.
    private var currentSensitivities: [VolumeSensitivity.Key?] = [.uniform, .uniform]
    private weak var transfer: W.Transfer?

    init(_ workspace: W, _ method: any DeconvolutionMethod) throws(DeconvolutionError) {
        self.workspace = workspace
        solver = try method.makeSolver(on: workspace)
    }

    var byteCount: Int { workspace.byteCount + (transfer?.byteCount ?? 0) }

    var uncountedHostByteCount: Int { transfer?.uncountedHostByteCount ?? 0 }

    var fft: FFTLibrary { workspace.fft }

    var warnings: [Diagnostic] { workspace.warnings }

    func use(_ blurs: [Blur], ids: [Int]) throws(DeconvolutionError) {
        guard currentPSFs != ids else { return }
        currentPSFs = nil
        try solver.setBlurs(blurs)
        currentPSFs = ids
    }

    func beginJob() { currentSensitivities = currentSensitivities.map { $0 == .uniform ? $0 : nil } }

    func setObserved(
        ofView number: Int,
        reading read: (Region) throws(DeconvolutionError) -> VoxelData
    ) throws(DeconvolutionError) {
        workspace.useView(number)
        defer { workspace.useView(0) }
        try workspace.setObserved(reading: read)
    }

    func useSensitivity(
        _ key: VolumeSensitivity.Key,
        ofView number: Int,
        reading read: @escaping (Region) throws(DeconvolutionError) -> [Float]
    ) throws(DeconvolutionError) {
        guard currentSensitivities[number] != key else { return }
        currentSensitivities[number] = nil
        if key == .uniform {
            try solver.setSensitivity(ofView: number, reading: nil)
        } else {
            try solver.setSensitivity(ofView: number, reading: read)
        }
        currentSensitivities[number] = key
    }

    func run(
        _ views: [ViewLight],
        tuning: MethodTuning?,
        measuring measured: Region,
        watch: SolverWatch?,
        step: (SolverStep) throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) {
        solver.background = views[0].background
        solver.secondView = views.count > 1 ? views[1] : nil
        solver.tuning = tuning
        solver.watch = watch
        try solver.run(mean: views[0].mean, measuring: measured, step: step)
    }

    var result: any VolumeResult { SolvedVolume(solver: solver) }

    func makeTraffic(for shape: VolumeShape) throws(DeconvolutionError) -> (any VolumeTraffic)? {
        guard let transfer = try workspace.makeTransfer(for: shape) else { return nil }
        try solver.reserveResult()
        self.transfer = transfer
        return WorkspaceTraffic(workspace: workspace, solver: solver, transfer: transfer)
    }
}

/// The estimate of a solver, read on the thread that computes.
///
/// Unchecked for that reason.
private struct SolvedVolume<W: Workspace>: VolumeResult, @unchecked Sendable {
    let solver: any Solver<W>

    func read(
        _ region: Region,
        plane: (UnsafeBufferPointer<Float>) throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) {
        for z in region.zRange {
            let origin = VolumeIndex(z: z, y: region.origin.y, x: region.origin.x)
            let shape = VolumeShape(z: 1, y: region.shape.y, x: region.shape.x)
            try solver.result(Region(origin: origin, shape: shape))
                .withUnsafeBufferPointer { (voxels) throws(DeconvolutionError) in try plane(voxels) }
        }
    }
}

/// The traffic of one kind of workspace.
///
/// Unchecked: each function says which thread it is for.
private struct WorkspaceTraffic<W: Workspace>: VolumeTraffic, @unchecked Sendable {
    let workspace: W
    let solver: any Solver<W>
    let transfer: W.Transfer

    func stageObserved(
        reading read: (Region) throws(DeconvolutionError) -> VoxelData
    ) throws(DeconvolutionError) {
        try transfer.stageObserved(reading: read)
    }

    func swapObserved() throws(DeconvolutionError) { try workspace.swapObserved(with: transfer) }

    func takeResult() throws(DeconvolutionError) -> any VolumeResult {
        TransferredVolume(transfer: transfer, field: try solver.takeResult())
    }
}

/// A field that nobody changes until it has been read.
///
/// Unchecked for that reason.
private struct TransferredVolume<T: VolumeTransfer>: VolumeResult, @unchecked Sendable {
    let transfer: T
    let field: T.Field

    func read(
        _ region: Region,
        plane: (UnsafeBufferPointer<Float>) throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) {
        try transfer.read(region, of: field, plane: plane)
    }
}

extension JobPlan {
    /// An engine for the volumes of this plan.
    /// - Parameters:
    ///   - scratchFolder: where the fields of the whole volume go if the plan has no room for them in memory.
    ///   - check: throws when the run is to stop.
    func makeEngine(
        scratchFolder: String,
        check: @escaping @Sendable () throws(DeconvolutionError) -> Void
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
                    threadCount: hostThreadCount,
                    cancellation: check
                )
            )
        }
        return try streamed(try backend.makeWorkspace(WorkspaceLayout(tile, pixelType: .float32)))
    }
}
