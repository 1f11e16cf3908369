package import DeconvDevice
package import DeconvPlan
package import DeconvVolume
import Glibc
import Synchronization

/// A device that breaks after a number of steps, or waits until another one has, and otherwise is a third.
package final class FailingBackend: ComputeBackend {
    private let real: any ComputeBackend
    private let left: Countdown
    private let other: FailingBackend?
    private let spoils: Bool

    /// A device that breaks.
    /// - Parameters:
    ///   - steps: iterations, of all its volumes together, after which it breaks for good.
    ///   - code: what it then throws.
    package init(_ real: any ComputeBackend, after steps: Int, _ code: DeconvolutionError.Code = .deviceFailed) {
        self.real = real
        left = Countdown(steps, code)
        other = nil
        spoils = false
    }

    /// A device that does not end its first step before another one has broken.
    package init(_ real: any ComputeBackend, waitingFor other: FailingBackend) {
        self.real = real
        left = Countdown(.max, .deviceFailed)
        self.other = other
        spoils = false
    }

    /// A device whose results have a voxel that is no number.
    package init(spoiling real: any ComputeBackend) {
        self.real = real
        left = Countdown(.max, .deviceFailed)
        other = nil
        spoils = true
    }

    package var device: DeviceDescription { real.device }
    package var freeMemory: MemoryBudget { real.freeMemory }
    package var padding: FFTPadding { real.padding }

    package func transformBytes(_ geometry: WorkGeometry) -> TransformBytes { real.transformBytes(geometry) }

    package func makeWorkspace(_ layout: WorkspaceLayout) throws(DeconvolutionError) -> any Workspace {
        func failing(_ workspace: some Workspace) -> any Workspace {
            FailingWorkspace(workspace, left, other?.left, spoils: spoils)
        }
        return failing(try real.makeWorkspace(layout))
    }

    package func measureCopyRate() throws(DeconvolutionError) -> Double { try real.measureCopyRate() }
}

private final class Countdown: Sendable {
    private let left: Mutex<Int>
    private let code: DeconvolutionError.Code

    init(_ steps: Int, _ code: DeconvolutionError.Code) {
        left = Mutex(steps)
        self.code = code
    }

    var hasEnded: Bool { left.withLock { $0 < 0 } }

    func step() throws(DeconvolutionError) {
        let isLeft = left.withLock { left in
            if left >= 0 { left -= 1 }
            return left >= 0
        }
        if !isLeft { throw DeconvolutionError(code, "the test device broke") }
    }
}

private final class FailingWorkspace<W: Workspace>: Workspace {
    typealias Field = W.Field
    typealias Transfer = W.Transfer

    private let real: W
    private let left: Countdown
    private let awaited: Countdown?

    private let spoils: Bool

    init(_ real: W, _ left: Countdown, _ awaited: Countdown?, spoils: Bool) {
        self.spoils = spoils
        self.real = real
        self.left = left
        self.awaited = awaited
    }

    var layout: WorkspaceLayout { real.layout }
    var byteCount: Int { real.byteCount }
    var fft: FFTLibrary { real.fft }
    var warnings: [Diagnostic] { real.warnings }

    func synchronize() throws(DeconvolutionError) {
        while let awaited, !awaited.hasEnded { usleep(1000) }
        try left.step()
        try real.synchronize()
    }

    func setPSF(_ voxels: [Float], shape: VolumeShape) throws(DeconvolutionError) {
        try real.setPSF(voxels, shape: shape)
    }

    func makeField() throws(DeconvolutionError) -> Field { try real.makeField() }

    func upload(_ voxels: [Float], to field: Field) throws(DeconvolutionError) { try real.upload(voxels, to: field) }

    func forwardProject(_ field: Field) throws(DeconvolutionError) { try real.forwardProject(field) }

    func backProject(_ field: Field) throws(DeconvolutionError) { try real.backProject(field) }

    func downloadWork(_ region: Region) throws(DeconvolutionError) -> [Float] { try real.downloadWork(region) }

    func setObserved(
        reading read: (Region) throws(DeconvolutionError) -> VoxelData
    ) throws(DeconvolutionError) { try real.setObserved(reading: read) }

    func makeTransfer(for shape: VolumeShape) throws(DeconvolutionError) -> Transfer? {
        try real.makeTransfer(for: shape)
    }

    func swapObserved(with transfer: Transfer) throws(DeconvolutionError) { try real.swapObserved(with: transfer) }

    func setSensitivity(
        reading read: ((Region) throws(DeconvolutionError) -> [Float])?
    ) throws(DeconvolutionError) { try real.setSensitivity(reading: read) }

    func fill(_ field: Field, with value: Float) throws(DeconvolutionError) { try real.fill(field, with: value) }

    func download(_ field: Field, region: Region) throws(DeconvolutionError) -> [Float] {
        var voxels = try real.download(field, region: region)
        if spoils { voxels[voxels.count / 2] = .nan }
        return voxels
    }

    func takeRatio(_ constants: RatioConstants, measuring measured: Region?) throws(DeconvolutionError) -> Double? {
        try real.takeRatio(constants, measuring: measured)
    }

    func fillFromObserved(
        _ field: Field,
        offset: Float,
        least: Float,
        outside: Float
    ) throws(DeconvolutionError) { try real.fillFromObserved(field, offset: offset, least: least, outside: outside) }

    func fillWorkWithSensitivity(complemented: Bool) throws(DeconvolutionError) {
        try real.fillWorkWithSensitivity(complemented: complemented)
    }

    func backProject() throws(DeconvolutionError) { try real.backProject() }

    func storeNormalization(in field: Field, threshold: Float, complemented: Bool) throws(DeconvolutionError) {
        try real.storeNormalization(in: field, threshold: threshold, complemented: complemented)
    }

    func multiply(
        _ estimate: Field,
        byWorkAnd normalization: Field?,
        least: Float,
        projectingNext: Bool
    ) throws(DeconvolutionError) {
        try real.multiply(estimate, byWorkAnd: normalization, least: least, projectingNext: projectingNext)
    }

    func runTransforms() throws(DeconvolutionError) { try real.runTransforms() }
}
