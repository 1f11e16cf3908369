import Glibc

/// An ellipsoid that lies in the plane of the image, turned about z; lengths in µm, vectors in the order z, y, x.
///
/// An infinite semi-axis makes a cylinder along that axis: the shape of an image with one plane.
struct Ellipsoid: Sendable {
    /// Its middle, µm.
    let center: SIMD3<Double>
    /// Half its extent along z and along its own two axes in the plane, µm.
    let semiAxes: SIMD3<Double>
    private let inverse: SIMD3<Double>
    private let cosine: Double
    private let sine: Double

    /// An ellipsoid from its parts; `angle` turns it about z, radians.
    init(center: SIMD3<Double>, semiAxes: SIMD3<Double>, angle: Double = 0) {
        self.init(center, semiAxes, cosine: cos(angle), sine: sin(angle))
    }

    private init(_ center: SIMD3<Double>, _ semiAxes: SIMD3<Double>, cosine: Double, sine: Double) {
        self.center = center
        self.semiAxes = semiAxes
        self.cosine = cosine
        self.sine = sine
        // 0 for an infinite axis: nothing changes along it.
        inverse = 1 / semiAxes
    }

    /// The ellipsoid with `margin` micrometers added to every semi-axis.
    func grown(by margin: Double) -> Ellipsoid {
        Ellipsoid(center, semiAxes + margin, cosine: cosine, sine: sine)
    }

    /// Distance to the surface, µm, negative inside; exact for spheres and on the surface, to first order elsewhere.
    func distance(to point: SIMD3<Double>) -> Double {
        let scaled = local(point) * inverse
        let level = (scaled * scaled).sum().squareRoot()
        let slope = scaled * inverse
        let steepness = (slope * slope).sum().squareRoot()
        return steepness > 0 ? level * (level - 1) / steepness : -semiAxes.min()
    }

    /// 1 on the surface, 0 in the middle, growing linearly outwards.
    func level(at point: SIMD3<Double>) -> Double {
        let scaled = local(point) * inverse
        return (scaled * scaled).sum().squareRoot()
    }

    /// The unit vector that leads straight out of the ellipsoid.
    func outward(at point: SIMD3<Double>) -> SIMD3<Double> {
        let slope = local(point) * inverse * inverse
        let turned = SIMD3(slope[0], cosine * slope[1] - sine * slope[2], sine * slope[1] + cosine * slope[2])
        let length = (turned * turned).sum().squareRoot()
        return length > 0 ? turned / length : SIMD3()
    }

    /// A point of the surface, from a direction in the ellipsoid's own axes.
    func surfacePoint(towards direction: SIMD3<Double>) -> SIMD3<Double> {
        var scaled = direction
        for axis in 0..<3 where semiAxes[axis] == .infinity { scaled[axis] = 0 }
        let length = (scaled * scaled).sum().squareRoot()
        guard length > 0 else { return center }
        scaled /= length
        var point = SIMD3<Double>()
        for axis in 0..<3 where semiAxes[axis] < .infinity { point[axis] = scaled[axis] * semiAxes[axis] }
        return center + SIMD3(point[0], cosine * point[1] - sine * point[2], sine * point[1] + cosine * point[2])
    }

    private func local(_ point: SIMD3<Double>) -> SIMD3<Double> {
        let p = point - center
        return SIMD3(p[0], cosine * p[1] + sine * p[2], cosine * p[2] - sine * p[1])
    }
}
