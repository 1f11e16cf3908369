import Testing

@testable import DeconvPreview

@Suite struct BitmapFontTests {
    private let font = BitmapFont.standard

    @Test func everyPrintableCharacterHasAGlyphOfItsOwn() {
        var seen: [[[Bool]]: Character] = [:]
        for code in UInt8(33)...126 {
            let character = Character(Unicode.Scalar(code))
            let glyph = font.glyph(character)
            #expect(glyph.rows.joined().contains(true))
            #expect(seen.updateValue(character, forKey: glyph.rows) == nil)
        }
        #expect(font.glyph("µ").rows != font.glyph("?").rows)
        #expect(font.glyph("\u{3BC}").rows == font.glyph("µ").rows)
        #expect(font.glyph("\u{1F52C}").rows == font.glyph("?").rows)
    }

    @Test func textThatIsTooLongEndsInAnEllipsisAndFits() {
        #expect(font.fitted("before", width: 100) == "before")
        let shortened = font.fitted("a-long-file-name.ome.tif", width: 60)
        #expect(shortened.hasPrefix("a-long") && shortened.hasSuffix("…"))
        #expect(font.width(of: shortened) <= 60)
        #expect(font.fitted("before", width: 3) == "")
    }

    @Test func aLetterIsDrawnDotForDot() {
        var picture = GrayImage(width: 7, height: 9)
        picture.write("L", x: 1, y: 1, scale: 1, shade: 9)
        let rows = (0..<9).map { y in String((0..<7).map { picture[$0, y] == 9 ? "#" : "." }) }
        #expect(
            rows == [
                ".......", ".#.....", ".#.....", ".#.....", ".#.....", ".#.....", ".#.....", ".#####.", ".......",
            ]
        )
    }

    @Test func textBeyondTheEdgeIsLeftOut() {
        var picture = GrayImage(width: 4, height: 4)
        picture.write("MM", x: -3, y: -2, scale: 2, shade: 255)
        #expect(picture.pixels.contains(255))
    }
}
