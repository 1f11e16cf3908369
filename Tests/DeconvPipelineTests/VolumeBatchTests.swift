import DeconvTestSupport
import DeconvVolume
import Testing

@testable import DeconvPipeline

/// Arrays whose leading axes broadcast; the expected shapes are those of `numpy.broadcast_shapes`.
@Suite struct VolumeBatchTests {
    /// Memory for as long as the test.
    private final class Memory {
        let bytes: UnsafeMutableRawBufferPointer

        init(floats: [Float]) {
            bytes = .allocate(byteCount: max(floats.count, 1) * 4, alignment: 64)
            floats.withUnsafeBytes { bytes.copyMemory(from: $0) }
        }

        deinit { bytes.deallocate() }

        func array(_ shape: [Int], strides: [Int]? = nil, from element: Int = 0) -> StridedArray {
            StridedArray(bytes.baseAddress! + element * 4, shape: shape, strides: strides, pixelType: .float32)
        }

        subscript(index: Int) -> Float { bytes.load(fromByteOffset: index * 4, as: Float.self) }
    }

    @Test(
        arguments: [
            ([2, 3], [2, 3], [2, 3]), ([2, 3], [2, 1], [2, 3]), ([2, 3], [3], [2, 3]), ([], [4], [4]), ([5], [], [5]),
            ([1, 3], [2, 1], [2, 3]), ([7, 1], [1], [7, 1]), ([0, 3], [1, 3], [0, 3]), ([1], [0], [0]),
        ]
    )
    func leadingAxesBroadcastAsInNumPy(image: [Int], psf: [Int], expected: [Int]) throws {
        #expect(try VolumeBatch.broadcast([("the image", image), ("the PSF", psf)]) == expected)
    }

    @Test func leadingAxesThatDoNotFitAreRefused() {
        let error = #expect(throws: DeconvolutionError.self) {
            try VolumeBatch.broadcast([("the image", [2, 3]), ("the PSF", [2, 2])])
        }
        #expect(error?.message.contains("the PSF has 2 volumes along an axis along which the image has 3") == true)
    }

    /// Every volume of a (2, 3) batch goes with the PSF of its row, and to its own place.
    @Test func volumesGoWithTheirPSFs() throws {
        let image = Memory(floats: (0..<6).map { Float($0) })
        let psf = Memory(floats: [10, 20])
        let result = Memory(floats: [Float](repeating: -1, count: 6))
        let batch = try VolumeBatch(
            VolumeBatch.Arrays(
                image: image.array([2, 3, 1, 1, 1]),
                psfs: [psf.array([2, 1, 1, 1, 1])],
                result: result.array([2, 3, 1, 1, 1])
            )
        )
        let source = batch.source
        #expect(source.image.channelCount == 2 && source.image.timepointCount == 3)
        #expect(batch.psfs().map(\.volume.voxels) == [[10], [20]])
        for channel in 0..<2 {
            for timepoint in 0..<3 {
                let voxels = try source.readVolume(channel: channel, timepoint: timepoint).floats
                #expect(voxels == [Float(channel * 3 + timepoint)])
                try batch.collection.write(channel: channel, timepoint: timepoint) {
                    (take) throws(DeconvolutionError) in
                    try [voxels[0] + 100].withUnsafeBufferPointer { (plane) throws(DeconvolutionError) in
                        try take(plane)
                    }
                } figures: {
                    VolumeFigures()
                }
            }
        }
        #expect((0..<6).map { result[$0] } == (0..<6).map { Float($0 + 100) })
    }

    /// One image, three PSFs; and PSFs along the last leading axis, whose volumes are not next to each other.
    @Test func onePSFMayGoWithFewOrManyVolumes() throws {
        let values = Memory(floats: (0..<6).map { Float($0) })
        let result = Memory(floats: [Float](repeating: 0, count: 6))
        let few = try VolumeBatch(
            VolumeBatch.Arrays(
                image: values.array([1, 1, 1]),
                psfs: [values.array([3, 1, 1, 1])],
                result: result.array([3, 1, 1, 1])
            )
        )
        #expect(few.source.image.channelCount == 3 && few.source.image.timepointCount == 1)
        for channel in 0..<3 { #expect(try few.source.readVolume(channel: channel).floats == [0]) }
        let many = try VolumeBatch(
            VolumeBatch.Arrays(
                image: values.array([2, 3, 1, 1, 1]),
                psfs: [values.array([3, 1, 1, 1])],
                result: result.array([2, 3, 1, 1, 1])
            )
        )
        #expect(many.source.image.channelCount == 3 && many.source.image.timepointCount == 2)
        #expect(try many.source.readVolume(channel: 2, timepoint: 1).floats == [5])
        #expect(try many.source.readVolume(channel: 0, timepoint: 1).floats == [3])
    }

    /// Transposed, reversed, and with gaps.
    @Test func anyLayoutIsReadAndWritten() throws {
        let shape = [2, 3, 4]
        let values = Memory(floats: (0..<48).map { Float($0) })
        // x is the slowest axis, y goes backwards, and every other element is somebody else's.
        let strides = [6 * 4, -2 * 4, 12 * 4]
        let array = values.array(shape, strides: strides, from: 4)
        let read = array.read(Region(array.volumeShape), at: 0).floats
        var expected: [Float] = []
        for z in 0..<2 {
            for y in 0..<3 {
                for x in 0..<4 { expected.append(Float(4 + 6 * z - 2 * y + 12 * x)) }
            }
        }
        #expect(read == expected)
        let target = Memory(floats: [Float](repeating: -1, count: 48))
        let written = target.array(shape, strides: strides, from: 4)
        for z in 0..<2 {
            expected[(z * 12)..<(z * 12 + 12)].withUnsafeBufferPointer { written.write($0, z: z, at: 0) }
        }
        for index in 0..<48 { #expect(target[index] == (index % 2 == 0 ? Float(index) : -1)) }
    }

    @Test(arguments: PixelType.allCases)
    func everyTypeIsRead(type: PixelType) {
        func voxels<T: Numeric>(_ values: [T]) -> [Float] {
            values.withUnsafeBytes { bytes in
                let data = UnsafeMutableRawPointer(mutating: bytes.baseAddress!)
                let array = StridedArray(data, shape: [1, 1, values.count], pixelType: type)
                return array.read(Region(array.volumeShape), at: 0).floats
            }
        }
        let read =
            switch type {
            case .uint8: voxels([UInt8(1), 200])
            case .int8: voxels([Int8(1), -100])
            case .uint16: voxels([UInt16(1), 60000])
            case .int16: voxels([Int16(1), -30000])
            case .uint32: voxels([UInt32(1), 4_000_000_000])
            case .int32: voxels([Int32(1), -2_000_000_000])
            case .float32: voxels([Float(1), 1.5])
            case .float64: voxels([Double(1), -0.25])
            }
        let second: [PixelType: Float] = [
            .uint8: 200, .int8: -100, .uint16: 60000, .int16: -30000, .uint32: 4e9, .int32: -2e9, .float32: 1.5,
            .float64: -0.25,
        ]
        #expect(read == [1, second[type]])
    }
}
