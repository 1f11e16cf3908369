import DeconvDevice
import DeconvPipeline
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Testing

@Suite struct BenchmarkTests {
    private func job(shape: VolumeShape, backend: DeconvolutionOptions.Backend) -> BenchmarkJob {
        var options = DeconvolutionOptions()
        options.backend = backend
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

    @Test func progressEndsWithTheLastIterationOfTheLastDevice() throws {
        var last: DeconvolutionProgress?
        _ = try job(shape: VolumeShape(z: 8, y: 16, x: 18), backend: .cpu).run { last = $0 }
        #expect(last?.completedIterations == 6 && last?.totalIterations == 6)
    }

    /// An eighth of the free bytes as voxels: their image fits twice, the engine's 14 bytes a voxel do not.
    @Test func aDeviceThatIsTooSmallIsRefusedBeforeAnythingIsAllocated() throws {
        let planes = HostSystem.freeBytes / 8 / (1 << 20)
        let shape = VolumeShape(z: planes, y: 1024, x: 1024)
        let before = HostSystem.peakResidentBytes
        let error = #expect(throws: DeconvolutionError.self) { try job(shape: shape, backend: .cpu).run() }
        #expect(error?.code == .outOfMemory)
        let message = try #require(error?.message)
        #expect(message.contains(" is too small: the work volume of "), "\(message)")
        #expect(message.hasSuffix(" are free; give a smaller --shape"), "\(message)")
        #expect(HostSystem.peakResidentBytes < before + HostSystem.freeBytes / 8)
    }
}
