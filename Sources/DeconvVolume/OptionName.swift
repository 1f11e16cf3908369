/// The name of an option, whoever writes it: `--psf-spacing` on a command line, `psf_spacing=` in Python and C, `.psfSpacing` in Swift.
public struct OptionName: Hashable, Sendable {
    /// Its words with dashes between them: `psf-spacing`.
    public let words: String
    /// The name of its property in Swift: `psfSpacing`.
    public let property: String

    /// A name from its words.
    /// - Parameter property: the property's name where it is not that of the words.
    public init(_ words: String, property: String? = nil) {
        self.words = words
        if let property {
            self.property = property
        } else {
            let parts = words.split(separator: "-")
            self.property = parts.dropFirst().reduce(String(parts.first ?? "")) { $0 + $1.capitalizedWord }
        }
    }

    /// As a keyword: `psf_spacing`.
    public var keyword: String { words.replacing("-", with: "_") }
}

extension OptionName {
    /// How a front end writes names and values.
    public enum Style: Sendable {
        /// `--background 98`
        case flag
        /// `background=98`
        case keyword
        /// `.background = 98`
        case property
    }

    /// The name with nothing behind it.
    func text(_ style: Style) -> String {
        switch style {
        case .flag: "--\(words)"
        case .keyword: "\(keyword)="
        case .property: ".\(property)"
        }
    }

    /// The name with a value.
    func text(_ style: Style, value: String) -> String {
        switch style {
        case .flag: "--\(words) \(value)"
        case .keyword: "\(keyword)=\(value)"
        case .property: ".\(property) = \(value)"
        }
    }

    /// The name of a switch, switched on.
    func textOn(_ style: Style) -> String {
        switch style {
        case .flag: "--\(words)"
        case .keyword: "\(keyword)=True"
        case .property: ".\(property) = true"
        }
    }
}

extension Substring {
    fileprivate var capitalizedWord: String { prefix(1).uppercased() + dropFirst() }
}

// Names that messages have in them. A name that only the table of options has needs no line here.
extension OptionName {
    // MARK: Input

    public static let psf = OptionName("psf")
    public static let array = OptionName("array")
    public static let axes = OptionName("axes")
    public static let channel = OptionName("channel", property: "channels")
    public static let time = OptionName("time", property: "timepoints")
    public static let spacing = OptionName("spacing")
    public static let flatField = OptionName("flat-field")
    public static let mask = OptionName("mask")
    public static let saturation = OptionName("saturation")

    // MARK: Method

    public static let method = OptionName("method")
    public static let iterations = OptionName("iterations", property: "iterationCount")
    public static let boundary = OptionName("boundary")
    public static let background = OptionName("background")
    public static let readNoise = OptionName("read-noise")
    public static let start = OptionName("start")
    public static let snr = OptionName("snr")

    // MARK: PSF

    public static let psfSpacing = OptionName("psf-spacing")
    public static let psfBackground = OptionName("psf-background")
    public static let psfAsIs = OptionName("psf-as-is")

    // MARK: Device and memory

    public static let backend = OptionName("backend")
    public static let device = OptionName("device")
    public static let fft = OptionName("fft")
    public static let threads = OptionName("threads", property: "threadCount")
    public static let memoryLimit = OptionName("memory-limit", property: "memoryLimitBytes")
    public static let tile = OptionName("tile", property: "tileShape")

    // MARK: Output

    public static let output = OptionName("output")
    public static let overwrite = OptionName("overwrite")
    public static let dtype = OptionName("dtype", property: "pixelType")
    public static let ome = OptionName("ome", property: "format")
    public static let deflate = OptionName("deflate", property: "compression")
    public static let divergenceInterval = OptionName("divergence-interval")
    public static let outputArray = OptionName("output-array", property: "array")
    public static let zarrFormat = OptionName("zarr-format", property: "version")
    public static let chunks = OptionName("chunks", property: "chunkShape")
    public static let shards = OptionName("shards", property: "shardShape")
    public static let codec = OptionName("codec")
}
