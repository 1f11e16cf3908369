import DeconvVolume
import Foundation

/// Just enough of TIFF for the stacks these tests use: little-endian, one uncompressed strip run a page.
enum UncompressedTIFF {
    static func read(_ url: URL, spacing: VoxelSpacing? = nil) throws -> Volume {
        let data = try Data(contentsOf: url)
        func integer(_ offset: Int, _ size: Int) -> Int {
            (0..<size).reduce(0) { $0 | Int(data[offset + $1]) << (8 * $1) }
        }
        var (voxels, width, height, planes): ([Float], Int, Int, Int) = ([], 0, 0, 0)
        var directory = integer(4, 4)
        while directory != 0 {
            let entryCount = integer(directory, 2)
            var tags: [Int: [Int]] = [:]
            for entry in stride(from: directory + 2, to: directory + 2 + 12 * entryCount, by: 12) {
                guard let size = [3: 2, 4: 4][integer(entry + 2, 2)] else { continue }
                let count = integer(entry + 4, 4)
                let start = size * count <= 4 ? entry + 8 : integer(entry + 8, 4)
                tags[integer(entry, 2)] = (0..<count).map { integer(start + size * $0, size) }
            }
            (width, height) = (tags[256]![0], tags[257]![0])
            let bits = tags[258]![0]
            for (offset, byteCount) in zip(tags[273]!, tags[279]!) {
                for i in stride(from: offset, to: offset + byteCount, by: bits / 8) {
                    switch bits {
                    case 16: voxels.append(Float(integer(i, 2)))
                    case 32: voxels.append(Float(bitPattern: UInt32(integer(i, 4))))
                    default:
                        voxels.append(
                            Float(Double(bitPattern: UInt64(integer(i, 4)) | UInt64(integer(i + 4, 4)) << 32))
                        )
                    }
                }
            }
            planes += 1
            directory = integer(directory + 2 + 12 * entryCount, 4)
        }
        return Volume(shape: VolumeShape(z: planes, y: height, x: width), voxels: voxels, spacing: spacing)
    }
}
