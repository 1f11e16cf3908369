public import DeconvVolume
import Foundation

/// A small Richardson-Lucy problem with the answer of another program; see `Fixtures/Reference/make_reference.py`.
public struct ReferenceCase: Sendable, CustomStringConvertible {
    /// What the case shows, for example `2D extend`.
    public let name: String
    /// What computed the answer: the NumPy script or scikit-image with its version.
    public let origin: String
    /// `extend`, `zero`, `edge`, `reflect` or `periodic`.
    public let boundary: String
    /// Counts to add to the blurred estimate.
    public let background: Double
    /// Standard deviation of the read noise, in counts.
    public let readNoise: Double
    /// Where the estimate starts: `flat`, `observed` or `light`.
    public let start: String
    /// Number of updates.
    public let iterations: Int
    /// The exact size of the periodic domain, where the answer depends on it: `edge` and `reflect`.
    public let workShape: VolumeShape?
    /// The recorded image; a few voxels are zero or negative.
    public let observed: Volume
    /// The PSF, positive, not normalised; its centre is voxel n/2 of each axis.
    public let psf: Volume
    /// f of the recorded voxels, 0 on bad ones; nil where it is 1.
    public let sensitivity: Volume?
    /// The estimate after `iterations` updates, of the observed image's shape.
    public let expected: Volume
    /// The Poisson divergence over the recorded voxels of each iteration, before its update.
    public let divergence: [Double]

    /// The name.
    public var description: String { name }

    /// Every case of the folder, or the reason why it could not be read as a failed precondition.
    public static let all: [ReferenceCase] = {
        do { return try load() } catch { preconditionFailure("Tests/Fixtures/Reference cannot be read: \(error)") }
    }()

    /// The cases of one boundary.
    public static func all(boundary: String) -> [ReferenceCase] { all.filter { $0.boundary == boundary } }
}

extension ReferenceCase {
    private struct Index: Decodable {
        struct Entry: Decodable {
            let byteOffset: Int
            let shape: [Int]
        }
        struct Case: Decodable {
            let name: String
            let origin: String
            let boundary: String
            let background: Double
            let readNoise: Double
            let start: String
            let iterations: Int
            let workShape: [Int]?
            let observed: Entry
            let psf: Entry
            let sensitivity: Entry?
            let expected: Entry
            let divergence: [Double]
        }
        let data: String
        let cases: [Case]
    }

    private static func load() throws -> [ReferenceCase] {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures/Reference")
        let index = try JSONDecoder().decode(
            Index.self,
            from: Data(contentsOf: folder.appendingPathComponent("reference.json"))
        )
        let bytes = try [UInt8](Data(contentsOf: folder.appendingPathComponent(index.data)))
        func volume(_ entry: Index.Entry) -> Volume {
            let shape = VolumeShape(perAxis: { entry.shape[$0] })
            let voxels = bytes.withUnsafeBytes { raw in
                (0..<shape.voxelCount).map {
                    Float(
                        bitPattern: UInt32(
                            littleEndian: raw.loadUnaligned(fromByteOffset: entry.byteOffset + 4 * $0, as: UInt32.self)
                        )
                    )
                }
            }
            return Volume(shape: shape, voxels: voxels)
        }
        return index.cases.map { entry in
            ReferenceCase(
                name: entry.name,
                origin: entry.origin,
                boundary: entry.boundary,
                background: entry.background,
                readNoise: entry.readNoise,
                start: entry.start,
                iterations: entry.iterations,
                workShape: entry.workShape.map { axes in VolumeShape(perAxis: { axes[$0] }) },
                observed: volume(entry.observed),
                psf: volume(entry.psf),
                sensitivity: entry.sensitivity.map(volume),
                expected: volume(entry.expected),
                divergence: entry.divergence
            )
        }
    }
}
