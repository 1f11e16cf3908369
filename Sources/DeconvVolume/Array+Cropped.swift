extension Array {
    /// The elements of a box, where the array holds a volume of `shape` with x fastest.
    public func cropped(from shape: VolumeShape, to region: Region) -> [Element] {
        precondition(Region(shape).contains(region), "\(region) lies outside \(shape)")
        var box: [Element] = []
        box.reserveCapacity(region.shape.voxelCount)
        for z in region.zRange {
            for y in region.yRange {
                let row = (z * shape.y + y) * shape.x
                box.append(contentsOf: self[row + region.xRange.lowerBound..<row + region.xRange.upperBound])
            }
        }
        return box
    }
}
