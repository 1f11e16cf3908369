import DeconvMethods
import DeconvOptions
import DeconvPlan
import DeconvTestSupport
import DeconvVolume

/// A small problem for any method: an image with its sensitivity, and the frame as a reference in double precision sees it.
struct MethodCase {
    let boundary: BoundaryMode
    let shape: VolumeShape
    var psf: Volume
    let observed: [Float]
    /// f of the image's voxels, some of them bad; nil for 1.
    let sensitivity: [Float]?
    let background = 10.0

    /// - Parameter boundary: one that the method knows.
    init(_ boundary: BoundaryMode, isFlat: Bool = false, hasSensitivity: Bool = false) {
        self.boundary = boundary
        shape =
            boundary == .periodic
            ? TestEngine.sharedWorkShape(isFlat: isFlat)
            : isFlat ? VolumeShape(z: 1, y: 29, x: 20) : VolumeShape(z: 10, y: 18, x: 15)
        psf = TestImage.psf(isFlat ? VolumeShape(z: 1, y: 6, x: 7) : VolumeShape(z: 5, y: 6, x: 7))
        var observed = TestImage.observed(shape, psf: psf, background: 12)
        if hasSensitivity {
            let weights = TestImage.random(shape.voxelCount, seed: 4).map { $0 < 0.05 ? 0 : 0.7 + 0.6 * $0 }
            sensitivity = weights
            for index in observed.indices { observed[index] = (observed[index] * weights[index]).rounded() }
        } else {
            sensitivity = nil
        }
        self.observed = observed
    }

    func engine(_ backend: TestBackend, core: VolumeShape? = nil) throws -> TestEngine {
        try TestEngine(backend.make(), image: shape, psf: psf, boundary: boundary, core: core)
    }

    func method(_ name: MethodName, iterationCount: Int = 10, snr: Double = 20) throws -> any DeconvolutionMethod {
        var options = DeconvolutionOptions()
        options.method = name
        options.iterationCount = iterationCount
        options.divergenceInterval = 1
        options.background = .value(background)
        options.snr = snr
        return try Methods.method(options)
    }

    func deconvolve(
        _ engine: TestEngine,
        _ method: some DeconvolutionMethod,
        tuning: MethodTuning? = nil
    ) throws -> (estimate: [Float], divergence: [Double]) {
        try engine.deconvolve(
            .float32(observed),
            sensitivity: sensitivity,
            method,
            background: background,
            tuning: tuning,
            part: .frame
        )
    }

    /// Mean light over the recorded voxels, corrected for f.
    var light: Double {
        let weights = sensitivity ?? observed.map { _ in 1 }
        let sum = zip(observed, weights).reduce(0.0) { $0 + ($1.1 > 0 ? Double($1.0) - background : 0) }
        // Without a sensitivity the engine takes the mean of what was observed, with one that of what is above the background.
        return sum / weights.reduce(0.0) { $0 + Double($1) }
    }

    /// Values of the image's voxels on the frame of an engine.
    func onFrame(_ values: [Float], of engine: TestEngine) -> [Double] {
        let frame = engine.plan.frameInImage
        var result: [Double] = []
        for z in frame.zRange {
            for y in frame.yRange {
                for x in frame.xRange {
                    let place = zip([z, y, x], shape.axes).map { boundary.sourceIndex($0, extent: $1)! }
                    result.append(Double(values[(place[0] * shape.y + place[1]) * shape.x + place[2]]))
                }
            }
        }
        return result
    }
}
