package import DeconvIO
public import DeconvVolume
import Foundation

/// An input as a lab notebook has it: which file it was, and how it was understood.
public struct FileRecord: Sendable, Hashable {
    /// Who said how large voxels are.
    public enum SpacingOrigin: String, Sendable, Encodable {
        /// The file.
        case file
        /// An option, whatever the file says.
        case option
        /// Nobody.
        case unknown
    }

    /// Where it lies, from the root on.
    public var path: String
    /// Voxels of a volume.
    public var shape: VolumeShape
    /// Number of channels.
    public var channelCount: Int
    /// Number of time points.
    public var timepointCount: Int
    /// How its voxels are stored.
    public var pixelType: PixelType
    /// Size of a voxel, µm, as it was used.
    public var spacing: VoxelSpacing?
    /// The distances that a file says that does not say all.
    private let knownLengths: AxisLengths
    /// Who said so.
    public var spacingOrigin: SpacingOrigin
    /// Bytes of its files; nil for an array in a Zarr store.
    public var byteCount: Int?
    /// CRC-32C (Castagnoli) of its bytes, in the order of its files, as eight hexadecimal digits; nil for an array in a Zarr store and where
    /// they are more than `FileChecksum.mostBytes`.
    public var checksum: String?
    /// How it came about, where it is a result of this program itself.
    public var provenance: Provenance?

    /// What a file says, without its checksum.
    /// - Parameter spacing: what an option says of its voxels, µm.
    package init(_ file: any ImageFileSource, spacing: VoxelSpacing?) {
        let image = file.image
        path = Self.absolute(file.name)
        shape = image.shape
        channelCount = image.channelCount
        timepointCount = image.timepointCount
        pixelType = image.pixelType
        self.spacing = spacing ?? image.spacing
        knownLengths = image.knownLengths
        spacingOrigin = spacing != nil ? .option : image.spacing != nil ? .file : .unknown
        provenance = image.provenance
    }
}

extension FileRecord {
    /// The size of a voxel in words, as far as it is known.
    package var voxelText: String { spacing.map { "\($0)" } ?? knownLengths.voxelText }
}

extension JobPlan {
    /// The size of a voxel in words, as far as it is known.
    package var voxelText: String { spacing.map { "\($0)" } ?? image.knownLengths.voxelText }
}

extension AxisLengths {
    /// In words, as far as they are known.
    fileprivate var voxelText: String { isEmpty ? "size unknown" : "\(self)" }
}

extension FileRecord: Encodable {
    private enum Key: String, CodingKey {
        case path, shape, channels, timepoints, pixelType, spacing, spacingFrom, bytes, crc32c, provenance
    }

    /// Writes it with stable keys; shapes and spacings are lists in the order z, y, x.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(path, forKey: .path)
        try container.encode(shape.axes, forKey: .shape)
        try container.encode(channelCount, forKey: .channels)
        try container.encode(timepointCount, forKey: .timepoints)
        try container.encode(pixelType.rawValue, forKey: .pixelType)
        try container.encode(spacing?.axes, forKey: .spacing)
        try container.encode(spacingOrigin, forKey: .spacingFrom)
        try container.encode(byteCount, forKey: .bytes)
        try container.encode(checksum, forKey: .crc32c)
        try container.encodeIfPresent(provenance, forKey: .provenance)
    }
}

extension FileRecord {
    /// Adds length and checksum, once they are known.
    package mutating func add(_ checksum: FileChecksum) {
        guard let sum = checksum.wait() else { return }
        byteCount = sum.byteCount
        self.checksum = sum.checksum
    }
}

extension FileRecord {
    /// A path from the root on; a URL is one by itself, as the system follows it: `..` behind a link leads to where the link's folder is.
    static func absolute(_ path: String) -> String {
        if RemoteURL.isRemote(path) { return path }
        if let real = realpath(path.isEmpty ? "." : path, nil) {
            defer { free(real) }
            return String(cString: real)
        }
        // What is not there yet, and patterns.
        let name = (path as NSString).lastPathComponent
        let folder = (path as NSString).deletingLastPathComponent
        guard folder != path, !name.isEmpty else { return path }
        let start = absolute(folder)
        return start == "/" ? "/" + name : start + "/" + name
    }

    /// What it is called in short: the last part of its path, or for an array its store and where it is in there; with the checksum,
    /// where there is one.
    var shortName: String {
        let parts = path.split(separator: "/").map(String.init)
        let store = parts.lastIndex { $0.lowercased().hasSuffix(".zarr") }
        let name = parts[(store ?? max(parts.count - 1, 0))...].joined(separator: "/")
        return checksum.map { "\(name) (CRC-32C \($0))" } ?? name
    }
}
