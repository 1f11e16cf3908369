import CZlib
import DeconvVolume

/// Pictures as one file that shows them one after the other, for ever: an animated PNG.
///
/// The chunks are those of the PNG specification, third edition (W3C 2025): `acTL` before the first picture, an `fcTL` before
/// each, and the pixels of all but the first in `fdAT`. A reader that knows nothing of them shows the first picture.
struct APNGEncoder {
    /// How long a picture is shown, milliseconds.
    let frameMilliseconds: Int

    /// One file from PNG files of the same size and kind.
    /// - Throws: `internalError` for files that are none, or of different kinds.
    func file(_ frames: [[UInt8]]) throws(DeconvolutionError) -> [UInt8] {
        let parts = frames.map(Self.chunks)
        guard let first = parts.first, let header = first.first, header.name == "IHDR", header.content.count == 13,
            parts.allSatisfy({ $0.first?.content == header.content })
        else {
            throw DeconvolutionError(.internalError, "the pictures of an animation differ in their size")
        }
        var file = Self.signature
        Self.append("IHDR", header.content, to: &file)
        Self.append("acTL", Self.number(frames.count) + Self.number(0), to: &file)
        var sequence = 0
        for (index, chunks) in parts.enumerated() {
            let size = Array(header.content[..<8])
            // No offset, as long as asked, left as it is, and replacing what was there.
            let control =
                Self.number(sequence) + size + Self.number(0) + Self.number(0)
                + Self.short(frameMilliseconds) + Self.short(1000) + [0, 0]
            Self.append("fcTL", control, to: &file)
            sequence += 1
            for chunk in chunks where chunk.name == "IDAT" {
                if index == 0 {
                    Self.append("IDAT", chunk.content, to: &file)
                } else {
                    Self.append("fdAT", Self.number(sequence) + chunk.content, to: &file)
                    sequence += 1
                }
            }
        }
        Self.append("IEND", [], to: &file)
        return file
    }

    private static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    private static func chunks(of file: [UInt8]) -> [(name: String, content: [UInt8])] {
        var chunks: [(String, [UInt8])] = []
        var position = signature.count
        while position + 12 <= file.count {
            let count = file[position..<position + 4].reduce(0) { 256 * $0 + Int($1) }
            let content = position + 8
            guard content + count + 4 <= file.count else { break }
            chunks.append(
                (
                    String(decoding: file[position + 4..<content], as: UTF8.self),
                    Array(file[content..<content + count])
                )
            )
            position = content + count + 4
        }
        return chunks
    }

    private static func append(_ name: String, _ content: [UInt8], to file: inout [UInt8]) {
        let body = Array(name.utf8) + content
        file += number(content.count) + body + number(Int(crc32(0, body, uInt(body.count))))
    }

    private static func number(_ value: Int) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
    }

    private static func short(_ value: Int) -> [UInt8] { Array(number(value)[2...]) }
}
