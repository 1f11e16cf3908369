public import DeconvVolume

/// How well the voxels of an image recorded light: the f of y = f·Hx + b.
///
/// Both maps have the image's shape, or one plane for all of its planes; one channel for all or one each; one time point for
/// all or one each.
public struct Sensitivity: Sendable {
    /// The sensitivity of each voxel in any unit, finite and at least 0; a voxel of 0 is bad. It is divided by its mean over
    /// the voxels above 0 that the mask calls good, so that intensities keep their scale. A mask that changes with time
    /// is left out of that mean, so that they keep one scale.
    package var flatField: (any VolumeSource)?
    /// 0 on bad voxels, anything else on good ones. What the image holds on a bad voxel does not count, not even NaN.
    package var mask: (any VolumeSource)?
    /// Whether a mask that changes with time counts in the mean of the flat field all the same, so that volumes do not depend on
    /// each other.
    package var meansAreOfVolumes = false

    /// The maps of one volume in memory.
    /// - Parameters:
    ///   - flatField: the sensitivity of each voxel in any unit, finite and at least 0; only its ratios count. Nil for a
    ///     perfect camera.
    ///   - mask: 0 on bad voxels, anything else on good ones; nil where all are good.
    public init(flatField: Volume? = nil, mask: Volume? = nil) {
        self.flatField = flatField.map { ArraySource($0, name: "the flat field") }
        self.mask = mask.map { ArraySource($0, name: "the mask") }
    }

    /// Maps from files or arrays of any number of channels and time points.
    package init(flatFieldSource: (any VolumeSource)?, maskSource: (any VolumeSource)?) {
        flatField = flatFieldSource
        mask = maskSource
    }

    /// Whether there is no map, so that f = 1.
    package var isEmpty: Bool { flatField == nil && mask == nil }

    /// Those that there are, the flat field first.
    var maps: [any VolumeSource] { [flatField, mask].compactMap(\.self) }

    /// Checks that the maps belong to an image.
    /// - Throws: `invalidData` naming the map, with both shapes.
    func check(against image: any VolumeSource) throws(DeconvolutionError) {
        for map in maps {
            let (ours, theirs) = (map.image, image.image)
            let plane = VolumeShape(z: 1, y: theirs.shape.y, x: theirs.shape.x)
            if ours.shape == theirs.shape || ours.shape == plane,
                ours.channelCount == 1 || ours.channelCount == theirs.channelCount,
                ours.timepointCount == 1 || ours.timepointCount == theirs.timepointCount
            {
                continue
            }
            throw DeconvolutionError(
                .invalidData,
                "\(map.name) has \(ours.sizeInWords), but \(image.name) has \(theirs.sizeInWords); give as many, or one "
                    + "plane, channel or time point for all"
            )
        }
    }
}

extension ImageDescription {
    /// For example `8x24x28 voxels, 1 channel, 3 time points`.
    var sizeInWords: String {
        "\(shape) voxels, \(channelCount) channel\(channelCount == 1 ? "" : "s"), "
            + "\(timepointCount) time point\(timepointCount == 1 ? "" : "s")"
    }
}
