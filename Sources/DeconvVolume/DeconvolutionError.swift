import Glibc

/// The one error that this library throws: a code to switch on, a message for people, and what caused it.
public struct DeconvolutionError: Error, Sendable {
    /// What kind of failure it is.
    public let code: Code
    /// One line that names the file, tile or device, the offending value, and the remedy.
    public let line: Message
    /// What lay underneath, such as a driver's status or a compiler's log.
    public let cause: (any Error)?

    /// An error from its parts.
    public init(_ code: Code, _ line: Message, cause: (any Error)? = nil) {
        self.code = code
        self.line = line
        self.cause = cause
    }

    /// The line as a Swift program reads it: options are properties, such as `.background = 98`.
    public var message: String { text(.property) }

    /// The options that the line names, in their order.
    public var options: [OptionName] { line.options }

    /// The line as a front end writes it.
    public func text(_ style: OptionName.Style) -> String { line.text(style) }
}

extension DeconvolutionError {
    /// A kind of failure. More kinds may come; switch with a default.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Kind: String {
            case invalidArgument, invalidData, inputNotFound, deviceUnavailable, deviceFailed, outOfMemory
            case internalError, cannotCreateOutput, outputExists, inputOutput, diskFull, cancelled
        }

        private let kind: Kind

        private init(_ kind: Kind) { self.kind = kind }

        /// An option or argument outside its range.
        public static let invalidArgument = Code(.invalidArgument)
        /// A file or array that cannot be used: not an image, damaged, or with impossible values.
        public static let invalidData = Code(.invalidData)
        /// An input file that is missing or may not be read.
        public static let inputNotFound = Code(.inputNotFound)
        /// No device of that name, or none at all.
        public static let deviceUnavailable = Code(.deviceUnavailable)
        /// A device, its driver or its compiler failed.
        public static let deviceFailed = Code(.deviceFailed)
        /// Memory on the host or on the device ran out in spite of the plan.
        public static let outOfMemory = Code(.outOfMemory)
        /// A fault of this program.
        public static let internalError = Code(.internalError)
        /// The output cannot be made: its folder is missing or may not be written, or another process is at it.
        public static let cannotCreateOutput = Code(.cannotCreateOutput)
        /// The output exists already and may not be replaced.
        public static let outputExists = Code(.outputExists)
        /// Reading or writing failed in the middle.
        public static let inputOutput = Code(.inputOutput)
        /// The disk or the user's share of it is full, or will be.
        public static let diskFull = Code(.diskFull)
        /// The caller asked to stop.
        public static let cancelled = Code(.cancelled)

        /// The name of the kind, for example `invalidData`.
        public var description: String { kind.rawValue }
    }
}

extension Int32 {
    /// Whether this error number says that a disk is full, or the user's share of it.
    package var meansFullDisk: Bool { self == ENOSPC || self == EDQUOT }
}

extension DeconvolutionError: CustomStringConvertible {
    /// What the cause has to say; nil where there is none.
    public var causeLine: Message? {
        cause.map { ($0 as? DeconvolutionError)?.wholeLine ?? "\(String(describing: $0))" }
    }

    /// The line, and behind a colon that of the cause.
    public var wholeLine: Message { causeLine.map { "\(line): \($0)" } ?? line }

    /// What it came from, in one line: what the cause has to say, or the line where there is none.
    package var reason: Message { (causeLine ?? line).firstLine }

    /// The whole line as a front end writes it.
    public func description(_ style: OptionName.Style) -> String { wholeLine.text(style) }

    /// The whole line as a Swift program reads it.
    public var description: String { description(.property) }
}
