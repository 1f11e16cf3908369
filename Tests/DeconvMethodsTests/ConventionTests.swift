import DeconvMethods
import DeconvOptions
import DeconvPipeline
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Testing

/// Centre and scale: where light comes to lie, and how much of it.
@Suite struct ConventionTests {
    /// Voxels of the image and of the PSF, odd and even on every axis, and where a point lies (z, y, x).
    static let points: [(image: VolumeShape, psf: VolumeShape, at: [Double])] = [
        (VolumeShape(z: 10, y: 18, x: 22), VolumeShape(z: 5, y: 6, x: 7), [4, 10, 9]),
        (VolumeShape(z: 9, y: 17, x: 21), VolumeShape(z: 6, y: 7, x: 8), [5, 7, 12]),
        (VolumeShape(z: 1, y: 29, x: 20), VolumeShape(z: 1, y: 6, x: 7), [0, 13, 10]),
        (VolumeShape(z: 1, y: 28, x: 21), VolumeShape(z: 1, y: 7, x: 8), [0, 15, 8]),
    ]

    private static func sigma(_ shape: VolumeShape) -> [Double] { shape.axes.map { $0 == 1 ? 0.1 : 0.8 } }

    /// The image of a point by an analytic Gaussian, which knows nothing of a centre voxel.
    private static func image(of point: [Double], _ shape: VolumeShape, light: Double) -> [Float] {
        let blob = GaussianPSF.voxels(shape: shape, center: point, sigma: sigma(shape))
        let sum = blob.reduce(0, +)
        return blob.map { Float(light * $0 / sum) }
    }

    @Test(arguments: TestBackend.all, points.indices)
    func aPointStaysWhereItIs(backend: TestBackend, number: Int) throws {
        let (shape, psfShape, point) = Self.points[number]
        let psf = GaussianPSF.normalized(shape: psfShape, sigma: Self.sigma(psfShape))
        let observed = Self.image(of: point, shape, light: 5000)
        for boundary in [BoundaryMode.extend, .zero, .edge, .reflect] {
            let engine = try TestEngine(backend.make(), image: shape, psf: psf, boundary: boundary)
            let estimate = try engine.deconvolve(.float32(observed), RichardsonLucy(iterationCount: 100)).estimate
            let centroid = Volume(shape: shape, voxels: estimate).centroid
            for axis in 0..<3 {
                #expect(abs(centroid[axis] - point[axis]) < 0.01, "\(boundary), axis \(axis): \(centroid)")
            }
            // It did become a point.
            let peak = try #require(estimate.max())
            #expect(peak > 3 * observed.max()!)
        }
    }

    @Test(arguments: TestBackend.all, points.indices)
    func lightIsKept(backend: TestBackend, number: Int) throws {
        try checkLight(backend, number, background: 0, iterations: 10, tolerance: 1e-3)
    }

    /// Above a background, updates keep Σ Hx·(1 − g/(Hx + b)) at 0 and not the sum, which comes right as the fit does.
    @Test(arguments: TestBackend.all, points.indices)
    func lightAboveABackgroundIsKeptInTheEnd(backend: TestBackend, number: Int) throws {
        try checkLight(backend, number, background: 20, iterations: 10, tolerance: 3e-2)
        if backend.isCPU { try checkLight(backend, number, background: 20, iterations: 250, tolerance: 1e-3) }
    }

    private func checkLight(
        _ backend: TestBackend,
        _ number: Int,
        background: Double,
        iterations: Int,
        tolerance: Double
    ) throws {
        let (shape, psfShape, point) = Self.points[number]
        let psf = GaussianPSF.normalized(shape: psfShape, sigma: Self.sigma(psfShape))
        let observed = Self.image(of: point, shape, light: 5e4).map { $0 + Float(background) }
        let light = observed.reduce(0) { $0 + Double($1) - background }
        for boundary in [BoundaryMode.extend, .zero, .edge, .reflect] {
            let engine = try TestEngine(backend.make(), image: shape, psf: psf, boundary: boundary)
            let method = RichardsonLucy(iterationCount: iterations, background: background)
            let sum = try engine.deconvolve(.float32(observed), method).estimate.reduce(0) { $0 + Double($1) }
            #expect(abs(sum - light) <= tolerance * light, "\(boundary), \(iterations) iterations: \(sum) of \(light)")
        }
    }

    /// A measured PSF has any sum; the preparation makes it 1.
    @Test func theSumOfThePSFDoesNotMatter() throws {
        let (shape, psfShape, point) = Self.points[0]
        let psf = GaussianPSF.normalized(shape: psfShape, sigma: Self.sigma(psfShape))
        let observed = Volume(shape: shape, voxels: Self.image(of: point, shape, light: 5000))
        for isAsIs in [true, false] {
            var options = DeconvolutionOptions()
            options.backend = .cpu
            (options.psfAsIs, options.iterationCount) = (isAsIs, 10)
            let results = try [1, 4096, 0.01].map { (factor: Float) in
                let scaled = Volume(shape: psfShape, voxels: psf.voxels.map { $0 * factor })
                return try JobRun(observed, psf: scaled, options).voxels
            }
            #expect(relativeRMSE(results[1], results[0]) < 1e-6)
            #expect(relativeRMSE(results[2], results[0]) < 1e-5)
        }
    }
}

extension Volume {
    /// The mean position of the light, in voxels (z, y, x).
    fileprivate var centroid: [Double] {
        var sums = [0.0, 0.0, 0.0]
        var total = 0.0
        for z in 0..<shape.z {
            for y in 0..<shape.y {
                for x in 0..<shape.x {
                    let value = Double(self[z, y, x])
                    total += value
                    for (axis, index) in [z, y, x].enumerated() { sums[axis] += value * Double(index) }
                }
            }
        }
        return sums.map { $0 / total }
    }
}
