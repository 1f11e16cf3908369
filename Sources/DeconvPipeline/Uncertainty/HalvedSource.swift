import DeconvMethods
import DeconvVolume

/// The halves of the photons of an image: time point 2t is the first half of that of t, 2t + 1 the second.
struct HalvedSource: VolumeSource {
    private let source: any VolumeSource
    /// One a channel.
    private let halves: [PhotonHalves]
    /// From so many counts on voxels stay what they are, one a channel: those that are saturated are known by that.
    private let limits: [Float]
    /// Whether planes that show nothing do so in both halves.
    private let keepsEmptyPlanes: Bool

    let image: ImageDescription

    /// - Parameters:
    ///   - source: the image as it is computed from.
    ///   - halves: one a channel.
    ///   - limits: from so many counts on voxels are saturated, one a channel; infinity for none.
    ///   - keepsEmptyPlanes: whether a plane of which all voxels are the same is parted without noise.
    init(_ source: any VolumeSource, _ halves: [PhotonHalves], limits: [Float], keepsEmptyPlanes: Bool) {
        self.source = source
        self.halves = halves
        self.limits = limits
        self.keepsEmptyPlanes = keepsEmptyPlanes
        var image = source.image
        image.timepointCount *= 2
        image.pixelType = .float32
        self.image = image
    }

    var name: String { source.name }

    func volumeName(channel: Int, timepoint: Int) -> String? {
        source.volumeName(channel: channel, timepoint: timepoint / 2)
    }

    func read(_ region: Region, channel: Int, timepoint: Int) throws(DeconvolutionError) -> VoxelData {
        let whole = image.shape
        let voxels = try source.read(region, channel: channel, timepoint: timepoint / 2).floats
        let half: PhotonHalves.Half = timepoint % 2 == 0 ? .first : .second
        let before = timepoint / 2 * whole.z
        var result = halves[channel].half(half, of: voxels, width: region.shape.x, limit: limits[channel]) { row in
            let z = before + region.origin.z + row / region.shape.y
            return UInt64((z * whole.y + region.origin.y + row % region.shape.y) * whole.x + region.origin.x)
        }
        if keepsEmptyPlanes {
            let count = region.shape.planeVoxelCount
            for start in stride(from: 0, to: voxels.count, by: count) {
                let plane = voxels[start..<start + count]
                guard plane.allSatisfy({ $0 == plane[start] }) else { continue }
                for index in start..<start + count { result[index] = voxels[index] / 2 }
            }
        }
        return .float32(result)
    }
}

/// Maps of an image for its halves: every time point twice.
struct RepeatedSource: VolumeSource {
    private let source: any VolumeSource

    let image: ImageDescription

    /// - Parameter source: one of one time point stays as it is.
    init(_ source: any VolumeSource) {
        self.source = source
        var image = source.image
        if image.timepointCount > 1 { image.timepointCount *= 2 }
        self.image = image
    }

    var name: String { source.name }
    var isInMemory: Bool { source.isInMemory }

    func volumeName(channel: Int, timepoint: Int) -> String? {
        source.volumeName(channel: channel, timepoint: timepoint / 2)
    }

    func read(_ region: Region, channel: Int, timepoint: Int) throws(DeconvolutionError) -> VoxelData {
        try source.read(region, channel: channel, timepoint: timepoint / 2)
    }
}
