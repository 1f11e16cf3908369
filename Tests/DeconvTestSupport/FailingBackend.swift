package import DeconvDevice
package import DeconvPlan
package import DeconvVolume
import Glibc
import Synchronization

/// A device that breaks after a number of steps, or waits until another one has, or has less memory than it says, and otherwise is
/// a third.
package final class FailingBackend: ComputeBackend {
    private let real: any ComputeBackend
    private let left: Countdown
    private let other: FailingBackend?
    private let spoils: Bool
    private let memory: (said: Int, held: Int)?
    private let failsWhenMade: Bool
    private let renewals = Mutex(0)

    /// How often it was opened anew.
    package var renewalCount: Int { renewals.withLock { $0 } }

    /// A device that breaks.
    /// - Parameters:
    ///   - steps: iterations, of all its volumes together, after which it breaks for good.
    ///   - code: what it then throws.
    package init(_ real: any ComputeBackend, after steps: Int, _ code: DeconvolutionError.Code = .deviceFailed) {
        self.real = real
        left = Countdown(steps, DeconvolutionError(code, "the test device broke"))
        other = nil
        spoils = false
        memory = nil
        failsWhenMade = false
    }

    /// A device that fails at some of its steps and works on.
    /// - Parameters:
    ///   - steps: iterations, of all its volumes together, before the first failure.
    ///   - error: what it then throws.
    ///   - times: how many steps fail.
    ///   - whenMade: whether workspaces that are made count instead of iterations.
    package init(
        _ real: any ComputeBackend,
        after steps: Int,
        failing error: DeconvolutionError,
        times: Int,
        whenMade: Bool = false
    ) {
        self.real = real
        failsWhenMade = whenMade
        left = Countdown(steps, error, times: times)
        other = nil
        spoils = false
        memory = nil
    }

    /// A device of which others have taken nearly all memory.
    /// - Parameters:
    ///   - said: bytes that it says are free.
    ///   - held: bytes of the largest work volume that it has room for.
    package init(_ real: any ComputeBackend, saying said: Int, holding held: Int) {
        self.real = real
        left = Countdown(.max, DeconvolutionError(.deviceFailed, "the test device broke"))
        other = nil
        spoils = false
        memory = (said, held)
        failsWhenMade = false
    }

    /// A device that does not end its first step before another one has broken.
    package init(_ real: any ComputeBackend, waitingFor other: FailingBackend) {
        self.real = real
        left = Countdown(.max, DeconvolutionError(.deviceFailed, "the test device broke"))
        self.other = other
        spoils = false
        memory = nil
        failsWhenMade = false
    }

    /// A device whose results have a voxel that is no number.
    package init(spoiling real: any ComputeBackend) {
        self.real = real
        left = Countdown(.max, DeconvolutionError(.deviceFailed, "the test device broke"))
        other = nil
        spoils = true
        memory = nil
        failsWhenMade = false
    }

    package var device: DeviceDescription { real.device }
    package var freeMemory: MemoryBudget { memory.map { MemoryBudget(totalBytes: $0.said) } ?? real.freeMemory }
    package var padding: FFTPadding { real.padding }

    package func transformBytes(_ geometry: WorkGeometry) -> TransformBytes { real.transformBytes(geometry) }

    package func renewed() throws(DeconvolutionError) -> Self {
        renewals.withLock { $0 += 1 }
        return self
    }

    package func makeWorkspace(_ layout: WorkspaceLayout) throws(DeconvolutionError) -> any Workspace {
        if let memory, layout.spectrumCount * 8 > memory.held {
            throw DeconvolutionError(.outOfMemory, "the test device has no memory for \(layout.workShape)")
        }
        if failsWhenMade { try left.step() }
        func failing(_ workspace: some Workspace) -> any Workspace {
            FailingWorkspace(
                workspace,
                failsWhenMade ? Countdown(.max, DeconvolutionError(.deviceFailed, "the test device broke")) : left,
                other?.left,
                spoils: spoils
            )
        }
        return failing(try real.makeWorkspace(layout))
    }

    package func measureCopyRate() throws(DeconvolutionError) -> Double { try real.measureCopyRate() }
}

private final class Countdown: Sendable {
    private let left: Mutex<Int>
    private let error: DeconvolutionError
    private let times: Int

    init(_ steps: Int, _ error: DeconvolutionError, times: Int = .max) {
        left = Mutex(steps)
        self.error = error
        self.times = times
    }

    var hasEnded: Bool { left.withLock { $0 < 0 } }

    func step() throws(DeconvolutionError) {
        let fails = left.withLock { left in
            if left >= (times == .max ? 0 : -times) { left -= 1 }
            return left < 0 && left >= -times
        }
        if fails { throw error }
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

    func setPSFs(_ psfs: [Volume]) throws(DeconvolutionError) { try real.setPSFs(psfs) }

    func usePSF(_ number: Int) throws(DeconvolutionError) { try real.usePSF(number) }

    func setWeights(_ weights: [WeightGrid?]) throws(DeconvolutionError) { try real.setWeights(weights) }

    func weigh(_ field: Field, byMode mode: Int, into target: Field) throws(DeconvolutionError) {
        try real.weigh(field, byMode: mode, into: target)
    }

    func addWork(
        to sum: Field,
        in region: Region,
        weightedByMode mode: Int?,
        replacing: Bool
    ) throws(DeconvolutionError) {
        try real.addWork(to: sum, in: region, weightedByMode: mode, replacing: replacing)
    }

    func loadWork(from field: Field, in region: Region) throws(DeconvolutionError) {
        try real.loadWork(from: field, in: region)
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

    func takeDifference(
        _ constants: DifferenceConstants,
        measuring measured: Region?
    ) throws(DeconvolutionError) -> Double? {
        try real.takeDifference(constants, measuring: measured)
    }

    func add(to estimate: Field, factor: Float, projectingNext: Bool) throws(DeconvolutionError) {
        try real.add(to: estimate, factor: factor, projectingNext: projectingNext)
    }

    func invertTransferFunction(_ filter: InverseFilter, probing field: Field) throws(DeconvolutionError) {
        try real.invertTransferFunction(filter, probing: field)
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

    func sumProjection() throws(DeconvolutionError) -> Double { try real.sumProjection() }

    func multiply(
        _ estimate: Field,
        byOnePlusWorkTimes weight: Field?,
        least: Float,
        scale: Float,
        projectingNext: Bool
    ) throws(DeconvolutionError) {
        try real.multiply(
            estimate,
            byOnePlusWorkTimes: weight,
            least: least,
            scale: scale,
            projectingNext: projectingNext
        )
    }

    func multiply(
        _ estimate: Field,
        byWorkAnd normalization: Field?,
        least: Float,
        extrapolatingFrom former: Field,
        momentum: Float,
        projectingNext: Bool
    ) throws(DeconvolutionError) {
        try real.multiply(
            estimate,
            byWorkAnd: normalization,
            least: least,
            extrapolatingFrom: former,
            momentum: momentum,
            projectingNext: projectingNext
        )
    }

    func multiply(
        _ estimate: Field,
        byWorkAnd normalization: Field?,
        least: Float,
        following change: Field
    ) throws(DeconvolutionError) -> ChangeSums {
        try real.multiply(estimate, byWorkAnd: normalization, least: least, following: change)
    }

    func extrapolate(_ estimate: Field, from former: Field, momentum: Float) throws(DeconvolutionError) {
        try real.extrapolate(estimate, from: former, momentum: momentum)
    }

    func storeTotalVariationWeight(
        in target: Field,
        of field: Field,
        normalization: Field?,
        _ constants: TotalVariationConstants
    ) throws(DeconvolutionError) {
        try real.storeTotalVariationWeight(in: target, of: field, normalization: normalization, constants)
    }

    func storeCurvatureWeight(
        in target: Field,
        of field: Field,
        normalization: Field?,
        _ constants: CurvatureConstants
    ) throws(DeconvolutionError) {
        try real.storeCurvatureWeight(in: target, of: field, normalization: normalization, constants)
    }

    func diffuse(
        _ field: Field,
        into target: Field,
        factor: Float,
        rates: SIMD3<Float>
    ) throws(DeconvolutionError) {
        try real.diffuse(field, into: target, factor: factor, rates: rates)
    }

    func storeNoise(
        in target: Field,
        spread: Field?,
        normalization: Field?,
        _ constants: NoiseConstants
    ) throws(DeconvolutionError) {
        try real.storeNoise(in: target, spread: spread, normalization: normalization, constants)
    }

    func storeSquaredChange(in target: Field, normalization: Field?) throws(DeconvolutionError) {
        try real.storeSquaredChange(in: target, normalization: normalization)
    }

    func average(_ field: Field, into target: Field, axis: Int, radius: Int) throws(DeconvolutionError) {
        try real.average(field, into: target, axis: axis, radius: radius)
    }

    func multiply(
        _ estimate: Field,
        gatedBy noise: Field,
        squares: Field,
        normalization: Field?,
        extrapolatingFrom former: Field,
        momentum: Float,
        projectingNext: Bool
    ) throws(DeconvolutionError) {
        try real.multiply(
            estimate,
            gatedBy: noise,
            squares: squares,
            normalization: normalization,
            extrapolatingFrom: former,
            momentum: momentum,
            projectingNext: projectingNext
        )
    }

    func takeHalfRatio(_ constants: RatioConstants, _ split: PhotonSplit) throws(DeconvolutionError) {
        try real.takeHalfRatio(constants, split)
    }

    func storeAgreement(in target: Field, of whole: Field, normalization: Field?) throws(DeconvolutionError) {
        try real.storeAgreement(in: target, of: whole, normalization: normalization)
    }

    func useView(_ number: Int) { real.useView(number) }

    func storeFactor(in target: Field, normalization: Field?) throws(DeconvolutionError) {
        try real.storeFactor(in: target, normalization: normalization)
    }

    func takeMean(of factor: Field, normalization: Field?) throws(DeconvolutionError) {
        try real.takeMean(of: factor, normalization: normalization)
    }

    func takeAgreed(_ whole: Field, normalization: Field?) throws(DeconvolutionError) {
        try real.takeAgreed(whole, normalization: normalization)
    }

    func runTransforms() throws(DeconvolutionError) { try real.runTransforms() }
}
