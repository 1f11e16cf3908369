import DeconvSurvey
import DeconvTestSupport
import DeconvVolume
import Foundation

/// Blobs of light of which everything is known, photographed by a camera.
struct KnownScene {
    /// Photons of each voxel without noise, x fastest, one list a plane.
    private(set) var light: [[Double]]
    let width: Int
    let height: Int

    /// Blobs at random places.
    /// - Parameters:
    ///   - blobs: how many.
    ///   - spread: of a blob: standard deviation in voxels.
    ///   - peak: photons in the middle of the brightest.
    init(
        planes: Int = 24,
        height: Int = 96,
        width: Int = 96,
        blobs: Int,
        spread sigma: Double,
        peak: Double,
        seed: UInt64
    ) {
        (self.width, self.height) = (width, height)
        light = [[Double]](repeating: [Double](repeating: 0, count: width * height), count: planes)
        var generator = SeededGenerator(seed: seed)
        for number in 0..<blobs {
            let center = [planes, height, width].map { generator.uniform() * Double($0) }
            let amplitude = number == 0 ? peak : peak * (0.2 + 0.8 * generator.uniform())
            let rows = (0..<height).map { exp(-0.5 * pow((Double($0) - center[1]) / sigma, 2)) }
            let columns = (0..<width).map { exp(-0.5 * pow((Double($0) - center[2]) / sigma, 2)) }
            for z in 0..<planes {
                let depth = amplitude * exp(-0.5 * pow((Double(z) - center[0]) / (2 * sigma), 2))
                if depth < 1e-6 { continue }
                for y in 0..<height where rows[y] > 1e-6 {
                    for x in 0..<width { light[z][y * width + x] += depth * rows[y] * columns[x] }
                }
            }
        }
    }

    /// What a camera records.
    /// - Parameters:
    ///   - offset: counts without light.
    ///   - gain: counts a photon.
    ///   - readNoise: standard deviation, counts.
    func recorded(offset: Double, gain: Double = 1, readNoise: Double = 1.6, seed: UInt64 = 1) -> [[Float]] {
        var generator = SeededGenerator(seed: seed)
        return light.map { plane in
            plane.map { photons in
                let counts = gain * generator.poisson(photons) + offset + readNoise * generator.normal()
                return Float(max(counts.rounded(), 0))
            }
        }
    }

    /// The tiles of some planes.
    func tiles(_ planes: [[Float]]) -> [TileFigures] { planes.flatMap { TileFigures.tiles(of: $0, width: width) } }
}
