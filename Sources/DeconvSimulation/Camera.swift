import Dispatch
package import DeconvVolume

/// A camera with gain 1: photons arrive with Poisson noise, the electronics add an offset and Gaussian read noise, and the
/// sum is rounded and stored in 16 bits.
///
///     count = round(Poisson(expected) + offset + readNoise · normal), kept within 0 … 65535
package struct Camera: Sendable {
    /// Counts of a pixel that no light reaches.
    package let offset: Double
    /// Standard deviation of the read noise, photons.
    package let readNoise: Double
    /// Same seed, same image: on every machine and with any number of threads.
    package let seed: UInt64

    /// A camera from its parts.
    /// - Parameters:
    ///   - offset: 0 … 65535 counts.
    ///   - readNoise: at least 0, photons.
    ///   - seed: names the noise.
    /// - Throws: `DeconvolutionError` (`invalidArgument`) for a value outside its range.
    package init(offset: Double = 100, readNoise: Double = 1.5, seed: UInt64 = 0) throws(DeconvolutionError) {
        guard offset >= 0 && offset <= 65535 else {
            throw DeconvolutionError(.invalidArgument, "a camera offset of \(offset) is not within 0 and 65535 counts")
        }
        guard readNoise >= 0 && readNoise.isFinite else {
            throw DeconvolutionError(.invalidArgument, "a read noise of \(readNoise) photons is not a number from 0 on")
        }
        self.offset = offset
        self.readNoise = readNoise
        self.seed = seed
    }

    /// What the camera records of one plane.
    /// - Parameters:
    ///   - expected: photons per voxel; negative values count as 0.
    ///   - index: which plane of the whole recording it is. It names the plane's own noise, so planes may come in any order.
    /// - Throws: `DeconvolutionError` (`invalidData`) for a value that is not finite.
    package func record(plane expected: [Float], index: Int) throws(DeconvolutionError) -> Recording {
        precondition(index >= 0, "planes are counted from 0")
        if let position = expected.firstIndex(where: { !$0.isFinite }) {
            throw DeconvolutionError(
                .invalidData,
                "plane \(index) of the expected image holds \(expected[position]) at voxel \(position); it needs finite values"
            )
        }
        var counts = [UInt16](repeating: 0, count: expected.count)
        let saturatedCount = expected.withUnsafeBufferPointer { light in
            counts.withUnsafeMutableBufferPointer { record(light, index: index, into: $0) }
        }
        return Recording(counts: counts, saturatedCount: saturatedCount)
    }

    /// What the camera records of a volume, plane by plane on all cores.
    /// - Parameters:
    ///   - expected: photons per voxel; negative values count as 0.
    ///   - firstPlane: index of the volume's first plane in the whole recording, as in `record(plane:index:)`.
    /// - Throws: `DeconvolutionError` (`invalidData`) for a value that is not finite.
    package func record(_ expected: Volume, firstPlane: Int = 0) throws(DeconvolutionError) -> Recording {
        precondition(firstPlane >= 0, "planes are counted from 0")
        let shape = expected.shape
        if let position = expected.voxels.firstIndex(where: { !$0.isFinite }) {
            let (row, x) = position.quotientAndRemainder(dividingBy: shape.x)
            let (z, y) = row.quotientAndRemainder(dividingBy: shape.y)
            throw DeconvolutionError(
                .invalidData,
                "the expected image holds \(expected.voxels[position]) at \(VolumeIndex(z: z, y: y, x: x)); "
                    + "it needs finite values"
            )
        }
        var counts = [UInt16](repeating: 0, count: shape.voxelCount)
        var saturated = [Int](repeating: 0, count: shape.z)
        expected.voxels.withUnsafeBufferPointer { light in
            counts.withUnsafeMutableBufferPointer { counts in
                saturated.withUnsafeMutableBufferPointer { saturated in
                    // Each plane touches its own voxels only.
                    nonisolated(unsafe) let light = light
                    nonisolated(unsafe) let counts = counts
                    nonisolated(unsafe) let saturated = saturated
                    DispatchQueue.concurrentPerform(iterations: shape.z) { z in
                        let range = z * shape.planeVoxelCount..<(z + 1) * shape.planeVoxelCount
                        saturated[z] = record(
                            UnsafeBufferPointer(rebasing: light[range]),
                            index: firstPlane + z,
                            into: UnsafeMutableBufferPointer(rebasing: counts[range])
                        )
                    }
                }
            }
        }
        return Recording(counts: counts, saturatedCount: saturated.reduce(0, +))
    }

    private func record(
        _ light: UnsafeBufferPointer<Float>,
        index: Int,
        into counts: UnsafeMutableBufferPointer<UInt16>
    ) -> Int {
        var stream = RandomStream(seed: seed, index: UInt64(index))
        var saturatedCount = 0
        for position in light.indices {
            // A million photons saturate 16 bits with certainty, and keep every sum small.
            let photons = PoissonDistribution(mean: min(Double(light[position]), 1e6)).sample(using: &stream)
            let noise = readNoise > 0 ? readNoise * stream.normal() : 0
            let count = (Double(photons) + offset + noise).rounded()
            if count > 65535 { saturatedCount += 1 }
            counts[position] = UInt16(min(max(count, 0), 65535))
        }
        return saturatedCount
    }
}

extension Camera {
    /// A recorded image.
    package struct Recording: Sendable, Equatable {
        /// Counts in the order of the expected image.
        package let counts: [UInt16]
        /// Number of voxels that 16 bits could not hold and that stand at 65535.
        package let saturatedCount: Int
    }
}
