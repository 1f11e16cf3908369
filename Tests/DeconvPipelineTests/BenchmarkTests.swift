import DeconvDevice
import DeconvMethods
import DeconvOptions
import DeconvPipeline
import DeconvPlan
import DeconvTestSupport
import DeconvTools
import DeconvVolume
import Testing

@Suite struct BenchmarkTests {
    private func job(
        shape: VolumeShape,
        backend: DeconvolutionOptions.Backend,
        method: MethodName = .richardsonLucy
    ) -> BenchmarkJob {
        var options = DeconvolutionOptions()
        options.backend = backend
        options.method = method
        return BenchmarkJob(
            shape: shape,
            psfShape: VolumeShape(z: 7, y: 9, x: 11),
            timedIterationCount: 4,
            seed: 1,
            measuresBaseline: false,
            folder: nil,
            overwrite: false,
            options: options
        )
    }

    @Test(arguments: [[1.0], [3, 1, 2], [4, 1, 2, 9]])
    func aMedianIsInTheMiddle(values: [Double]) {
        #expect(values.median == [1: 1.0, 3: 2, 4: 3][values.count])
    }

    @Test func figuresFollowFromWhatWasMeasured() throws {
        let report = try job(shape: VolumeShape(z: 8, y: 16, x: 18), backend: .cpu).run()
        let device = try #require(report.devices.first)
        #expect(report.devices.count == 1 && report.skipped.isEmpty)
        #expect(device.iterationSeconds.count == 4 && device.transformSeconds.count == 4)
        #expect(device.workShape.axes.allSatisfy { $0 >= 14 })
        #expect(device.fastestIterationSeconds <= device.secondsPerIteration)
        #expect(device.iterationPerTransforms == device.iterationSeconds.min()! / device.transformSeconds.min()!)
        #expect(device.nominalFlopsPerSecond == device.cost.nominalFlopCount / device.iterationSeconds.median)
        #expect(device.partOfCopyRate == device.leastBytesPerSecond / device.copyBytesPerSecond)
        // Work volume, transfer function, estimate, normalization and the observed voxels.
        #expect(device.deviceBytesPerWorkVoxel > 8 && device.deviceBytesPerWorkVoxel < 60)
        #expect(device.peakHostBytes > device.deviceBytes)
    }

    /// One that finds its number of iterations is timed for as many as any other.
    @Test(arguments: Methods.all.map { $0.description.name })
    func everyMethodIsTimed(method: MethodName) throws {
        let report = try job(shape: VolumeShape(z: 8, y: 16, x: 18), backend: .cpu, method: method).run()
        #expect(report.devices.first?.iterationSeconds.count == 4)
    }

    @Test func progressEndsWithTheLastIterationOfTheLastDevice() throws {
        var last: DeconvolutionProgress?
        _ = try job(shape: VolumeShape(z: 8, y: 16, x: 18), backend: .cpu).run { last = $0 }
        #expect(last?.completedIterations == 6 && last?.totalIterations == 6)
    }

    /// A result with a voxel that is no number, of a device in the place of the first OpenCL device.
    @Test func aResultThatIsNotTheCPUsFailsTheCheck() throws {
        var job = job(shape: VolumeShape(z: 8, y: 16, x: 18), backend: .auto)
        job.options.device = "1"
        job.checksResults = true
        job.makeBackend = { (number, _) throws(DeconvolutionError) in
            let cpu = CPUBackend(threadCount: 1)
            return number == 0 ? cpu as any ComputeBackend : FailingBackend(spoiling: cpu)
        }
        let report = try job.run()
        let check = try #require(report.devices.first?.check)
        #expect(check.nrmse == nil && !check.isPassed)
        let error = try #require(report.failedCheck)
        #expect(error.code == .deviceFailed)
        #expect(error.text(.flag).hasPrefix("device 1, "), "\(error.text(.flag))")
        #expect(
            error.text(.flag).hasSuffix(
                ": the result with FFTW is not made of numbers, and 1.0e-04 is the most: use another --fft, or --backend cpu"
            ),
            "\(error.text(.flag))"
        )
    }

    @Test func aCheckPassesUpToItsLimit() throws {
        #expect(DeviceBenchmark.Check(nrmse: 9.9e-5).isPassed)
        #expect(!DeviceBenchmark.Check(nrmse: 1.01e-4).isPassed)
        var report = try job(shape: VolumeShape(z: 8, y: 16, x: 18), backend: .cpu).run()
        #expect(report.devices[0].check == nil && report.failedCheck == nil)
        report.devices[0].check = DeviceBenchmark.Check(nrmse: 2.04e-3)
        let message = try #require(report.failedCheck?.text(.flag))
        #expect(
            message.contains(" differs from the CPU's by an NRMSE of 2.0e-03, and 1.0e-04 is the most"),
            "\(message)"
        )
    }

    /// A device with a megabyte, of which a work volume takes 8 to 20 bytes a voxel: 16 with a PSF of 7x9x11 is computed on
    /// 22x24x26 voxels, 0.3 MB at most, and 32 on 38x40x42 at least: 63 840 voxels,
    /// whose spectrum, transfer function, estimate and normalization take 4 bytes each.
    @Test func theLargestCubeIsTheLastThatFits() throws {
        var job = job(shape: VolumeShape(z: 1, y: 1, x: 1), backend: .cpu)
        job.makeBackend = { (_, _) throws(DeconvolutionError) in SmallBackend(real: CPUBackend(threadCount: 1)) }
        job.largestSide = 200
        let report = try job.run()
        #expect(report.shape == VolumeShape(z: 16, y: 16, x: 16))
        #expect(try #require(report.devices.first).deviceBytes <= SmallBackend.byteCount)
        job.largestSide = 15
        #expect(try job.run().shape == VolumeShape(z: 8, y: 8, x: 8))
    }

    /// An eighth of the free bytes as voxels: their image fits twice, the engine's 14 bytes a voxel do not.
    @Test func aDeviceThatIsTooSmallIsRefusedBeforeAnythingIsAllocated() throws {
        let planes = HostSystem.freeBytes / 8 / (1 << 20)
        let shape = VolumeShape(z: planes, y: 1024, x: 1024)
        let before = HostSystem.peakResidentBytes
        let error = #expect(throws: DeconvolutionError.self) { try job(shape: shape, backend: .cpu).run() }
        #expect(error?.code == .outOfMemory)
        let message = try #require(error?.text(.flag))
        #expect(message.contains(" is too small: the work volume of "), "\(message)")
        #expect(message.hasSuffix(" are free; give a smaller --shape"), "\(message)")
        #expect(HostSystem.peakResidentBytes < before + HostSystem.freeBytes / 8)
    }
}

/// A device that has less memory than it has.
private struct SmallBackend: ComputeBackend {
    static let byteCount = 1 << 20

    let real: CPUBackend

    var device: DeviceDescription { real.device }
    var padding: FFTPadding { real.padding }
    var freeMemory: MemoryBudget {
        var budget = real.freeMemory
        budget.totalBytes = Self.byteCount
        return budget
    }

    func transformBytes(_ geometry: WorkGeometry) -> TransformBytes { real.transformBytes(geometry) }

    func makeWorkspace(_ layout: WorkspaceLayout) throws(DeconvolutionError) -> any Workspace {
        try real.makeWorkspace(layout)
    }

    func measureCopyRate() throws(DeconvolutionError) -> Double { try real.measureCopyRate() }
}
