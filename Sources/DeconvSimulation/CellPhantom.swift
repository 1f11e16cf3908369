package import DeconvVolume
import Glibc

/// An invented cell whose every photon is known: the truth for simulated images.
///
/// A nuclear envelope, filaments that grow from it towards the rim of the cell, beads, and a dim cytoplasm. Everything is
/// laid out in micrometers, so voxels of any proportions give the same cell; its finest structures are as thin as the
/// voxels are, so that blurring and deconvolving it shows. Same shape, spacing and seed: same cell.
package struct CellPhantom: Sendable {
    /// Voxels per axis; an axis of one voxel makes a flat cell.
    package let shape: VolumeShape
    /// Size of a voxel.
    package let spacing: VoxelSpacing
    /// Photons of the brightest voxel.
    package let peakPhotons: Double
    /// Standard deviation of a filament's Gaussian cross-section, and half the thickness of the nuclear envelope, µm.
    package let filamentRadius: Double
    /// The curves, each a list of points.
    package let filaments: [[Position]]
    /// The points and spheres.
    package let beads: [Bead]

    private let cell: Ellipsoid
    private let nucleus: Ellipsoid

    /// A cell that fills the image.
    /// - Parameters:
    ///   - shape: at least one voxel along each axis.
    ///   - spacing: positive and finite.
    ///   - seed: names the cell.
    ///   - peakPhotons: photons of the brightest voxel, positive.
    /// - Throws: `DeconvolutionError` (`invalidArgument`) for a value outside its range.
    package init(
        shape: VolumeShape,
        spacing: VoxelSpacing = VoxelSpacing(z: 0.2, y: 0.1, x: 0.1),
        seed: UInt64 = 0,
        peakPhotons: Double = 1000
    ) throws(DeconvolutionError) {
        let (plane, planeOverflows) = shape.y.multipliedReportingOverflow(by: shape.x)
        let (count, overflows) = plane.multipliedReportingOverflow(by: shape.z)
        guard !planeOverflows && !overflows && count > 0 else {
            throw DeconvolutionError(
                .invalidArgument,
                "a phantom of \(shape) voxels cannot be made; give three sizes from 1 on"
            )
        }
        guard spacing.isValid else {
            throw DeconvolutionError(.invalidArgument, "a voxel of \(spacing) cannot be; give three positive distances")
        }
        guard peakPhotons > 0 && peakPhotons <= 1e12 else {
            throw DeconvolutionError(.invalidArgument, "a peak of \(peakPhotons) photons is not within 0 and 1e12")
        }
        self.shape = shape
        self.spacing = spacing
        self.peakPhotons = peakPhotons
        let plan = CellPlan(shape: shape, spacing: spacing)
        var stream = RandomStream(seed: seed)
        filamentRadius = plan.filamentRadius
        cell = plan.cell
        nucleus = plan.nucleus(using: &stream)
        filaments = plan.filaments(around: nucleus, using: &stream)
        beads = plan.beads(outside: nucleus, using: &stream)
    }

    /// The truth: photons per voxel, the brightest `peakPhotons`.
    package func render() -> Volume {
        let size = SIMD3(spacing.z, spacing.y, spacing.x)
        var canvas = PhantomCanvas(shape: shape, spacing: size)
        let cell = cell
        let nucleus = nucleus
        let envelope = filamentRadius
        // So dim that its border needs no finer steps. Inside the cell, outside the nucleus.
        canvas.addSolid(density: Brightness.cytoplasm, samples: 2, within: cell, where: -Double.infinity...0) { point in
            max(cell.distance(to: point), -nucleus.distance(to: point))
        }
        canvas.addSolid(
            density: Brightness.envelope,
            within: nucleus.grown(by: 2 * envelope),
            where: -envelope...envelope
        ) { nucleus.distance(to: $0) }
        for filament in filaments { draw(filament, into: &canvas) }
        for bead in beads { draw(bead, into: &canvas) }
        let brightest = canvas.voxels.max() ?? 0
        let scale = brightest > 0 ? Float(peakPhotons) / brightest : 0
        return Volume(shape: shape, voxels: canvas.voxels.map { $0 * scale }, spacing: spacing)
    }

    private func draw(_ filament: [Position], into canvas: inout PhantomCanvas) {
        let size = canvas.spacing
        let active = (0..<3).filter(canvas.isActive)
        let step = 0.5 * min(filamentRadius, active.map { size[$0] }.min() ?? 1)
        // A Gaussian cross-section with density 1 on its axis, counted in voxels.
        var crossSection = 1.0
        for _ in active.dropFirst() { crossSection *= filamentRadius * (2 * Double.pi).squareRoot() }
        let voxel = active.reduce(1) { $0 * size[$1] }
        for (start, end) in zip(filament, filament.dropFirst()) {
            let from = start.micrometers(size)
            let path = end.micrometers(size) - from
            let length = (path * path).sum().squareRoot()
            let count = max(1, Int((length / step).rounded(.up)))
            let light = Brightness.filament * crossSection * length / Double(count) / voxel
            for index in 0..<count {
                let center = from + path * ((Double(index) + 0.5) / Double(count))
                canvas.addBlob(center: center, sigma: SIMD3(repeating: filamentRadius), light: light)
            }
        }
    }

    private func draw(_ bead: Bead, into canvas: inout PhantomCanvas) {
        let center = bead.position.micrometers(canvas.spacing)
        if bead.radius == 0 {
            // 0.4 voxels wide: narrow enough for a point, wide enough for its center of mass to be its position.
            canvas.addBlob(center: center, sigma: 0.4 * canvas.spacing, light: Brightness.point)
        } else {
            var semiAxes = SIMD3(repeating: bead.radius)
            for axis in 0..<3 where !canvas.isActive(axis) { semiAxes[axis] = .infinity }
            let sphere = Ellipsoid(center: center, semiAxes: semiAxes)
            canvas.addSolid(density: Brightness.sphere, within: sphere, where: -Double.infinity...0) {
                sphere.distance(to: $0)
            }
        }
    }

    /// Photons of a voxel that a structure fills, before scaling. After a blur filaments and points are about equally bright.
    private enum Brightness {
        static let cytoplasm = 0.004
        static let envelope = 0.12
        static let filament = 0.35
        static let sphere = 0.5
        /// All light of a point, about half of which falls into its brightest voxel.
        static let point = 2.0
    }
}

extension CellPhantom {
    /// A place in the image, in voxels: the middle of voxel (z, y, x) is at (z, y, x).
    package struct Position: Hashable, Sendable {
        /// Along z, voxels.
        package let z: Double
        /// Along y, voxels.
        package let y: Double
        /// Along x, voxels.
        package let x: Double

        /// The place that lies `micrometers` from the outer corner of the first voxel.
        init(_ micrometers: SIMD3<Double>, spacing: SIMD3<Double>) {
            let voxels = micrometers / spacing - 0.5
            z = voxels[0]
            y = voxels[1]
            x = voxels[2]
        }

        /// Distance from the outer corner of the first voxel, µm, in the order z, y, x.
        func micrometers(_ spacing: SIMD3<Double>) -> SIMD3<Double> { (SIMD3(z, y, x) + 0.5) * spacing }
    }

    /// A bead of even brightness.
    package struct Bead: Hashable, Sendable {
        /// Its center.
        package let position: Position
        /// Its radius, µm; 0 for a point, which light microscopes cannot tell from a small bead.
        package let radius: Double
    }
}
