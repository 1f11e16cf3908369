import DeconvIO
import DeconvTestSupport
import Foundation

/// An array that zarr-python or tensorstore wrote, and what must be read from it: one entry of `expectations.json`.
struct ZarrMatrixArray: Decodable, Sendable {
    var name: String
    var writer: String
    var version: Int
    var dtype: String
    var shape: [Int]
    var chunks: [Int]
    var innerChunks: [Int]
    var dimensionNames: [String?]?
}

/// The arrays of `make_zarr_arrays.py`, made once a run.
final class ZarrMatrix: Sendable {
    let folder: TemporaryFolder
    let arrays: [ZarrMatrixArray]

    private init() throws {
        folder = try TemporaryFolder()
        let script = Fixtures.url("Zarr/make_zarr_arrays.py")
        let result = try TestPython.run(script, [folder.url.path])
        guard result.status == 0 else { throw Failure(description: result.output) }
        let data = try Data(contentsOf: URL(fileURLWithPath: folder.path("expectations.json")))
        arrays = try JSONDecoder().decode([ZarrMatrixArray].self, from: data)
    }

    /// Why there are no arrays.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private static let made = Result { try ZarrMatrix() }

    /// The arrays, which the first test that wants them makes.
    static func get() throws -> ZarrMatrix { try made.get() }

    /// The elements that an array must hold, little-endian with the last axis fastest.
    func raw(_ array: ZarrMatrixArray) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.path("\(array.name).raw"))))
    }
}

extension ArrayRegion {
    /// Number of elements.
    var elementCount: Int { shape.reduce(1, *) }
}

/// The part of an array of `shape` that a region covers, cut out byte by byte.
func cut(_ raw: [UInt8], _ shape: [Int], _ size: Int, _ region: ArrayRegion) -> [UInt8] {
    var bytes: [UInt8] = []
    var index = region.origin
    let count = region.elementCount
    for _ in 0..<count {
        let element = zip(index, shape).reduce(0) { $0 * $1.1 + $1.0 }
        bytes += raw[element * size..<(element + 1) * size]
        for axis in shape.indices.reversed() {
            index[axis] += 1
            if index[axis] < region.origin[axis] + region.shape[axis] { break }
            index[axis] = region.origin[axis]
        }
    }
    return bytes
}
