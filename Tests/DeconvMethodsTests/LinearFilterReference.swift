import DeconvPlan
import DeconvTestSupport
import DeconvVolume

/// A linear filter of an image in double precision.
enum LinearFilterReference {
    /// P₊ F⁻¹ factor · conj(ĥ) F (g − b) / f on the frame.
    /// - Parameter factor: of |ĥ|² and the frequency's place in the work volume.
    static func result(
        _ item: MethodCase,
        _ engine: TestEngine,
        factor: (_ square: Double, _ place: VolumeIndex) -> Double
    ) -> [Float] {
        let (work, frame) = (engine.geometry.workShape, engine.geometry.frame)
        let observed = item.onFrame(item.observed, of: engine)
        let weights = item.sensitivity.map { item.onFrame($0, of: engine) }
        var light = [Double](repeating: 0, count: work.voxelCount)
        func place(_ voxel: Int) -> Int {
            let (z, y) = (voxel / frame.shape.x / frame.shape.y, voxel / frame.shape.x % frame.shape.y)
            return (z * work.y + y) * work.x + voxel % frame.shape.x
        }
        for voxel in observed.indices {
            let f = weights?[voxel] ?? 1
            light[place(voxel)] = f > 0 ? (observed[voxel] - item.background) / f : item.light
        }
        let otf = DirectTransform(psf: item.psf, shape: work)
        var spectrum = DirectTransform(light, shape: work)
        for k in otf.real.indices {
            let (a, b) = (otf.real[k], -otf.imaginary[k])
            let index = VolumeIndex(z: k / work.x / work.y, y: k / work.x % work.y, x: k % work.x)
            let factor = factor(a * a + b * b, index)
            let (p, q) = (spectrum.real[k], spectrum.imaginary[k])
            (spectrum.real[k], spectrum.imaginary[k]) = (factor * (a * p - b * q), factor * (a * q + b * p))
        }
        let result = spectrum.inverse
        return observed.indices.map { Float(max(result[place($0)], 0)) }
    }
}
