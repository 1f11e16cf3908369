/// Which volume of an image or a result.
package struct VolumePosition: Hashable, Sendable {
    /// Channel, from 0.
    package var channel: Int
    /// Time point, from 0.
    package var timepoint: Int

    /// A channel of a time point.
    package init(channel: Int, timepoint: Int) {
        self.channel = channel
        self.timepoint = timepoint
    }

    /// Its number in the order of a hyperstack, from 0: the channel is faster than time.
    package func number(channelCount: Int) -> Int { timepoint * channelCount + channel }
}

extension ImageDescription {
    /// Every volume, the channel faster than time.
    package var volumes: [VolumePosition] {
        (0..<timepointCount).flatMap { timepoint in
            (0..<channelCount).map { VolumePosition(channel: $0, timepoint: timepoint) }
        }
    }

    /// Number of volumes.
    package var volumeCount: Int { channelCount * timepointCount }
}
