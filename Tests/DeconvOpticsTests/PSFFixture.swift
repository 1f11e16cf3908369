import DeconvVolume
import Foundation

/// Files in Tests/Fixtures/PSF, made by the script beside them.
enum PSFFixture {
    static func url(_ name: String) -> URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../Fixtures/PSF/\(name)").standardizedFileURL
    }

    /// 41x41x41 voxels around the peak of a measured lattice light-sheet PSF.
    static func lattice() throws -> Volume {
        let data = try Data(contentsOf: url("lattice-psf.raw"))
        let voxels = stride(from: 0, to: data.count, by: 2).map { Float(UInt16(data[$0]) | UInt16(data[$0 + 1]) << 8) }
        return Volume(
            shape: VolumeShape(z: 41, y: 41, x: 41),
            voxels: voxels,
            spacing: VoxelSpacing(z: 0.1, y: 0.1, x: 0.1)
        )
    }

    static func doubles(_ name: String) throws -> [Double] {
        let data = try Data(contentsOf: url(name))
        return stride(from: 0, to: data.count, by: 8).map { start in
            Double(bitPattern: (0..<8).reduce(0) { $0 | UInt64(data[start + $1]) << UInt64(8 * $1) })
        }
    }

    /// The words of each line.
    static func words(_ name: String) throws -> [[String]] {
        try String(contentsOf: url(name), encoding: .utf8).split(separator: "\n").map { line in
            line.split(separator: " ").map(String.init)
        }
    }
}

/// The total, in double precision.
func sum(_ voxels: [Float]) -> Double { voxels.reduce(into: 0.0) { $0 += Double($1) } }

/// The largest difference of two fields, relative to the peak of the second.
func largestDifference(_ a: [Float], _ b: [Float]) -> Double {
    precondition(a.count == b.count)
    return zip(a, b).reduce(0.0) { max($0, Double(abs($1.0 - $1.1))) } / Double(b.max()!)
}

/// The root mean square of a difference over that of the second field, which the first is scaled to.
func scaledDifference(_ a: [Float], _ b: [Float]) -> Double {
    precondition(a.count == b.count)
    func product(_ a: [Float], _ b: [Float]) -> Double { zip(a, b).reduce(0.0) { $0 + Double($1.0) * Double($1.1) } }
    let scale = product(a, b) / product(a, a)
    let difference = zip(a, b).map { Float(scale * Double($0) - Double($1)) }
    return (product(difference, difference) / product(b, b)).squareRoot()
}
