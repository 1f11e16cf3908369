import CPNG
import DeconvVolume
import Testing

@testable import DeconvPreview

@Suite struct PreviewAnimationTests {
    /// A chunk of a PNG file, its checksum checked bit by bit as the PNG specification (annex D) has it.
    private struct Chunk {
        let name: String
        let content: [UInt8]
    }

    private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        ~bytes.reduce(UInt32.max) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ value >> 1 : value >> 1 }
        }
    }

    private static func number(_ bytes: some Sequence<UInt8>) -> Int { bytes.reduce(0) { 256 * $0 + Int($1) } }

    private static func chunks(of file: [UInt8]) throws -> [Chunk] {
        var chunks: [Chunk] = []
        var position = 8
        while position < file.count {
            let count = number(file[position..<position + 4])
            let end = position + 8 + count
            #expect(number(file[end..<end + 4]) == Int(checksum(file[position + 4..<end])))
            let name = String(decoding: file[position + 4..<position + 8], as: UTF8.self)
            chunks.append(Chunk(name: name, content: Array(file[position + 8..<end])))
            position = end + 4
        }
        return chunks
    }

    /// The pixels of every frame, as libpng decodes a file of its own.
    private static func decoded(_ chunks: [Chunk]) throws -> [[UInt8]] {
        func bytes(_ value: Int) -> [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) } }
        func chunk(_ name: String, _ content: [UInt8]) -> [UInt8] {
            let body = Array(name.utf8) + content
            return bytes(content.count) + body + bytes(Int(checksum(body[...])))
        }
        var frames: [[UInt8]] = []
        for part in chunks {
            if part.name == "fcTL" { frames.append([]) }
            if part.name == "IDAT" { frames[frames.count - 1] += chunk("IDAT", part.content) }
            if part.name == "fdAT" { frames[frames.count - 1] += chunk("IDAT", Array(part.content[4...])) }
        }
        return try frames.map { frame in
            let file =
                [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + chunk("IHDR", chunks[0].content) + frame
                + chunk("IEND", [])
            var image = png_image()
            image.version = png_uint_32(PNG_IMAGE_VERSION)
            var pixels: [UInt8] = []
            try withUnsafeMutablePointer(to: &image) { image in
                try file.withUnsafeBytes { bytes in
                    try #require(png_image_begin_read_from_memory(image, bytes.baseAddress, bytes.count) != 0)
                    image.pointee.format = png_uint_32(PNG_FORMAT_GRAY)
                    let count = Int(image.pointee.width) * Int(image.pointee.height)
                    pixels = [UInt8](repeating: 0, count: count)
                    let row = png_int_32(image.pointee.width)
                    try #require(png_image_finish_read(image, nil, &pixels, row, nil) != 0)
                }
            }
            return pixels
        }
    }

    private static func source(_ shape: VolumeShape, bright: VolumeIndex) -> ArraySource {
        var volume = Volume(shape: shape, voxels: [Float](repeating: 0, count: shape.voxelCount))
        volume[bright.z, bright.y, bright.x] = 1000
        return ArraySource(volume)
    }

    private static func animation(
        _ motion: PreviewAnimation.Motion,
        _ shape: VolumeShape,
        bright: VolumeIndex,
        isColor: Bool = false
    ) throws -> [UInt8] {
        let spacing = VoxelSpacing(z: 0.3, y: 0.1, x: 0.1)
        let sizes = PreviewAnimation.Sizes(motion, [shape], spacing: spacing, isColor: isColor)
        let volume = try ReducedVolume(of: source(shape, bright: bright), to: sizes.shapes[0], channel: 0, timepoint: 0)
        var animation = PreviewAnimation([.init(caption: "cell", channels: [volume])], sizes: sizes)
        if isColor { animation.legend = [("a", PictureColor(rgb: 0x00FF00)), ("b", PictureColor(rgb: 0xFF00FF))] }
        return try animation.png()
    }

    @Test(arguments: PreviewAnimation.Motion.allCases, [false, true])
    func everyFrameIsThereInItsOrder(motion: PreviewAnimation.Motion, isColor: Bool) throws {
        let file = try Self.animation(
            motion,
            VolumeShape(z: 12, y: 30, x: 40),
            bright: VolumeIndex(z: 3, y: 10, x: 20),
            isColor: isColor
        )
        let chunks = try Self.chunks(of: file)
        #expect(chunks.first?.name == "IHDR" && chunks.last?.name == "IEND")
        #expect(chunks[0].content[9] == (isColor ? 2 : 0))
        let count = motion == .turn ? 36 : 12
        #expect(chunks[1].name == "acTL" && Self.number(chunks[1].content.prefix(4)) == count)
        let controls = chunks.filter { $0.name == "fcTL" }
        #expect(controls.count == count)
        #expect(controls.allSatisfy { Array($0.content[4..<12]) == Array(chunks[0].content[..<8]) })
        let numbered = chunks.filter { $0.name == "fcTL" || $0.name == "fdAT" }
        #expect(numbered.map { Self.number($0.content.prefix(4)) } == Array(numbered.indices))
        let first = try #require(chunks.firstIndex { $0.name == "IDAT" })
        let frames = try Self.decoded(chunks)
        #expect(frames.count == count && Set(frames.map(\.count)).count == 1)
        // Something moves, and be it the label.
        #expect(Set(frames).count > count / 2)
        #expect(chunks[first - 1].name == "fcTL" && chunks.filter { $0.name == "fdAT" }.count >= count - 1)
    }

    /// A point turns on a circle: what is along x at 0° is along z at 90°.
    @Test func aPointTurnsOnACircle() throws {
        let shape = VolumeShape(z: 21, y: 5, x: 21)
        let volume = try ReducedVolume(
            of: Self.source(shape, bright: VolumeIndex(z: 10, y: 2, x: 18)),
            to: shape,
            channel: 0,
            timepoint: 0
        )
        let table = Turntable(volume)
        #expect(table.width == 30)
        for (turn, distance) in [(0.0, 8.0), (0.25, 0), (0.5, -8), (1.0 / 6, 4)] {
            let projection = table.projection(turn: turn)
            let lit = projection.indices.filter { projection[$0] == 1000 }
            #expect(!lit.isEmpty && lit.allSatisfy { $0 / table.width == 2 })
            let place = lit.reduce(0.0) { $0 + Double($1 % table.width) } / Double(lit.count) - 14.5
            #expect(abs(place - distance) < 1, "\(turn): \(place)")
        }
    }

    @Test func noPointIsLostWhereManyVoxelsMakeAPixel() throws {
        let shape = VolumeShape(z: 120, y: 700, x: 900)
        for motion in PreviewAnimation.Motion.allCases {
            let sizes = PreviewAnimation.Sizes(motion, [shape], spacing: nil, isColor: false)
            let target = sizes.shapes[0]
            let pixels = sizes.pictures.reduce(0) { $0 + $1.width * $1.height } * sizes.frameCount
            #expect(pixels < 4_700_000 && target.z <= 120)
            let volume = try ReducedVolume(
                of: Self.source(shape, bright: VolumeIndex(z: 77, y: 345, x: 678)),
                to: target,
                channel: 0,
                timepoint: 0
            )
            #expect(volume.voxels.max() == 1000)
        }
    }
}
