package import DeconvVolume

/// A stack that beads were recorded in.
package struct BeadField: Sendable {
    /// The file or array.
    package let source: any VolumeSource
    /// Which of its channels, from 0.
    package let channel: Int
    /// Which of its time points, from 0.
    package let timepoint: Int

    /// One volume of a file or array.
    /// - Parameters:
    ///   - channel: 0 ..< `source.image.channelCount`.
    ///   - timepoint: 0 ..< `source.image.timepointCount`.
    package init(_ source: any VolumeSource, channel: Int = 0, timepoint: Int = 0) {
        self.source = source
        self.channel = channel
        self.timepoint = timepoint
    }

    /// What messages call it.
    package var name: String { source.name(channel: channel, timepoint: timepoint) }

    /// Voxels per axis.
    package var shape: VolumeShape { source.image.shape }

    /// The voxels of a box.
    func read(_ region: Region) throws(DeconvolutionError) -> [Float] {
        try source.read(region, channel: channel, timepoint: timepoint).floats
    }
}
