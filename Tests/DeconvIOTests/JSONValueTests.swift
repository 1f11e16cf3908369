import DeconvIO
import DeconvTestSupport
import Foundation
import Testing

@Suite struct JSONValueTests {
    private let folder = try! TemporaryFolder()

    /// A group's attributes, through a file.
    private func attributes(_ text: String) throws -> JSONObject {
        let file = #"{"zarr_format": 3, "node_type": "group", "attributes": \#(text)}"#
        try file.write(toFile: folder.path("zarr.json"), atomically: true, encoding: .utf8)
        return try ZarrStore(path: folder.url.path).group(at: .root).attributes
    }

    @Test func whatOthersWroteIsKeptAsItIs() throws {
        let text = """
            {
              "z": 1.0,
              "a": [1, -2.50e+3, 18446744073709551616, NaN, -Infinity],
              "text": "µ \\"quoted\\" \\\\ \\n end",
              "nested": {
                "empty": {},
                "list": [
                  [],
                  {
                    "null": null
                  }
                ],
                "yes": true
              }
            }

            """
        #expect(JSONValue.object(try attributes(text)).text == text)
    }

    @Test func numbersAreTakenAsTheyAreMeant() throws {
        let values = try attributes(
            #"{"a": 1.0, "b": 1e3, "c": 0.5, "d": -7, "e": 18446744073709551615, "f": "1", "g": 1e400}"#
        )
        #expect(values["a"]?.integer() == 1)
        #expect(values["b"]?.integer() == 1000)
        #expect(values["c"]?.integer() == nil && values["c"]?.double == 0.5)
        #expect(values["d"]?.integer(as: UInt8.self) == nil && values["d"]?.integer() == -7)
        #expect(values["e"]?.integer(as: UInt64.self) == .max && values["e"]?.integer() == nil)
        #expect(values["f"]?.integer() == nil && values["f"]?.double == nil)
    }

    @Test func escapesAreUnderstood() throws {
        let text = #"{"a": "\u00b5\ud83d\ude00\/\b\f\t", "b": "\ud800"}"#
        #expect(try attributes(text)["a"] == "µ😀/\u{8}\u{C}\t")
        #expect(try attributes(text)["b"] == "\u{FFFD}")
    }

    @Test(arguments: [
        "{", "[1,]", "{\"a\" 1}", "{a: 1}", "01", "1.", "+1", ".5", "nul", "\"", "\"\\x\"", "\"\\u12\"", "[1] 2",
        "{} x",
        "\"\u{1}\"", "", "-", "1e",
    ])
    func whatIsNotJSONIsRefused(text: String) {
        #expect(throws: (any Error).self) { _ = try attributes(text) }
    }

    @Test func levelsWithoutEndAreRefused() {
        let deep = String(repeating: "[", count: 1 << 20)
        #expect(throws: (any Error).self) { _ = try attributes(deep) }
        #expect(throws: Never.self) {
            _ = try attributes("{\"a\": \(String(repeating: "[", count: 200))\(String(repeating: "]", count: 200))}")
        }
    }
}
