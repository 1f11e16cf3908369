import DeconvVolume

/// The maps of a job, volume after volume, with what has been found out about them. Belongs to one run.
///
/// A map of one plane is read once, a map of whole volumes with every volume of the image.
final class SensitivityMaps {
    private let sensitivity: Sensitivity
    private let findings: ImageFindings
    private let masksBadPixels: Bool
    private let image: any VolumeSource
    private let cancellation: Cancellation
    private var planes: [String: ArraySource] = [:]
    private var means: [VolumeSensitivity.Key: Double] = [:]

    /// The maps that go with an image, or nil where f = 1 in any case.
    /// - Parameters:
    ///   - findings: from how many counts on voxels are bad, and which pixels are.
    ///   - masksBadPixels: whether planes that show nothing are bad, too.
    ///   - image: as it is computed from.
    init?(
        _ sensitivity: Sensitivity,
        _ findings: ImageFindings,
        masksBadPixels: Bool,
        image: any VolumeSource,
        cancellation: Cancellation
    ) {
        guard !sensitivity.isEmpty || masksBadPixels || findings.channels.contains(where: { $0.saturation != nil })
        else { return nil }
        self.sensitivity = sensitivity
        self.findings = findings
        self.masksBadPixels = masksBadPixels
        self.image = image
        self.cancellation = cancellation
    }

    /// f of one volume.
    /// - Throws: `invalidData` where a flat field is negative, not finite, or 0 on all good voxels.
    func volume(channel: Int, timepoint: Int) throws(DeconvolutionError) -> VolumeSensitivity {
        let flatField = try map(sensitivity.flatField, channel, timepoint)
        let mask = try map(sensitivity.mask, channel, timepoint)
        let found = findings.channels[channel]
        var volume = VolumeSensitivity(
            flatField: flatField,
            mask: mask,
            saturation: found.saturation.map { $0 + found.shift },
            badPixels: found.badPixels,
            channel: channel,
            masksEmptyPlanes: masksBadPixels,
            width: image.image.shape.x
        )
        if let flatField { volume.flatFieldMean = try mean(of: flatField, usesMask(mask) ? mask : nil) }
        return volume
    }

    private func usesMask(_ mask: VolumeSensitivity.Map?) -> Bool {
        mask.map { $0.isSteady || sensitivity.meansAreOfVolumes } ?? false
    }

    private func map(
        _ source: (any VolumeSource)?,
        _ channel: Int,
        _ timepoint: Int
    ) throws(DeconvolutionError) -> VolumeSensitivity.Map? {
        guard let source else { return nil }
        var map = VolumeSensitivity.Map(
            source: source,
            channel: source.image.channelCount == 1 ? 0 : channel,
            timepoint: source.image.timepointCount == 1 ? 0 : timepoint
        )
        if source.image.shape.z == 1 {
            if let plane = planes[map.name] {
                map.plane = plane
            } else {
                let voxels = try source.readVolume(channel: map.channel, timepoint: map.timepoint)
                let plane = ArraySource(voxels, shape: source.image.shape, name: source.name)
                // Those of other time points do not come back.
                if map.isSteady { planes[map.name] = plane }
                map.plane = plane
            }
        }
        return map
    }

    /// The mean of a flat field over its voxels above 0 that a mask calls good.
    private func mean(
        of flatField: VolumeSensitivity.Map,
        _ mask: VolumeSensitivity.Map?
    ) throws(DeconvolutionError) -> Double {
        let key = VolumeSensitivity.Key(flatField: flatField.index, mask: mask?.index)
        if let mean = means[key] { return mean }
        let shape = image.image.shape
        let planeCount = max(flatField.source.image.shape.z, mask?.source.image.shape.z ?? 1)
        var (sum, count) = (0.0, 0)
        for z in 0..<planeCount {
            try cancellation.check()
            let plane = Region(
                origin: VolumeIndex(z: z, y: 0, x: 0),
                shape: VolumeShape(z: 1, y: shape.y, x: shape.x)
            )
            let values = try flatField.values(plane)
            if let index = values.firstIndex(where: { !($0.isFinite && $0 >= 0) }) {
                throw DeconvolutionError(
                    .invalidData,
                    "\(flatField.name): the voxel at \(plane.index(index)) is \(values[index]); write finite values "
                        + "above 0, and 0 on bad voxels"
                )
            }
            let good = try mask?.values(plane)
            for (index, value) in values.enumerated() where value > 0 && good?[index] != 0 {
                sum += Double(value)
                count += 1
            }
        }
        guard count > 0 else {
            throw DeconvolutionError(
                .invalidData,
                mask.map { "\(flatField.name) and \($0.name): no voxel is above 0 in both; write 0 on bad voxels only" }
                    ?? "\(flatField.name): every voxel is 0; give the image of an evenly lit field"
            )
        }
        means[key] = sum / Double(count)
        return sum / Double(count)
    }
}

/// f of one volume: where it comes from.
struct VolumeSensitivity: Sendable {
    /// Tells apart what two volumes have different f from.
    struct Key: Hashable {
        /// Which volume of the flat field.
        var flatField: Int?
        /// Which volume of the mask.
        var mask: Int?
        /// Which volume of the image, where some of its voxels are saturated or planes empty.
        var image: Int?
        /// Which channel of the image, where some of its pixels are bad.
        var channel: Int?

        /// That of f = 1.
        static let uniform = Key()
    }

    /// One volume of a flat field or mask.
    struct Map: Sendable {
        let source: any VolumeSource
        let channel: Int
        let timepoint: Int
        /// The one plane that stands for all.
        var plane: ArraySource?

        /// Whether it is the same at all time points.
        var isSteady: Bool { source.image.timepointCount == 1 }

        var index: Int { timepoint * source.image.channelCount + channel }

        var name: String { source.name(channel: channel, timepoint: timepoint) }

        /// The values of one plane of the image, or of a part of one.
        func values(_ part: Region) throws(DeconvolutionError) -> [Float] {
            guard let plane else {
                return try source.read(part, channel: channel, timepoint: timepoint).floats
            }
            var part = part
            part.origin.z = 0
            return try plane.read(part, channel: 0, timepoint: 0).floats
        }
    }

    let flatField: Map?
    let mask: Map?
    /// Voxels at or above so many counts of the image as it is computed from are bad.
    let saturation: Double?
    /// Pixels that are bad in every plane, y · width + x.
    let badPixels: [Int]
    /// Of the image.
    let channel: Int
    /// Whether planes that show nothing are bad.
    let masksEmptyPlanes: Bool
    /// Voxels of a row of the image.
    let width: Int
    /// Planes that show nothing, ascending.
    private(set) var emptyPlanes: [Int] = []
    /// By which the flat field is divided.
    var flatFieldMean = 1.0

    /// What tells it from that of other volumes.
    /// - Parameter image: which volume of the image, where some of its voxels are saturated or planes empty.
    func key(image: Int?) -> Key {
        Key(
            flatField: flatField?.index,
            mask: mask?.index,
            image: image,
            channel: badPixels.isEmpty ? nil : channel
        )
    }

    /// Notes which planes show nothing, where these are to be bad.
    /// - Parameter region: whole planes.
    mutating func leaveOutEmptyPlanes(_ voxels: VoxelData, of region: Region) {
        guard masksEmptyPlanes else { return }
        emptyPlanes += voxels.constantPlanes(of: region.shape.planeVoxelCount).map { $0 + region.origin.z }
    }

    /// The values of f in a region of the image.
    /// - Parameter observed: the voxels of the image there; may be nil where saturated voxels are not looked for.
    /// - Returns: the values, and how many voxels are bad for no other reason than that they are saturated.
    func values(
        in region: Region,
        observed: VoxelData?
    ) throws(DeconvolutionError) -> (values: [Float], saturatedCount: Int) {
        var values = [Float](repeating: 1, count: region.shape.voxelCount)
        if flatField != nil || mask != nil {
            let count = region.shape.planeVoxelCount
            for (number, z) in region.zRange.enumerated() {
                var part = region
                part.origin.z = z
                part.shape.z = 1
                let start = number * count
                if let flatField {
                    for (index, value) in try flatField.values(part).enumerated() {
                        values[start + index] = Float(Double(value) / flatFieldMean)
                    }
                }
                if let mask {
                    for (index, value) in try mask.values(part).enumerated() {
                        if value.isNaN {
                            throw DeconvolutionError(
                                .invalidData,
                                "\(mask.name): the voxel at \(part.index(index)) is nan; write 0 on bad voxels and 1 on "
                                    + "good ones"
                            )
                        }
                        if value == 0 { values[start + index] = 0 }
                    }
                }
            }
        }
        clearBadPixels(&values, in: region)
        guard let saturation, let observed else { return (values, 0) }
        let saturatedCount =
            switch observed {
            case .uint8(let voxels): values.clear { Double(voxels[$0]) >= saturation }
            case .uint16(let voxels): values.clear { Double(voxels[$0]) >= saturation }
            case .float32(let voxels): values.clear { Double(voxels[$0]) >= saturation }
            }
        return (values, saturatedCount)
    }

    /// Makes bad pixels and empty planes insensitive.
    private func clearBadPixels(_ values: inout [Float], in region: Region) {
        let shape = region.shape
        for (number, z) in region.zRange.enumerated() {
            let start = number * shape.planeVoxelCount
            if emptyPlanes.contains(z) {
                for index in start..<start + shape.planeVoxelCount { values[index] = 0 }
                continue
            }
            for pixel in badPixels {
                let (y, x) = (pixel / width - region.origin.y, pixel % width - region.origin.x)
                if (0..<shape.y).contains(y), (0..<shape.x).contains(x) { values[start + y * shape.x + x] = 0 }
            }
        }
    }

    /// f as a source of the image's shape.
    func source(for image: any VolumeSource) -> any VolumeSource { SensitivitySource(sensitivity: self, image: image) }

    /// The image, with 0 on its bad voxels whatever they hold.
    func goodVoxels(of image: any VolumeSource) -> any VolumeSource {
        GoodVoxelSource(sensitivity: self, observed: image)
    }
}

private struct SensitivitySource: VolumeSource {
    let sensitivity: VolumeSensitivity
    let image: ImageDescription
    private let observed: any VolumeSource

    init(sensitivity: VolumeSensitivity, image observed: any VolumeSource) {
        self.sensitivity = sensitivity
        self.observed = observed
        var image = observed.image
        image.pixelType = .float32
        self.image = image
    }

    var name: String { observed.name }

    func read(_ region: Region, channel: Int, timepoint: Int) throws(DeconvolutionError) -> VoxelData {
        var voxels: VoxelData?
        if sensitivity.saturation != nil {
            voxels = try observed.read(region, channel: channel, timepoint: timepoint)
        }
        return .float32(try sensitivity.values(in: region, observed: voxels).values)
    }
}

private struct GoodVoxelSource: VolumeSource {
    let sensitivity: VolumeSensitivity
    let observed: any VolumeSource

    var name: String { observed.name }
    var image: ImageDescription { observed.image }

    func read(_ region: Region, channel: Int, timepoint: Int) throws(DeconvolutionError) -> VoxelData {
        var voxels = try observed.read(region, channel: channel, timepoint: timepoint)
        voxels.clear(where: try sensitivity.values(in: region, observed: voxels).values)
        return voxels
    }
}

extension VoxelData {
    /// The numbers of planes of which all voxels are the same.
    fileprivate func constantPlanes(of voxelCount: Int) -> [Int] {
        (0..<count / voxelCount).filter { plane in
            let range = plane * voxelCount..<(plane + 1) * voxelCount
            return switch self {
            case .uint8(let voxels): voxels[range].isConstant
            case .uint16(let voxels): voxels[range].isConstant
            case .float32(let voxels): voxels[range].isConstant
            }
        }
    }

    /// Makes voxels with a sensitivity of 0 black, whatever they hold.
    mutating func clear(where sensitivity: [Float]) {
        // Taken out first, so that no voxel is copied.
        switch self {
        case .uint8(var voxels):
            self = .uint8([])
            for index in voxels.indices where sensitivity[index] == 0 { voxels[index] = 0 }
            self = .uint8(voxels)
        case .uint16(var voxels):
            self = .uint16([])
            for index in voxels.indices where sensitivity[index] == 0 { voxels[index] = 0 }
            self = .uint16(voxels)
        case .float32(var voxels):
            self = .float32([])
            for index in voxels.indices where sensitivity[index] == 0 { voxels[index] = 0 }
            self = .float32(voxels)
        }
    }
}

extension ArraySlice where Element: Equatable {
    /// Whether all elements are the same.
    fileprivate var isConstant: Bool { allSatisfy { $0 == self[startIndex] } }
}

extension [Float] {
    /// Sets elements to 0 by their index, and counts those that were not.
    @inline(__always)
    fileprivate mutating func clear(where isBad: (Int) -> Bool) -> Int {
        var count = 0
        for index in indices where self[index] > 0 && isBad(index) {
            self[index] = 0
            count += 1
        }
        return count
    }
}

extension Region {
    /// The position of one of its voxels, counted with x fastest.
    func index(_ voxel: Int) -> VolumeIndex {
        VolumeIndex(
            z: origin.z + voxel / shape.planeVoxelCount,
            y: origin.y + voxel / shape.x % shape.y,
            x: origin.x + voxel % shape.x
        )
    }
}
