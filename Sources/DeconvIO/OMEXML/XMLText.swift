import CExpat

/// Hears what a text of XML holds, in its order.
protocol XMLListener: AnyObject {
    /// An element begins.
    func begin(_ element: String, _ attributes: [String: String])
    /// Characters in an element, whose text may come in several parts.
    func hear(_ text: String)
    /// The element that began last ends.
    func end()
}

/// Reads XML with Expat, which brings nothing along: Foundation's parser stands on libxml2 and 30 MB of ICU.
enum XMLText {
    /// Tells a listener what a text holds.
    /// - Returns: the line where the text is broken, or nil for one that is well formed to its end.
    static func read(_ text: String, telling listener: any XMLListener) -> Int? {
        // The text is in UTF-8, whatever it says of itself.
        guard let parser = XML_ParserCreate("UTF-8") else { return 1 }
        defer { XML_ParserFree(parser) }
        let told = Told(listener)
        XML_SetUserData(parser, Unmanaged.passUnretained(told).toOpaque())
        XML_SetElementHandler(
            parser,
            { user, name, attributes in
                guard let name, let told = Told.from(user) else { return }
                var values: [String: String] = [:]
                var next = attributes
                while let name = next?[0], let value = next?[1] {
                    values[String(cString: name)] = String(cString: value)
                    next = next?.advanced(by: 2)
                }
                told.listener.begin(String(cString: name), values)
            },
            { user, _ in Told.from(user)?.listener.end() }
        )
        XML_SetCharacterDataHandler(parser) { user, characters, count in
            guard let characters else { return }
            let bytes = UnsafeRawBufferPointer(start: characters, count: Int(count))
            Told.from(user)?.listener.hear(String(decoding: bytes, as: UTF8.self))
        }
        var text = text
        let status = withExtendedLifetime(told) {
            text.withUTF8 { bytes -> XML_Status in
                guard bytes.count <= Int(Int32.max) else { return XML_STATUS_ERROR }
                return bytes.withMemoryRebound(to: CChar.self) {
                    XML_Parse(parser, $0.baseAddress, Int32($0.count), 1)
                }
            }
        }
        return status == XML_STATUS_OK ? nil : Int(XML_GetCurrentLineNumber(parser))
    }

    /// A listener as C functions hand it on.
    private final class Told {
        let listener: any XMLListener

        init(_ listener: any XMLListener) { self.listener = listener }

        static func from(_ user: UnsafeMutableRawPointer?) -> Told? {
            user.map { Unmanaged<Told>.fromOpaque($0).takeUnretainedValue() }
        }
    }
}
