import DeconvVolume
import Glibc

/// Where the parts of an invented cell go. Vectors are in µm in the order z, y, x, from the outer corner of the first voxel.
struct CellPlan {
    /// See `CellPhantom.filamentRadius`: three quarters of the finest voxel distance in the plane.
    let filamentRadius: Double
    /// The outline of the cell.
    let cell: Ellipsoid

    private let shape: VolumeShape
    private let spacing: SIMD3<Double>
    private let extent: SIMD3<Double>
    private let active: [Int]
    /// The longest side of the image, µm.
    private let longest: Double
    /// The shorter side of the image in the plane, µm.
    private let width: Double

    /// The plan of an image.
    init(shape: VolumeShape, spacing: VoxelSpacing) {
        self.shape = shape
        let size = SIMD3(spacing.z, spacing.y, spacing.x)
        let extent = SIMD3(Double(shape.z), Double(shape.y), Double(shape.x)) * size
        let active = (0..<3).filter { shape[$0] > 1 }
        let inPlane = active.filter { $0 > 0 }
        self.spacing = size
        self.extent = extent
        self.active = active
        longest = active.map { extent[$0] }.max() ?? 1
        width = (inPlane.isEmpty ? active : inPlane).map { extent[$0] }.min() ?? 1
        filamentRadius = 0.75 * ((inPlane.isEmpty ? active : inPlane).map { size[$0] }.min() ?? 1)
        var semiAxes = SIMD3<Double>(repeating: .infinity)
        for axis in active { semiAxes[axis] = 0.46 * extent[axis] }
        cell = Ellipsoid(center: extent / 2, semiAxes: semiAxes)
    }

    /// The outline of the nucleus: a little out of the middle, turned.
    func nucleus(using stream: inout RandomStream) -> Ellipsoid {
        var center = extent / 2
        for axis in active { center[axis] += extent[axis] * stream.uniform(-0.06...0.06) }
        var semiAxes = SIMD3(min(0.26 * extent[0], 0.16 * width), 0.15 * width, 0.21 * width)
        for axis in 0..<3 where !active.contains(axis) { semiAxes[axis] = .infinity }
        return Ellipsoid(center: center, semiAxes: semiAxes, angle: stream.uniform(0...Double.pi))
    }

    /// Stiff random curves from the nucleus to the rim of the cell.
    func filaments(around nucleus: Ellipsoid, using stream: inout RandomStream) -> [[CellPhantom.Position]] {
        guard !active.isEmpty else { return [] }
        let count = min(max(Int(width / spacing.max(inAxes: active) / 9), 3), 36)
        return (0..<count).map { _ in filament(around: nucleus, using: &stream) }
    }

    private func filament(around nucleus: Ellipsoid, using stream: inout RandomStream) -> [CellPhantom.Position] {
        let step = longest / 250
        let persistence = 0.6 * longest
        let stepCount = Int(stream.uniform(120...260))
        var point = nucleus.surfacePoint(towards: randomVector(using: &stream))
        var direction = normalized(flattened(nucleus.outward(at: point) + 0.9 * randomVector(using: &stream)))
        var positions = [CellPhantom.Position(point, spacing: spacing)]
        var stepsAlongRim = Int(stream.uniform(5...60))
        for _ in 0..<stepCount where stepsAlongRim > 0 {
            direction += (step / persistence).squareRoot() * flattened(randomVector(using: &stream))
            if nucleus.level(at: point) < 1.15 { direction += 0.1 * nucleus.outward(at: point) }
            let level = cell.level(at: point)
            if level > 0.8 {
                // Bends along the rim as a microtubule does that meets the membrane, and ends there.
                let outward = cell.outward(at: point)
                let towardsRim = max((direction * outward).sum(), 0)
                direction -= min((level - 0.8) / 0.15, 1) * towardsRim * outward
                if level > 0.9 { stepsAlongRim -= 1 }
            }
            direction = normalized(direction)
            point += step * direction
            if cell.level(at: point) > 1 { break }
            positions.append(CellPhantom.Position(point, spacing: spacing))
        }
        return positions
    }

    /// Points and small spheres inside the cell, outside the nucleus, and where there is room apart from each other.
    func beads(outside nucleus: Ellipsoid, using stream: inout RandomStream) -> [CellPhantom.Bead] {
        guard !active.isEmpty else {
            return [CellPhantom.Bead(position: CellPhantom.Position(extent / 2, spacing: spacing), radius: 0)]
        }
        let count = min(max(Int(width / spacing.max(inAxes: active) / 16), 2), 12)
        var beads: [CellPhantom.Bead] = []
        for index in 0..<2 * count {
            let radius = index < count ? 0 : filamentRadius * stream.uniform(2...3.5)
            guard let center = freePlace(for: radius, outside: nucleus, amid: beads, using: &stream) else { continue }
            beads.append(CellPhantom.Bead(position: CellPhantom.Position(center, spacing: spacing), radius: radius))
        }
        return beads
    }

    private func freePlace(
        for radius: Double,
        outside nucleus: Ellipsoid,
        amid beads: [CellPhantom.Bead],
        using stream: inout RandomStream
    ) -> SIMD3<Double>? {
        for _ in 0..<100 {
            var place = extent / 2
            for axis in active { place[axis] = stream.uniform(0...extent[axis]) }
            let isFree = beads.allSatisfy { other in
                let apart = other.position.micrometers(spacing) - place
                return (apart * apart).sum().squareRoot() > radius + other.radius + 8 * filamentRadius
            }
            if isFree && cell.level(at: place) < 0.85 && nucleus.distance(to: place) > radius + 2 * filamentRadius {
                return place
            }
        }
        return nil
    }

    /// A vector of normal deviates along the axes that the image has.
    private func randomVector(using stream: inout RandomStream) -> SIMD3<Double> {
        var vector = SIMD3<Double>()
        for axis in active { vector[axis] = stream.normal() }
        return vector
    }

    /// A vector squeezed to the proportions of the cell: in a flat cell filaments run along it.
    private func flattened(_ vector: SIMD3<Double>) -> SIMD3<Double> {
        var squeezed = vector
        for axis in active { squeezed[axis] *= extent[axis] / longest }
        return squeezed
    }

    private func normalized(_ vector: SIMD3<Double>) -> SIMD3<Double> {
        let length = (vector * vector).sum().squareRoot()
        return length > 0 ? vector / length : vector
    }
}

extension SIMD3<Double> {
    /// The largest component along some axes, in the plane where there is one.
    fileprivate func max(inAxes axes: [Int]) -> Double {
        let inPlane = axes.filter { $0 > 0 }
        return (inPlane.isEmpty ? axes : inPlane).map { self[$0] }.max() ?? 1
    }
}
