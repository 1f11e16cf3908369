package import DeconvVolume

/// Volumes in arrays whose leading axes broadcast as in NumPy: an image, its PSFs and maps, and the result.
///
/// To a job each PSF is a channel, and the volumes that it goes with are time points.
package struct VolumeBatch: Sendable {
    /// What goes in and what comes out.
    package struct Arrays: Sendable {
        /// (..., z, y, x), as everything here.
        package var image: StridedArray
        /// (..., a, b, c), one a place where PSFs differ from place to place, all of one shape.
        package var psfs: [StridedArray]
        /// See `Sensitivity`.
        package var flatField: StridedArray?
        /// See `Sensitivity`.
        package var mask: StridedArray?
        /// `float32`, of the shape that all leading axes broadcast to, without elements that share memory.
        package var result: StridedArray

        /// Arrays of at least three axes.
        package init(
            image: StridedArray,
            psfs: [StridedArray],
            flatField: StridedArray? = nil,
            mask: StridedArray? = nil,
            result: StridedArray
        ) {
            self.image = image
            self.psfs = psfs
            self.flatField = flatField
            self.mask = mask
            self.result = result
        }
    }

    private let arrays: Arrays
    private let description: ImageDescription
    private let imageOffsets: [Int]
    private let flatFieldOffsets: [Int]
    private let maskOffsets: [Int]
    private let resultOffsets: [Int]

    /// Matches arrays.
    /// - Parameters:
    ///   - spacing: of the image's voxels, µm.
    ///   - resultName: what messages call the result.
    /// - Throws: `invalidArgument` with the shapes where they do not go together.
    package init(
        _ arrays: Arrays,
        spacing: VoxelSpacing? = nil,
        resultName: String = "the result"
    ) throws(DeconvolutionError) {
        self.arrays = arrays
        let image = arrays.image
        let leading = try Self.broadcast(
            [
                ("the image", image), ("the PSF", arrays.psfs[0]), ("the flat field", arrays.flatField),
                ("the mask", arrays.mask),
            ].compactMap { name, array in array.map { (name, $0.leadingShape) } }
        )
        let volumeCount = leading.reduce(1) { count, extent in
            let (product, overflows) = count.multipliedReportingOverflow(by: max(extent, 1))
            return overflows ? .max : product
        }
        guard volumeCount <= 1 << 31 else {
            throw DeconvolutionError(.invalidArgument, "the arrays have \(leading) volumes; give fewer than 2^31")
        }
        let expected = leading + image.shape.suffix(3)
        guard arrays.result.shape == expected, arrays.result.pixelType == .float32 else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(resultName) has shape \(arrays.result.shape) and type \(arrays.result.pixelType.rawValue); give float32 "
                    + "of shape \(expected)"
            )
        }
        guard !zip(arrays.result.shape, arrays.result.strides).contains(where: { $0 > 1 && $1 == 0 }) else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(resultName) has a stride of 0, so that elements share memory; give one with memory for each"
            )
        }
        for (name, map) in [("the flat field", arrays.flatField), ("the mask", arrays.mask)] {
            guard let map else { continue }
            let (ours, theirs) = (map.volumeShape, image.volumeShape)
            guard ours == theirs || ours == VolumeShape(z: 1, y: theirs.y, x: theirs.x) else {
                throw DeconvolutionError(
                    .invalidArgument,
                    "\(name) has volumes of \(ours), but the image of \(theirs); give as many voxels, or one plane for all"
                )
            }
        }
        // Volumes in the order of their PSFs, and of the result among those of one PSF.
        let psfNumbers = Self.offsets(of: arrays.psfs[0].numbered, in: leading)
        let order = psfNumbers.indices.sorted { (psfNumbers[$0], $0) < (psfNumbers[$1], $1) }
        let channelCount = max(arrays.psfs[0].leadingShape.reduce(1, *), 1)
        // As a job counts them, the channel is the faster one.
        let perChannel = order.count / channelCount
        let positions = (0..<order.count).map { order[$0 % channelCount * perChannel + $0 / channelCount] }
        func offsets(_ array: StridedArray?) -> [Int] {
            guard let array else { return [] }
            let all = Self.offsets(of: array, in: leading)
            return positions.map { all[$0] }
        }
        imageOffsets = offsets(image)
        flatFieldOffsets = offsets(arrays.flatField)
        maskOffsets = offsets(arrays.mask)
        resultOffsets = offsets(arrays.result)
        description = ImageDescription(
            shape: image.volumeShape,
            channelCount: channelCount,
            timepointCount: max(perChannel, 1),
            pixelType: image.pixelType,
            spacing: spacing
        )
    }

    /// Whether there is nothing to compute.
    package var isEmpty: Bool { arrays.result.count == 0 }

    /// The volumes of the image, in memory.
    package var source: any VolumeSource { BatchSource("the image", arrays.image, imageOffsets, description) }

    /// Flat field and mask of each volume.
    package var sensitivity: Sensitivity {
        func source(_ name: String, _ array: StridedArray?, _ offsets: [Int]) -> (any VolumeSource)? {
            guard let array else { return nil }
            var image = description
            image.shape = array.volumeShape
            image.pixelType = array.pixelType
            // One for all volumes is looked at once.
            if Set(offsets).count == 1 { (image.channelCount, image.timepointCount) = (1, 1) }
            return BatchSource(name, array, offsets, image)
        }
        var sensitivity = Sensitivity(
            flatFieldSource: source("the flat field", arrays.flatField, flatFieldOffsets),
            maskSource: source("the mask", arrays.mask, maskOffsets)
        )
        // The result of a volume must not depend on which others come with it.
        sensitivity.meansAreOfVolumes = true
        return sensitivity
    }

    /// The PSFs, one a channel: those of the first place, then those of the next.
    /// - Parameter spacing: of their voxels, µm.
    package func psfs(spacing: VoxelSpacing? = nil) -> [MeasuredPSF] {
        let all = arrays.psfs.flatMap { psf in
            Self.offsets(of: psf, in: psf.leadingShape).map { (psf, offset: $0) }
        }
        return all.enumerated().map { number, place in
            let psf = place.0
            let voxels = psf.read(Region(psf.volumeShape), at: place.offset).floats
            return MeasuredPSF(
                name: all.count == 1 ? "the PSF" : "PSF \(number)",
                volume: Volume(shape: psf.volumeShape, voxels: voxels, spacing: spacing),
                shouldHaveSpacing: false
            )
        }
    }

    /// Where the results go.
    package var collection: any VolumeCollection {
        BatchCollection(arrays.result, resultOffsets, channelCount: description.channelCount)
    }

    /// The shape that leading axes broadcast to.
    /// - Throws: `invalidArgument` with two shapes that do not go together.
    package static func broadcast(_ shapes: [(name: String, shape: [Int])]) throws(DeconvolutionError) -> [Int] {
        var result: [Int] = []
        var makers: [String] = []
        for (name, shape) in shapes {
            while result.count < shape.count {
                result.insert(1, at: 0)
                makers.insert(name, at: 0)
            }
            for (axis, extent) in zip((result.count - shape.count)..., shape) where extent != 1 {
                guard result[axis] == 1 || result[axis] == extent else {
                    throw DeconvolutionError(
                        .invalidArgument,
                        "\(name) has \(extent) volumes along an axis along which \(makers[axis]) has \(result[axis]); "
                            + "give as many, or one for all"
                    )
                }
                result[axis] = extent
                makers[axis] = name
            }
        }
        return result
    }

    /// Of each volume of the broadcast leading axes, in C order, the first voxel's offset in an array.
    private static func offsets(of array: StridedArray, in leading: [Int]) -> [Int] {
        let own = array.leadingShape
        let strides =
            [Int](repeating: 0, count: leading.count - own.count)
            + own.indices.map { own[$0] == 1 ? 0 : array.strides[$0] }
        var offsets = [0]
        for (extent, stride) in zip(leading, strides) {
            offsets = offsets.flatMap { offset in (0..<extent).map { offset + $0 * stride } }
        }
        return offsets
    }
}

extension StridedArray {
    /// An array of the same leading axes whose offsets are the numbers of its volumes.
    fileprivate var numbered: StridedArray {
        let leading = leadingShape
        let strides = leading.indices.map { axis in leading[(axis + 1)...].reduce(1, *) }
        return StridedArray(data, shape: leading + [1, 1, 1], strides: strides + [0, 0, 0], pixelType: pixelType)
    }
}

/// The volumes of an array.
private struct BatchSource: VolumeSource {
    let name: String
    let image: ImageDescription
    private let array: StridedArray
    private let offsets: [Int]

    init(_ name: String, _ array: StridedArray, _ offsets: [Int], _ image: ImageDescription) {
        self.name = name
        self.array = array
        self.offsets = offsets
        self.image = image
    }

    var isInMemory: Bool { true }

    func read(_ region: Region, channel: Int, timepoint: Int) throws(DeconvolutionError) -> VoxelData {
        precondition(Region(image.shape).contains(region), "\(region) lies outside \(image.shape)")
        return array.read(region, at: offsets[timepoint * image.channelCount + channel])
    }
}

/// Volumes of an array that are written.
private final class BatchCollection: VolumeCollection {
    private let array: StridedArray
    private let offsets: [Int]
    private let channelCount: Int

    init(_ array: StridedArray, _ offsets: [Int], channelCount: Int) {
        self.array = array
        self.offsets = offsets
        self.channelCount = channelCount
    }

    func holds(channel: Int, timepoint: Int) -> Bool { false }

    func figures(channel: Int, timepoint: Int) -> VolumeFigures? { nil }

    func write(
        channel: Int,
        timepoint: Int,
        planes: (_ plane: (UnsafeBufferPointer<Float>) throws(DeconvolutionError) -> Void) throws(DeconvolutionError) ->
            Void,
        figures: () -> VolumeFigures
    ) throws(DeconvolutionError) {
        let offset = offsets[timepoint * channelCount + channel]
        var z = 0
        try planes { (plane) throws(DeconvolutionError) in
            array.write(plane, z: z, at: offset)
            z += 1
        }
    }

    func finish() throws(DeconvolutionError) {}
}
