import Glibc

/// The light in the pupil of a microscope at one wavelength: what each direction contributes to a point's image.
///
/// A direction is its numerical aperture ρ = n sin θ, which is the same in all layers. With the wavenumber k = 2π/λ in
/// vacuum and q(n) = √(n² − ρ²), the phase at a stage position s is
///
///     k [d q(nₛ) + t q(n_g) − t* q(n_g*) + tᵢ* (q(nᵢ) − q(nᵢ*)) − (s₀ + s) q(nᵢ)]
///
/// after Gibson and Lanni, J. Opt. Soc. Am. A 8:1601 (1991), equation 5, written for the travel of the objective, with
/// depth d, cover glass t, immersion tᵢ, and a star for what the objective is made for. s₀ is where paraxial rays show
/// the lower side of the glass sharp. Where ρ is larger than nₛ, q is imaginary and light decays with the depth.
struct Pupil {
    /// Wavenumber in vacuum, 1/µm.
    let wavenumber: Double
    /// ρ of every node of the quadrature.
    private(set) var apertures: [Double] = []
    /// Amplitudes times weights and ρ: one list for each order of Bessel function, from 0 on.
    private(set) var amplitudes: [[Complex]]
    /// Phase of every node at stage position 0.
    private(set) var phases: [Double] = []
    /// What a micrometer of the stage takes off the phase.
    private(set) var rates: [Double] = []
    /// 2π ∫ |U|² r dr over a plane, which is the same for all planes, µm².
    private(set) var planeLight = 0.0

    /// A pupil.
    /// - Parameters:
    ///   - wavelength: µm.
    ///   - radius: distance from the axis up to which the quadrature must hold, µm.
    ///   - stages: positions between which it must hold, µm.
    init(_ microscope: Microscope, wavelength: Double, radius: Double, stages: ClosedRange<Double>) {
        let layers = Layers(microscope, wavenumber: 2 * .pi / wavelength)
        wavenumber = layers.wavenumber
        amplitudes = [[Complex]](repeating: [], count: microscope.model == .scalar ? 1 : 3)
        for segment in Self.segments(microscope) {
            let count = segment.nodeCount(layers, radius: radius, stages: stages)
            let rule = GaussLegendre(count: count, from: 0, to: segment.end)
            for (t, weight) in zip(rule.nodes, rule.weights) {
                let aperture = segment.aperture(t)
                let weight = weight * segment.slope(t) * aperture
                apertures.append(aperture)
                phases.append(layers.phase(aperture, stage: 0))
                rates.append(wavenumber * layers.immersion.root(aperture))
                let decay = layers.decay(aperture)
                for (order, amplitude) in layers.amplitudes(aperture, model: microscope.model).enumerated() {
                    let value = decay * amplitude
                    amplitudes[order].append(weight * value)
                    planeLight += weight * value.squaredMagnitude
                }
            }
        }
        planeLight *= 2 * .pi / (wavenumber * wavenumber)
    }

    /// Nodes of the quadrature that a pupil takes, for an estimate of the work.
    static func nodeCount(
        _ microscope: Microscope,
        wavelength: Double,
        radius: Double,
        stages: ClosedRange<Double>
    ) -> Int {
        let layers = Layers(microscope, wavenumber: 2 * .pi / wavelength)
        return segments(microscope).reduce(0) { $0 + $1.nodeCount(layers, radius: radius, stages: stages) }
    }

    /// Parts of the pupil between which a root vanishes: quadrature in ρ itself would converge slowly there.
    private static func segments(_ microscope: Microscope) -> [Segment] {
        let aperture = microscope.numericalAperture
        var indices = [microscope.immersionIndex, microscope.indexOfSample]
        if microscope.coverGlass.isThere { indices.append(microscope.coverGlass.index) }
        let least = indices.min()!
        guard aperture > least else { return [.propagating(index: least, aperture: aperture)] }
        return [.propagating(index: least, aperture: least), .evanescent(from: least, to: aperture)]
    }
}

/// A part of the pupil, and the variable in which its phase is smooth.
private enum Segment {
    /// From the axis: ρ = n sin t.
    case propagating(index: Double, aperture: Double)
    /// Beyond total reflection: ρ = a + (b − a) t².
    case evanescent(from: Double, to: Double)

    /// Where t, which starts at 0, ends.
    var end: Double {
        switch self {
        case .propagating(let index, let aperture): asin(aperture / index)
        case .evanescent: 1
        }
    }

    func aperture(_ t: Double) -> Double {
        switch self {
        case .propagating(let index, _): index * sin(t)
        case .evanescent(let low, let high): low + (high - low) * t * t
        }
    }

    /// dρ/dt.
    func slope(_ t: Double) -> Double {
        switch self {
        case .propagating(let index, _): index * cos(t)
        case .evanescent(let low, let high): 2 * (high - low) * t
        }
    }

    /// Half of the largest phase per step suffices for a quadrature that is exact for polynomials of twice its nodes.
    func nodeCount(_ layers: Layers, radius: Double, stages: ClosedRange<Double>) -> Int {
        let samples = 256
        let step = end / Double(samples)
        var steepest = 0.0
        for stage in [stages.lowerBound, stages.upperBound] {
            var last = layers.phase(aperture(0), stage: stage)
            for i in 1...samples {
                let phase = layers.phase(aperture(Double(i) * step), stage: stage)
                let turn = layers.wavenumber * radius * (aperture(Double(i) * step) - aperture(Double(i - 1) * step))
                steepest = max(steepest, abs(phase - last) + turn)
                last = phase
            }
        }
        return Int((0.35 * steepest * Double(samples)).rounded(.up)) + 24
    }
}

/// What light passes on its way between sample and objective.
private struct Layers {
    /// A medium, by its refractive index.
    struct Medium {
        let index: Double

        /// √(n² − ρ²), 0 where that is imaginary.
        func root(_ aperture: Double) -> Double { max(0, index * index - aperture * aperture).squareRoot() }

        /// Cosine of the angle to the axis.
        func cosine(_ aperture: Double) -> Complex {
            Complex(rootOf: 1 - aperture * aperture / (index * index))
        }
    }

    let wavenumber: Double
    let immersion: Medium
    let sample: Medium
    /// Nil where nothing lies between them.
    let glass: Medium?
    private let design: (immersion: Medium, glass: Medium)
    private let microscope: Microscope
    /// Stage position at which paraxial rays show the lower side of the glass sharp, from that of the design.
    private let origin: Double

    init(_ microscope: Microscope, wavenumber: Double) {
        self.microscope = microscope
        self.wavenumber = wavenumber
        let cover = microscope.coverGlass
        immersion = Medium(index: microscope.immersionIndex)
        sample = Medium(index: microscope.indexOfSample)
        glass = cover.isThere ? Medium(index: cover.index) : nil
        design = (
            Medium(index: microscope.immersionDesignIndex ?? microscope.immersionIndex),
            Medium(index: cover.designIndex)
        )
        origin =
            immersion.index
            * (cover.thickness / cover.index - cover.designThickness / cover.designIndex
                + microscope.workingDistance * (1 / immersion.index - 1 / design.immersion.index))
    }

    func phase(_ aperture: Double, stage: Double) -> Double {
        let cover = microscope.coverGlass
        var path = microscope.depth * sample.root(aperture) - (origin + stage) * immersion.root(aperture)
        path += microscope.workingDistance * (immersion.root(aperture) - design.immersion.root(aperture))
        if let glass {
            path += cover.thickness * glass.root(aperture) - cover.designThickness * design.glass.root(aperture)
        }
        return wavenumber * path
    }

    /// What is left of the light that travels along the glass, 0 ... 1.
    func decay(_ aperture: Double) -> Double {
        let square = aperture * aperture - sample.index * sample.index
        return square > 0 ? exp(-wavenumber * microscope.depth * square.squareRoot()) : 1
    }

    /// Amplitudes for the Bessel functions of order 0, and 1 and 2 where light has a polarization.
    ///
    /// Vectorial: I₀, √2 I₁ and I₂ of Török and Varga, equation 10, in ρ, with the factor √cos θ of an objective that
    /// obeys the sine condition. By reciprocity they hold for light that comes and for light that goes.
    func amplitudes(_ aperture: Double, model: Microscope.Model) -> [Complex] {
        guard model == .vectorial else { return [Complex(1)] }
        let (inner, outer) = (sample.cosine(aperture), immersion.cosine(aperture))
        var across = Complex(1)
        var within = Complex(1)
        let media = [immersion, glass, sample].compactMap { $0 }
        for (from, to) in zip(media, media.dropFirst()) {
            let (a, b) = (from.cosine(aperture), to.cosine(aperture))
            let entering = 2 * from.index * a
            across = across * entering / (from.index * a + to.index * b)
            within = within * entering / (to.index * a + from.index * b)
        }
        let apodization = 1 / outer.real.squareRoot()
        let sine = aperture / sample.index
        return [
            apodization * (across + within * inner), apodization * 2.0.squareRoot() * sine * within,
            apodization * (across - within * inner),
        ]
    }
}
