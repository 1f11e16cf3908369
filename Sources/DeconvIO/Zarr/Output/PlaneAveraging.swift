import DeconvVolume

/// Makes a smaller volume of one whose planes come in order: the mean of 2 voxels along each axis that is halved, or of the one
/// that is left at the end of an odd extent.
final class PlaneAveraging {
    /// Where the smaller planes go.
    typealias Target = (_ plane: UnsafeBufferPointer<Float>) throws(DeconvolutionError) -> Void

    private let source: VolumeShape
    private let step: VolumeShape
    private let target: VolumeShape
    private let plane: ByteBuffer
    /// Whether the first of two planes is in `plane`.
    private var isPending = false

    /// - Parameters:
    ///   - source: shape of the volume that comes.
    ///   - step: how many of its voxels become one, per axis: 1 or 2.
    ///   - name: what a message on memory names.
    init(_ source: VolumeShape, step: VolumeShape, for name: String) throws(DeconvolutionError) {
        self.source = source
        self.step = step
        target = PyramidPlan.shape(of: source, step)
        plane = try ByteBuffer(byteCount: target.planeVoxelCount * 4, for: name)
    }

    /// Takes the next plane, and gives away the smaller one that it completes, if it does.
    func append(_ source: UnsafeBufferPointer<Float>, to target: Target) throws(DeconvolutionError) {
        let mean = plane.bytes.assumingMemoryBound(to: Float.self)
        for row in 0..<self.target.y {
            let first = row * step.y
            let second = min(first + step.y - 1, self.source.y - 1)
            average(
                source.baseAddress! + first * self.source.x,
                source.baseAddress! + second * self.source.x,
                into: mean.baseAddress! + row * self.target.x
            )
        }
        if step.z == 2, !isPending {
            isPending = true
        } else {
            isPending = false
            try target(UnsafeBufferPointer(mean))
        }
    }

    /// Gives away the last plane where it has no other.
    func finish(to target: Target) throws(DeconvolutionError) {
        guard isPending else { return }
        isPending = false
        try target(UnsafeBufferPointer(plane.bytes.assumingMemoryBound(to: Float.self)))
    }

    /// The means of two rows, which are one row twice where there is no second one; of these and what is in `row`, where that is
    /// the first of two planes.
    private func average(
        _ first: UnsafePointer<Float>,
        _ second: UnsafePointer<Float>,
        into row: UnsafeMutablePointer<Float>
    ) {
        let wholeCount = step.x == 2 ? source.x / 2 : 0
        if isPending {
            for x in 0..<wholeCount {
                let mean = ((first[2 &* x] + first[2 &* x &+ 1]) + (second[2 &* x] + second[2 &* x &+ 1])) * 0.25
                row[x] = (row[x] + mean) * 0.5
            }
        } else {
            for x in 0..<wholeCount {
                row[x] = ((first[2 &* x] + first[2 &* x &+ 1]) + (second[2 &* x] + second[2 &* x &+ 1])) * 0.25
            }
        }
        for x in wholeCount..<target.x {
            let mean = (first[x &* step.x] + second[x &* step.x]) * 0.5
            row[x] = isPending ? (row[x] + mean) * 0.5 : mean
        }
    }
}
