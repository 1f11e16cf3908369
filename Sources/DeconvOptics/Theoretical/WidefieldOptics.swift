package import DeconvVolume
import Glibc

/// A widefield fluorescence microscope without aberrations.
///
/// The scalar Debye integral with the aplanatic factor, I(r, z) = |∫₀^α √cosθ · J₀(k n r sinθ) · exp(i k n z cosθ)
/// · sinθ dθ|², sin α = NA / n, k = 2π / λ: Richards and Wolf, Proc. R. Soc. A 253:358 (1959), with polarisation
/// averaged out; for small angles it is Born and Wolf, Principles of Optics, section 8.8. Not modelled:
/// polarisation (matters above NA 1.2, by some percent of the width), a mismatch of refractive index, the size of a
/// bead or a camera pixel. Sampled at voxel centres.
package struct WidefieldOptics: Sendable, Hashable {
    /// Wavelength of the light in vacuum, nm, 200 ... 2000.
    package var emissionWavelength: Double
    /// Numerical aperture of the objective, above 0 and below the refractive index.
    package var numericalAperture: Double
    /// Refractive index of the medium between objective and sample, 1 ... 4.
    package var immersionIndex: Double

    /// A microscope from its figures, which are checked when a PSF is computed.
    package init(emissionWavelength: Double, numericalAperture: Double, immersionIndex: Double) {
        self.emissionWavelength = emissionWavelength
        self.numericalAperture = numericalAperture
        self.immersionIndex = immersionIndex
    }

    /// The PSF on a grid, centred on voxel n/2 of each axis.
    /// - Parameters:
    ///   - shape: at least one voxel an axis.
    ///   - spacing: positive, µm.
    /// - Throws: `invalidArgument` for figures no microscope can have.
    package func pointSpreadFunction(
        shape: VolumeShape,
        spacing: VoxelSpacing
    ) throws(DeconvolutionError) -> PointSpreadFunction {
        try TheoreticalGrid.normalized(try intensity(shape: shape, spacing: spacing), spacing: spacing)
    }

    /// Intensity in units of that in focus.
    func intensity(shape: VolumeShape, spacing: VoxelSpacing) throws(DeconvolutionError) -> PSFField {
        try validate()
        try TheoreticalGrid.check(shape: shape, spacing: spacing)
        let center = shape.centerVoxel
        let farthestRow = Double(max(center.y, shape.y - 1 - center.y)) * spacing.y
        let farthestColumn = Double(max(center.x, shape.x - 1 - center.x)) * spacing.x
        let farthest = (farthestRow * farthestRow + farthestColumn * farthestColumn).squareRoot()
        let farthestPlane = Double(max(center.z, shape.z - 1 - center.z)) * spacing.z
        // An eightieth of λ/NA: cubic interpolation of the intensity is then good to 1e-6 of the peak.
        let step = emissionWavelength / 1000 / numericalAperture / 80
        let cost = (farthest / step) * Double(shape.z) * nodeCount(radius: farthest, depth: farthestPlane)
        guard cost < 1e11 else {
            throw DeconvolutionError(
                .invalidArgument,
                "a PSF of \(shape) voxels of \(spacing) is thousands of wavelengths wide; check the shape and "
                    + "\(.spacing)"
            )
        }
        let radii = Int(farthest / step) + 4
        var field = PSFField(shape: shape, values: [Double](repeating: 0, count: shape.voxelCount))
        let integral = DebyeIntegral(
            optics: self,
            radialStep: step,
            radialCount: radii,
            nodeCount: Int(nodeCount(radius: Double(radii) * step, depth: farthestPlane))
        )
        let inFocus = integral.intensities(depth: 0)[0]
        // The intensity is even in z, so every distance is computed once.
        for distance in 0...max(center.z, shape.z - 1 - center.z) {
            let planes = Set([center.z - distance, center.z + distance]).filter { $0 >= 0 && $0 < shape.z }
            guard !planes.isEmpty else { continue }
            let profile = integral.intensities(depth: Double(distance) * spacing.z)
            for y in 0..<shape.y {
                let dy = Double(y - center.y) * spacing.y
                for x in 0..<shape.x {
                    let dx = Double(x - center.x) * spacing.x
                    let position = (dy * dy + dx * dx).squareRoot() / step
                    let value = max(0, interpolated(profile, at: position)) / inFocus
                    for z in planes { field.values[(z * shape.y + y) * shape.x + x] = value }
                }
            }
        }
        return field
    }

    /// Quadrature nodes for the farthest point: half the largest phase in radians suffices, plus a reserve.
    private func nodeCount(radius: Double, depth: Double) -> Double {
        let sine = numericalAperture / immersionIndex
        let wavenumber = 2 * Double.pi * immersionIndex / (emissionWavelength / 1000)
        let phase = wavenumber * (radius * sine + depth * (1 - (1 - sine * sine).squareRoot()))
        return (0.6 * phase).rounded(.up) + 32
    }

    /// Cubic (Lagrange) interpolation in an even function of the radius.
    private func interpolated(_ profile: [Double], at position: Double) -> Double {
        let i = Int(position)
        let t = position - Double(i)
        let before = profile[i == 0 ? 1 : i - 1]
        let (a, b, after) = (profile[i], profile[i + 1], profile[i + 2])
        return -t * (t - 1) * (t - 2) / 6 * before + (t + 1) * (t - 1) * (t - 2) / 2 * a
            - (t + 1) * t * (t - 2) / 2 * b + (t + 1) * t * (t - 1) / 6 * after
    }

    private func validate() throws(DeconvolutionError) {
        try TheoreticalGrid.checkWavelength(emissionWavelength, "emission wavelength")
        guard immersionIndex >= 1, immersionIndex <= 4 else {
            throw DeconvolutionError(
                .invalidArgument,
                "a refractive index of \(immersionIndex) is outside 1 ... 4; air has 1, water 1.33, oil 1.515"
            )
        }
        guard numericalAperture > 0, numericalAperture < immersionIndex else {
            throw DeconvolutionError(
                .invalidArgument,
                "a numerical aperture of \(numericalAperture) is not above 0 and below the refractive index "
                    + "\(immersionIndex) of the immersion medium"
            )
        }
    }
}

/// The Debye integral on a radial grid; the Bessel functions are tabulated once for all planes.
private struct DebyeIntegral {
    private let radialCount: Int
    private let cosines: [Double]
    /// Weight times J₀, `radialCount` rows of one value a node.
    private let table: [Double]
    private let wavenumber: Double

    init(optics: WidefieldOptics, radialStep: Double, radialCount: Int, nodeCount: Int) {
        let wavenumber = 2 * Double.pi * optics.immersionIndex / (optics.emissionWavelength / 1000)
        let rule = GaussLegendre(
            count: nodeCount,
            from: 0,
            to: asin(optics.numericalAperture / optics.immersionIndex)
        )
        let cosines = rule.nodes.map { cos($0) }
        let sines = rule.nodes.map { sin($0) }
        let factors = (0..<nodeCount).map { rule.weights[$0] * cosines[$0].squareRoot() * sines[$0] }
        var table: [Double] = []
        table.reserveCapacity(radialCount * nodeCount)
        for i in 0..<radialCount {
            let argument = wavenumber * Double(i) * radialStep
            for node in 0..<nodeCount { table.append(factors[node] * j0(argument * sines[node])) }
        }
        self.wavenumber = wavenumber
        self.radialCount = radialCount
        self.cosines = cosines
        self.table = table
    }

    func intensities(depth: Double) -> [Double] {
        let real = cosines.map { cos(wavenumber * depth * $0) }
        let imaginary = cosines.map { sin(wavenumber * depth * $0) }
        let count = cosines.count
        return (0..<radialCount).map { i in
            var (a, b) = (0.0, 0.0)
            for node in 0..<count {
                let value = table[i &* count &+ node]
                a += value * real[node]
                b += value * imaginary[node]
            }
            return a * a + b * b
        }
    }
}
