import DeconvDevice
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Testing

/// The transforms by what they must do to a delta, and those of devices beside FFTW over families of lengths.
@Suite struct FFTAccuracyTests {
    /// Lengths z, y, x whose factors are 2, 3, 5, 7, those with 11 and 13, and odd rows.
    static let shapes = [
        VolumeShape(z: 14, y: 24, x: 28), VolumeShape(z: 1, y: 35, x: 28),
        VolumeShape(z: 11, y: 5, x: 26), VolumeShape(z: 3, y: 13, x: 15),
    ]

    static let otherShapes = [
        VolumeShape(z: 8, y: 16, x: 32), VolumeShape(z: 16, y: 10, x: 27), VolumeShape(z: 7, y: 49, x: 35),
        VolumeShape(z: 25, y: 6, x: 125),
        VolumeShape(z: 17, y: 19, x: 23),
        VolumeShape(z: 1, y: 2, x: 2), VolumeShape(z: 2, y: 3, x: 77), VolumeShape(z: 64, y: 1, x: 90),
    ]

    /// Relative root-mean-square error that single precision leaves in four transforms of these lengths.
    private static let tolerance = 5e-7

    private func blur(_ backend: TestBackend, _ shape: VolumeShape, _ psf: Volume, _ voxels: [Float]) throws -> [Float]
    {
        let backend = try backend.make()
        let geometry = WorkGeometry(
            workShape: shape,
            frame: Region(shape),
            domain: Region(shape),
            wraps: false
        )
        func run(_ workspace: some Workspace) throws -> [Float] {
            try workspace.setPSF(psf.voxels, shape: psf.shape)
            let field = try workspace.makeField()
            try workspace.upload(voxels, to: field)
            try workspace.forwardProject(field)
            return try workspace.downloadWork(Region(shape))
        }
        return try run(try backend.makeWorkspace(WorkspaceLayout(geometry, pixelType: .float32)))
    }

    private func delta(_ shape: VolumeShape, at index: VolumeIndex) -> Volume {
        var volume = Volume(shape: shape, voxels: [Float](repeating: 0, count: shape.voxelCount))
        volume[index.z, index.y, index.x] = 1
        return volume
    }

    /// `voxels` moved by an offset, what leaves on one side coming back on the other.
    private func moved(_ voxels: [Float], _ shape: VolumeShape, by offset: VolumeIndex) -> [Float] {
        var result = voxels
        for z in 0..<shape.z {
            for y in 0..<shape.y {
                for x in 0..<shape.x {
                    let target = zip([z, y, x], (0..<3).map { (shape[$0], offset[$0]) })
                        .map { (($0 + $1.1) % $1.0 + $1.0) % $1.0 }
                    result[(target[0] * shape.y + target[1]) * shape.x + target[2]] =
                        voxels[(z * shape.y + y) * shape.x + x]
                }
            }
        }
        return result
    }

    @Test(arguments: TestBackend.all, shapes)
    func blurOfADeltaGivesTheImageBack(backend: TestBackend, shape: VolumeShape) throws {
        try checkDeltas(backend, shape)
    }

    @Test(arguments: otherShapes)
    func fftwHasEveryLength(shape: VolumeShape) throws { try checkDeltas(.cpu, shape) }

    /// Lengths with prime factors that clFFT lacks, and axes of 1, whose transforms are none.
    @Test(
        arguments: TestBackend.openCL.filter { $0.fft == .vkfft },
        [
            VolumeShape(z: 17, y: 19, x: 23), VolumeShape(z: 6, y: 1, x: 10), VolumeShape(z: 5, y: 7, x: 1),
            VolumeShape(z: 4, y: 1, x: 1), VolumeShape(z: 1, y: 1, x: 1),
        ]
    )
    func vkFFTHasEveryLength(backend: TestBackend, shape: VolumeShape) throws {
        try checkDeltas(backend, shape)
        let psf = TestImage.psf(VolumeShape { min(shape[$0], [5, 6, 7][$0]) })
        let image = TestImage.random(shape.voxelCount, seed: 23)
        let difference = relativeRMSE(try blur(backend, shape, psf, image), try blur(.cpu, shape, psf, image))
        #expect(difference < Self.tolerance)
    }

    /// Planes of many values and long axes: what VkFFT's kernels want of a device grows with them, and ended the process where
    /// it was a CPU with 8 MB of stack.
    @Test(
        arguments: TestBackend.openCL.filter { $0.fft == .vkfft },
        [
            // 64 times a prime number of values in a plane.
            VolumeShape(z: 8, y: 560, x: 400),
            // Columns and rows of several passes, by factors and by Bluestein's algorithm.
            VolumeShape(z: 1087, y: 12, x: 10), VolumeShape(z: 1331, y: 8, x: 6), VolumeShape(z: 2, y: 1152, x: 1024),
            VolumeShape(z: 1, y: 4096, x: 16),
            VolumeShape(z: 1, y: 6, x: 3989),
        ]
    )
    func vkFFTHasLongAxes(backend: TestBackend, shape: VolumeShape) throws {
        let psf = TestImage.psf(VolumeShape { min(shape[$0], [5, 6, 7][$0]) })
        let image = TestImage.random(shape.voxelCount, seed: 31)
        let difference = relativeRMSE(try blur(backend, shape, psf, image), try blur(.cpu, shape, psf, image))
        #expect(difference < 2 * Self.tolerance)
    }

    private func checkDeltas(_ backend: TestBackend, _ shape: VolumeShape) throws {
        let image = TestImage.random(shape.voxelCount, seed: 11)
        for taps in [VolumeShape(z: 1, y: 1, x: 1), VolumeShape(z: 3, y: 4, x: 5), VolumeShape(z: 4, y: 3, x: 2)] {
            let center = VolumeIndex { taps[$0] / 2 }
            #expect(relativeRMSE(try blur(backend, shape, delta(taps, at: center), image), image) < Self.tolerance)

            // A delta beside the centre moves the image towards it: the sign of the phase, along every axis by itself.
            for axis in 0..<3 where taps[axis] > 1 {
                let index = VolumeIndex { $0 == axis ? 0 : center[$0] }
                let offset = VolumeIndex { index[$0] - center[$0] }
                let blurred = try blur(backend, shape, delta(taps, at: index), image)
                #expect(relativeRMSE(blurred, moved(image, shape, by: offset)) < Self.tolerance, "axis \(axis)")
            }
        }
    }

    @Test(arguments: TestBackend.openCL, shapes)
    func devicesAgreeWithFFTW(backend: TestBackend, shape: VolumeShape) throws {
        let psf = TestImage.psf(VolumeShape { min(shape[$0], [5, 6, 7][$0]) })
        for seed in [21, 22] as [UInt64] {
            let image = TestImage.random(shape.voxelCount, seed: seed)
            let difference = relativeRMSE(try blur(backend, shape, psf, image), try blur(.cpu, shape, psf, image))
            #expect(difference < Self.tolerance)
        }
    }
}
