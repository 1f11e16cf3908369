import DeconvIO
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

/// A store that another program wrote, and what must be read from it: one entry of `expectations.json`.
struct StoreExpectation: Decodable, Sendable, CustomTestStringConvertible {
    var name: String
    var path: String
    var array: String?
    var axes: String?
    var channelCountHint: Int?
    var dtype: String
    var shape: [Int]
    var channels: Int
    var timepoints: Int
    var spacing: [Double]?
    var interval: Double?
    var names: [String]
    var layout: String
    var isSilent: Bool

    var testDescription: String { name }
}

/// The stores and series of `make_stores.py`, made once a run.
final class StoreMatrix: Sendable {
    let folder: TemporaryFolder
    let stores: [StoreExpectation]

    private init() throws {
        folder = try TemporaryFolder()
        let result = try TestPython.run(Fixtures.url("OMEZarr/make_stores.py"), [folder.url.path])
        guard result.status == 0 else { throw ZarrMatrix.Failure(description: result.output) }
        let data = try Data(contentsOf: URL(fileURLWithPath: folder.path("expectations.json")))
        stores = try JSONDecoder().decode([StoreExpectation].self, from: data)
    }

    private static let made = Result { try StoreMatrix() }

    /// The stores, which the first test that wants them makes.
    static func get() throws -> StoreMatrix { try made.get() }

    /// The volumes that must be read, in the order t, c: as they are in memory.
    func volumes(_ store: StoreExpectation) throws -> [VoxelData] {
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.path("\(store.name).raw"))))
        func numbers<Number: BitwiseCopyable>(_: Number.Type) -> [Number] {
            bytes.withUnsafeBytes { raw in
                (0..<raw.count / MemoryLayout<Number>.size).map {
                    raw.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Number>.size, as: Number.self)
                }
            }
        }
        let count = store.shape.reduce(1, *)
        func cut<Number>(_ numbers: [Number]) -> [[Number]] {
            stride(from: 0, to: numbers.count, by: count).map { Array(numbers[$0..<$0 + count]) }
        }
        return switch store.dtype {
        case "uint8", "bool": cut(numbers(UInt8.self)).map(VoxelData.uint8)
        case "uint16": cut(numbers(UInt16.self)).map(VoxelData.uint16)
        case "int16": cut(numbers(Int16.self)).map { .float32($0.map { Float($0) }) }
        case "int32": cut(numbers(Int32.self)).map { .float32($0.map { Float($0) }) }
        case "uint64": cut(numbers(UInt64.self)).map { .float32($0.map { Float($0) }) }
        case "float16": cut(numbers(UInt16.self)).map { .float32($0.map(Self.half)) }
        case "float32": cut(numbers(Float.self)).map(VoxelData.float32)
        case "float64": cut(numbers(Double.self)).map { .float32($0.map { Float($0) }) }
        default: []
        }
    }

    /// Half precision by its definition; the fixtures have no special values.
    private static func half(_ bits: UInt16) -> Float {
        let (exponent, fraction) = (Int(bits >> 10 & 31), Float(bits & 1023))
        return exponent == 0
            ? fraction * 0x1p-24 : (1 + fraction / 1024) * Float(sign: .plus, exponent: exponent - 15, significand: 1)
    }

    /// A store as a source.
    func open(_ store: StoreExpectation, cacheByteLimit: Int, threadCount: Int? = nil) throws -> ZarrSource {
        let options = ImageFile.Options(
            array: store.array,
            axes: store.axes,
            channelCountHint: store.channelCountHint,
            cacheByteLimit: cacheByteLimit,
            threadCount: threadCount
        )
        let source = try ImageFile.open(
            path: folder.path(store.path) + (store.path.hasSuffix("/") ? "/" : ""),
            options: options
        )
        guard let source = source as? ZarrSource else {
            throw ZarrMatrix.Failure(description: "\(source.name) is no Zarr")
        }
        return source
    }
}
