/// Something that a person should know about a run that went well.
public struct Diagnostic: Hashable, Sendable, CustomStringConvertible {
    /// One line, naming the file or value.
    public let message: String

    /// A warning from its text.
    public init(_ message: String) { self.message = message }

    /// The message.
    public var description: String { message }
}
