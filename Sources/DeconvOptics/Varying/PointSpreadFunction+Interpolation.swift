package import DeconvVolume

extension PointSpreadFunction {
    /// By how much it differs from the mean of two others, whose centers lie on its own: √Σ(difference²) / √Σ psf².
    package func difference(fromMeanOf a: PointSpreadFunction, _ b: PointSpreadFunction) -> Double {
        let shape = VolumeShape { axis in [self, a, b].map { $0.shape[axis] }.max()! }
        let (own, first, second) = (padded(to: shape), a.padded(to: shape), b.padded(to: shape))
        var (sum, energy) = (0.0, 0.0)
        for index in own.indices {
            let difference = Double(own[index]) - (Double(first[index]) + Double(second[index])) / 2
            sum += difference * difference
            energy += Double(own[index]) * Double(own[index])
        }
        return (sum / energy).squareRoot()
    }

    /// Its voxels in a larger box, with 0 around them, where the center stays voxel n/2.
    package func padded(to larger: VolumeShape) -> [Float] {
        if larger == shape { return voxels }
        let first = VolumeIndex { larger[$0] / 2 - shape[$0] / 2 }
        var padded = [Float](repeating: 0, count: larger.voxelCount)
        for z in 0..<shape.z {
            for y in 0..<shape.y {
                let target = ((z + first.z) * larger.y + y + first.y) * larger.x + first.x
                let source = (z * shape.y + y) * shape.x
                padded.replaceSubrange(target..<target + shape.x, with: voxels[source..<source + shape.x])
            }
        }
        return padded
    }
}
