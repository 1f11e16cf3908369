package import DeconvVolume
import Glibc

/// How far an image a lies from a reference b.
///
/// A measure that a pair of images does not have, such as the PSNR of identical images, is nil here and `null` in JSON, which
/// has no infinity.
package struct ImageComparison: Sendable, Equatable {
    /// Number of voxel pairs.
    package let voxelCount: Int
    /// The factor that a was multiplied with before anything else, 1 unless the scale was matched.
    package let scale: Double
    /// ‖a − b‖ / ‖b‖; nil where b is zero everywhere.
    package let nrmse: Double?
    /// 10 log₁₀(max(b)² / mean (a − b)²), dB; nil where a equals b, or b has no positive voxel.
    package let psnr: Double?
    /// Pearson's correlation coefficient, −1 … 1; nil where one of the images is constant.
    package let pearson: Double?
    /// The largest |a − b|.
    package let maxAbsoluteDifference: Double
    /// The largest |a − b| over the largest |b|: of the brightest voxel, not of each voxel, so that dark voxels say nothing
    /// they do not know. Nil where b is zero everywhere.
    package let maxRelativeDifference: Double?
    /// The largest ‖a − b‖ of a row along x over the root mean square of ‖b‖ over all rows; nil where b is zero everywhere.
    ///
    /// A seam between tiles disturbs few rows: it shows here where it drowns in `nrmse`. The denominator is the same for
    /// every row, so empty rows do no harm.
    package let largestRowNRMSE: Double?
}

extension ImageComparison: Encodable {
    private enum CodingKeys: String, CodingKey {
        case voxelCount, scale, nrmse, psnr, pearson, maxAbsoluteDifference, maxRelativeDifference, largestRowNRMSE
    }

    /// Writes every key, `null` for a measure that does not exist.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(voxelCount, forKey: .voxelCount)
        try container.encode(scale, forKey: .scale)
        try container.encode(nrmse, forKey: .nrmse)
        try container.encode(psnr, forKey: .psnr)
        try container.encode(pearson, forKey: .pearson)
        try container.encode(maxAbsoluteDifference, forKey: .maxAbsoluteDifference)
        try container.encode(maxRelativeDifference, forKey: .maxRelativeDifference)
        try container.encode(largestRowNRMSE, forKey: .largestRowNRMSE)
    }
}

extension ImageComparison {
    /// Compares two images of one shape, all channels and time points, some planes at a time.
    /// - Parameters:
    ///   - image: a.
    ///   - reference: b.
    ///   - matchScale: multiplies a with the factor of `ScaleMatch` first; every voxel is then read twice.
    ///   - slabBytes: about how much of each image is in memory at once.
    ///   - memoryLimit: the most bytes that these voxels of both may take.
    /// - Throws: `DeconvolutionError`: `invalidArgument` where the shapes differ, `invalidData` for a voxel that is not
    ///   finite, `outOfMemory` where a plane of each takes more, and what reading throws.
    package init(
        of image: some VolumeSource,
        with reference: some VolumeSource,
        matchScale: Bool = false,
        slabBytes: Int = 256 << 20,
        memoryLimit: Int = .max
    ) throws(DeconvolutionError) {
        let layout = image.image
        guard layout.axesDescription == reference.image.axesDescription else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(image.name) has \(layout.axesDescription) and \(reference.name) "
                    + "\(reference.image.axesDescription); only images of one shape can be compared"
            )
        }
        guard [layout.shape.z, layout.shape.y, layout.shape.x].allSatisfy({ $0 > 0 }) else {
            throw DeconvolutionError(.invalidArgument, "\(image.name) has no voxels to compare")
        }
        // Their shape is only what files claim.
        let (z, plane) = (Double(layout.shape.z), Double(layout.shape.y) * Double(layout.shape.x))
        let voxelBytes = [layout, reference.image].reduce(0) { $0 + $1.pixelType.inMemory.byteCount + 4 }
        let bytes = max(plane, min(z * plane, Double(slabBytes) / 4)) * Double(voxelBytes)
        guard bytes <= Double(memoryLimit) else {
            throw DeconvolutionError(
                .outOfMemory,
                "\(image.name): planes of \(layout.shape.y)x\(layout.shape.x) voxels take \((bytes / 1e9).rounded(.up)) GB of "
                    + "memory to be compared, but \((Double(memoryLimit) / 1e9).rounded(.down)) GB are free; free some or crop them"
            )
        }
        var match = ScaleMatch()
        if matchScale {
            try Self.forEachSlab(image, reference, slabBytes) { a, b in match.add(a, b) }
        }
        var accumulator = Accumulator(rowLength: layout.shape.x, scale: matchScale ? match.scale : 1)
        try Self.forEachSlab(image, reference, slabBytes) { a, b in accumulator.add(a, b) }
        for (name, position) in [
            (image.name, accumulator.nonFiniteInImage), (reference.name, accumulator.nonFiniteInReference),
        ] {
            if let position {
                throw DeconvolutionError(
                    .invalidData,
                    "\(name) holds a voxel that is not a finite number at \(layout.place(of: position)); "
                        + "it cannot be compared"
                )
            }
        }
        self = accumulator.comparison
    }

    private static func forEachSlab(
        _ image: some VolumeSource,
        _ reference: some VolumeSource,
        _ slabBytes: Int,
        _ body: ([Float], [Float]) -> Void
    ) throws(DeconvolutionError) {
        let shape = image.image.shape
        let planesPerSlab = max(1, slabBytes / max(1, 4 * shape.planeVoxelCount))
        for timepoint in 0..<image.image.timepointCount {
            for channel in 0..<image.image.channelCount {
                for z in stride(from: 0, to: shape.z, by: planesPerSlab) {
                    let slab = Region(
                        origin: VolumeIndex(z: z, y: 0, x: 0),
                        shape: VolumeShape(z: min(planesPerSlab, shape.z - z), y: shape.y, x: shape.x)
                    )
                    let a = try image.read(slab, channel: channel, timepoint: timepoint)
                    let b = try reference.read(slab, channel: channel, timepoint: timepoint)
                    body(a.floats, b.floats)
                }
            }
        }
    }
}

extension ImageDescription {
    /// The axes in words, for example `3 channels of 88x320x481 voxels`.
    fileprivate var axesDescription: String {
        let times = timepointCount == 1 ? "" : "\(timepointCount) time points of "
        let channels = channelCount == 1 ? "" : "\(channelCount) channels of "
        return "\(times)\(channels)\(shape) voxels"
    }

    /// Where the voxel is that comes `position` voxels after the first, x fastest, then y, z, channel and time point.
    fileprivate func place(of position: Int) -> String {
        let (row, x) = position.quotientAndRemainder(dividingBy: shape.x)
        let (plane, y) = row.quotientAndRemainder(dividingBy: shape.y)
        let (volume, z) = plane.quotientAndRemainder(dividingBy: shape.z)
        let (timepoint, channel) = volume.quotientAndRemainder(dividingBy: channelCount)
        let times = timepointCount == 1 ? "" : ", time point \(timepoint)"
        let channels = channelCount == 1 ? "" : ", channel \(channel)"
        return "\(VolumeIndex(z: z, y: y, x: x))\(channels)\(times)"
    }
}
