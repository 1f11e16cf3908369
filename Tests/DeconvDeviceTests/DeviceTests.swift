import DeconvDevice
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Testing

@Suite struct DeviceTests {
    /// No test of the other suites runs on a device that is not there, so its absence is told here.
    @Test func anOpenCLDeviceIsHere() {
        #expect(!TestBackend.openCL.isEmpty, "no OpenCL device: install pocl-opencl-icd or the driver of a GPU")
    }

    @Test(arguments: TestBackend.all)
    func everyDeviceSaysWhatItIs(backend: TestBackend) throws {
        let device = try backend.make().device
        #expect(!device.name.isEmpty)
        #expect(device.backend == (backend.isCPU ? .cpu : .opencl))
        #expect(device.memoryBytes > 1 << 20)
        #expect(device.largestBufferBytes > 1 << 20 && device.largestBufferBytes <= device.memoryBytes)
        #expect(device.computeUnits >= 1)
    }

    @Test(arguments: TestBackend.all)
    func freeMemoryIsNoMoreThanThereIs(backend: TestBackend) throws {
        let backend = try backend.make()
        #expect(backend.freeMemory.totalBytes > 0)
        #expect(backend.freeMemory.totalBytes < backend.device.memoryBytes)
    }

    @Test(arguments: TestBackend.openCL)
    func clFFTAloneLacksLengthsWithLargePrimes(backend: TestBackend) throws {
        let hasAll = backend.fft != .clfft
        let padding = try backend.make().padding
        func shapes(_ lengths: [Int]) -> [VolumeShape] {
            (0..<3).flatMap { axis in lengths.map { length in VolumeShape { $0 == axis ? length : 10 } } }
        }
        #expect(shapes([1, 2, 35, 1001, 2 * 3 * 5 * 7 * 11 * 13]).allSatisfy { padding.canTransform($0) })
        #expect(shapes([17, 34, 19 * 64]).allSatisfy { padding.canTransform($0) == hasAll })
    }

    @Test(arguments: TestBackend.all)
    func lengthsAreChosenForTheDevice(backend: TestBackend) throws {
        let cost: FFTCost =
            switch backend.device {
            case nil: .fftw
            case let device?: device.isAccelerator ? .accelerator : .openCLOnCPU
            }
        #expect(try backend.make().padding.cost == cost)
    }
}
