import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

/// A file that tifffile wrote, and what must be read from it: one entry of `expectations.json`.
struct TIFFFixture: Decodable, CustomTestStringConvertible, Sendable {
    var file: String
    var pixelType: String
    var shape: [Int]
    var channels: Int
    var timepoints: Int
    var spacing: [Double]?
    var timeInterval: Double?
    var channelNames: [String]
    var diagnosticCount: Int
    var kind: String

    static let all: [TIFFFixture] = {
        let data = try! Data(contentsOf: Fixtures.url("TIFF/expectations.json"))
        return try! JSONDecoder().decode([TIFFFixture].self, from: data)
    }()

    /// The path of a file in the folder.
    static func path(_ name: String) -> String { Fixtures.url("TIFF/\(name)").path }

    var path: String { Self.path(file) }
    var testDescription: String { file }
    var volumeShape: VolumeShape { VolumeShape(z: shape[0], y: shape[1], x: shape[2]) }

    /// The voxel that `make_tiff_fixtures.py` put there, as `Float`.
    static func voxel(_ type: PixelType, t: Int, c: Int, z: Int, y: Int, x: Int) -> Float {
        let position = UInt64((((5 * t + c) * 11 + z) * 131 + y) * 137 + x)
        let v = Int64((position &* 2_654_435_761 % (1 << 32)) >> 16)
        return switch type {
        case .uint8: Float(v % 256)
        case .int8: Float(v % 256 - 128)
        case .uint16: Float(v)
        case .int16: Float(v - 32768)
        case .uint32: Float(v * 65521)
        case .int32: Float((v - 32768) * 65521)
        case .float32: Float(v - 32768) / 64
        case .float64: Float(Double(v - 32768) / 64 + 1.0 / 3)
        }
    }

    /// All voxels of a box.
    static func voxels(_ type: PixelType, _ region: Region, t: Int, c: Int) -> [Float] {
        region.zRange.flatMap { z in
            region.yRange.flatMap { y in
                region.xRange.map { x in voxel(type, t: t, c: c, z: z, y: y, x: x) }
            }
        }
    }

    func voxels(_ region: Region, t: Int, c: Int) -> [Float] {
        if kind == "ramp" {
            return region.zRange.flatMap { _ in
                region.yRange.flatMap { y in region.xRange.map { x in Float((3 * x + 2 * y) % 256) } }
            }
        }
        return Self.voxels(PixelType(rawValue: pixelType)!, region, t: t, c: c)
    }
}
