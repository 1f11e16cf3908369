import DeconvIO
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

@Suite struct ZarrReadingTests {
    private func open(_ matrix: ZarrMatrix, _ entry: ZarrMatrixArray) throws -> ZarrArray {
        try ZarrStore(path: matrix.folder.path(entry.name)).array(at: .root)
    }

    @Test func whatOthersWroteReadsVoxelForVoxel() throws {
        let matrix = try ZarrMatrix.get()
        #expect(matrix.arrays.count >= 150)
        for entry in matrix.arrays {
            let array = try open(matrix, entry)
            let metadata = array.metadata
            #expect(metadata.version.rawValue == entry.version, "\(entry.name)")
            #expect(metadata.dataType.rawValue == entry.dtype, "\(entry.name)")
            #expect(metadata.shape == entry.shape, "\(entry.name)")
            #expect(metadata.chunkShape == entry.chunks, "\(entry.name)")
            #expect(metadata.innerChunkShape == entry.innerChunks, "\(entry.name)")
            #expect(metadata.dimensionNames == entry.dimensionNames, "\(entry.name)")
            let bytes = try array.readBytes(ArrayRegion(entry.shape))
            #expect(try bytes == matrix.raw(entry), "\(entry.name)")
        }
    }

    @Test func anyRegionReadsVoxelForVoxel() throws {
        let matrix = try ZarrMatrix.get()
        var random = SeededGenerator(seed: 4)
        for entry in matrix.arrays where entry.name != "z2-large" {
            let array = try open(matrix, entry)
            let raw = try matrix.raw(entry)
            for _ in 0..<6 {
                var region = ArrayRegion(entry.shape)
                for axis in entry.shape.indices {
                    region.origin[axis] = Int.random(in: 0..<entry.shape[axis], using: &random)
                    region.shape[axis] = Int.random(in: 1...entry.shape[axis] - region.origin[axis], using: &random)
                }
                let wanted = cut(raw, entry.shape, array.metadata.dataType.byteCount, region)
                #expect(try array.readBytes(region) == wanted, "\(entry.name): \(region)")
            }
        }
    }

    @Test func voxelsAreThoseOfTheStoredTypeOrTheNearestFloats() throws {
        let matrix = try ZarrMatrix.get()
        for type in ZarrDataType.allCases {
            let entry = try #require(matrix.arrays.first { $0.name == "z2-type-\(type.rawValue)-be" })
            let raw = try matrix.raw(entry)
            func stored<Number: BitwiseCopyable>(_: Number.Type) -> [Number] {
                raw.withUnsafeBytes { bytes in
                    stride(from: 0, to: bytes.count, by: MemoryLayout<Number>.size).map {
                        bytes.loadUnaligned(fromByteOffset: $0, as: Number.self)
                    }
                }
            }
            let wanted: VoxelData =
                switch type {
                case .bool, .uint8: .uint8(raw)
                case .uint16: .uint16(stored(UInt16.self))
                case .int8: .float32(stored(Int8.self).map { Float($0) })
                case .int16: .float32(stored(Int16.self).map { Float($0) })
                case .int32: .float32(stored(Int32.self).map { Float($0) })
                case .int64: .float32(stored(Int64.self).map { Float($0) })
                case .uint32: .float32(stored(UInt32.self).map { Float($0) })
                case .uint64: .float32(stored(UInt64.self).map { Float($0) })
                case .float16: .float32(stored(Float16.self).map { Float($0) })
                case .float32: .float32(stored(Float.self))
                case .float64: .float32(stored(Double.self).map { Float($0) })
                }
            let voxels = try ZarrSource(path: matrix.folder.path(entry.name)).readVolume()
            #expect(voxels.pixelType == type.pixelType.inMemory)
            #expect(voxels.floats.map(\.bitPattern) == wanted.floats.map(\.bitPattern), "\(type)")
        }
    }

    @Test func manyThreadsReadOneArray() throws {
        let matrix = try ZarrMatrix.get()
        for name in ["z2-large", "z3-shard-blosc-end", "t3-shard-zstd-start"] {
            let entry = try #require(matrix.arrays.first { $0.name == name })
            let array = try open(matrix, entry)
            let raw = try matrix.raw(entry)
            let size = array.metadata.dataType.byteCount
            let parts = array.chunkRegions(in: ArrayRegion(entry.shape))
            #expect(parts.reduce(0) { $0 + $1.elementCount } == raw.count / size)
            DispatchQueue.concurrentPerform(iterations: parts.count * 3) { number in
                let part = parts[number % parts.count]
                let bytes = try? array.readBytes(part)
                #expect(bytes == cut(raw, entry.shape, size, part))
            }
        }
    }

    @Test func halfPrecisionIsExactBothWays() {
        for bits in UInt16.min...UInt16.max {
            let number = Float(Float16(bitPattern: bits))
            let fill = ZarrFillValue(Double(number), .float16)!
            let back = UInt16(fill.bytes[0]) | UInt16(fill.bytes[1]) << 8
            #expect(back == bits || number.isNaN)
        }
        for value in [65519.9, 65520, 1e300, 0x1p-25, 0x1.0001p-25, 2049, 2051, 0.1, 0x1.ffep-15, 0x1.fffp-15] {
            let bits = ZarrFillValue(value, .float16)!.bytes
            #expect(UInt16(bits[0]) | UInt16(bits[1]) << 8 == Float16(value).bitPattern, "\(value)")
        }
    }
}
