package import DeconvVolume
import Dispatch
import Glibc

/// Rows of soft blobs with noise of the variance of counts, made in a moment: what a benchmark computes on.
///
/// Its voxels look like those of a recording to an engine, and to nobody else: `CellPhantom` and `Camera` are for people.
package struct SyntheticVolume: Sendable {
    /// Voxels between two blobs along z, y and x.
    private static let period = VolumeShape(z: 20, y: 32, x: 36)

    /// Voxels per axis.
    package let shape: VolumeShape
    /// Names the noise; the same seed gives the same voxels on every machine.
    package let seed: UInt64

    /// A volume of a shape, each axis at least 1.
    package init(shape: VolumeShape, seed: UInt64) {
        precondition(shape.voxelCount > 0, "a volume has voxels")
        self.shape = shape
        self.seed = seed
    }

    /// The voxels, and the mean of them; 20 counts between the blobs and about 420 in their middle.
    package func render() -> (voxels: [UInt16], mean: Double) {
        let profiles = (0..<3).map { axis in
            (0..<shape[axis]).map { index in
                let angle = 2 * Double.pi * (Double(index) + 0.5) / Double(Self.period[axis])
                let wave = 0.5 - 0.5 * cos(angle)
                return Float(wave * wave)
            }
        }
        var sums = [Double](repeating: 0, count: shape.z)
        let voxels = [UInt16](unsafeUninitializedCapacity: shape.voxelCount) { voxels, count in
            sums.withUnsafeMutableBufferPointer { sums in
                // Each plane touches its own voxels and its own sum only.
                nonisolated(unsafe) let voxels = voxels
                nonisolated(unsafe) let sums = sums
                DispatchQueue.concurrentPerform(iterations: shape.z) { z in
                    let start = z * shape.planeVoxelCount
                    let plane = UnsafeMutableBufferPointer(rebasing: voxels[start..<start + shape.planeVoxelCount])
                    sums[z] = renderPlane(z, profiles, into: plane)
                }
            }
            count = shape.voxelCount
        }
        return (voxels, sums.reduce(0, +) / Double(shape.voxelCount))
    }

    private func renderPlane(_ z: Int, _ profiles: [[Float]], into plane: UnsafeMutableBufferPointer<UInt16>) -> Double
    {
        var stream = RandomStream(seed: seed, index: UInt64(z))
        var sum = 0
        for y in 0..<shape.y {
            let height = 400 * profiles[0][z] * profiles[1][y]
            for x in 0..<shape.x {
                let mean = 20 + height * profiles[2][x]
                // Four uniform numbers of 16 bits: nearly normal, and many times quicker than counts of photons.
                let word = stream.next()
                let parts = (word & 0xFFFF) + (word >> 16 & 0xFFFF) + (word >> 32 & 0xFFFF) + (word >> 48)
                let deviate = (Float(parts) - 131070) * (Float(3).squareRoot() / 65536)
                let count = UInt16(max(mean + mean.squareRoot() * deviate, 0).rounded())
                plane[y * shape.x + x] = count
                sum += Int(count)
            }
        }
        return Double(sum)
    }
}
