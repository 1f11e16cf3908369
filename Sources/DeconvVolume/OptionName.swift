/// The name of an option, whoever writes it.
///
/// It is `--psf-spacing` on a command line, `psf_spacing=` in Python and C, `.psfSpacing` in Swift.
public struct OptionName: Hashable, Sendable {
    /// Its words with dashes between them: `psf-spacing`.
    public let words: String
    /// The name of its property in Swift: `psfSpacing`.
    public let property: String
    /// As a keyword in Python and C: `psf_spacing`.
    public let keyword: String

    /// A name from its words.
    /// - Parameters:
    ///   - property: the property's name where it is not that of the words.
    ///   - keyword: the keyword where it is not that of the words.
    public init(_ words: String, property: String? = nil, keyword: String? = nil) {
        self.words = words
        self.keyword = keyword ?? words.replacing("-", with: "_")
        if let property {
            self.property = property
        } else {
            let parts = words.split(separator: "-")
            self.property = parts.dropFirst().reduce(String(parts.first ?? "")) { $0 + $1.capitalizedWord }
        }
    }
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

    package static let psf = OptionName("psf")
    package static let array = OptionName("array")
    package static let axes = OptionName("axes")
    package static let channel = OptionName("channel", property: "channels")
    package static let time = OptionName("time", property: "timepoints")
    package static let spacing = OptionName("spacing")
    package static let flatField = OptionName("flat-field")
    package static let mask = OptionName("mask")
    package static let view = OptionName("view")
    package static let viewPSF = OptionName("view-psf", property: "viewPSF")
    package static let viewBackground = OptionName("view-background")
    package static let saturation = OptionName("saturation")

    // MARK: Method

    package static let method = OptionName("method")
    package static let iterations = OptionName("iterations", property: "iterationCount")
    package static let boundary = OptionName("boundary")
    package static let background = OptionName("background")
    package static let readNoise = OptionName("read-noise")
    package static let start = OptionName("start")
    package static let snr = OptionName("snr")
    package static let regularization = OptionName("regularization")
    package static let accelerate = OptionName("accelerate", property: "acceleration")
    package static let stop = OptionName("stop")
    package static let maxIterations = OptionName("max-iterations", property: "maximumIterationCount")
    package static let totalVariation = OptionName("total-variation")
    package static let goodRoughness = OptionName("good-roughness")
    package static let tikhonovMiller = OptionName("tikhonov-miller")
    package static let sieve = OptionName("sieve")
    package static let gain = OptionName("gain")
    package static let seed = OptionName("seed")
    package static let tuning = OptionName("tuning")

    // MARK: PSF

    package static let psfAt = OptionName("psf-at", property: "psfPlaces")
    package static let psfModes = OptionName("psf-modes", property: "psfModeCount")
    package static let psfSpacing = OptionName("psf-spacing")
    package static let psfBackground = OptionName("psf-background")
    package static let psfAsIs = OptionName("psf-as-is")
    package static let beadDiameter = OptionName("bead-diameter")
    package static let box = OptionName("box")
    package static let radialAverage = OptionName("radial-average", property: "psfRadialAverage")
    package static let symmetrize = OptionName("symmetrize", property: "psfSymmetrize")

    // MARK: Microscope

    package static let microscope = OptionName("microscope", property: "kind")
    package static let model = OptionName("model")
    package static let na = OptionName("na", property: "numericalAperture")
    package static let emission = OptionName("emission")
    package static let excitation = OptionName("excitation")
    package static let dye = OptionName("dye", property: "dyes")
    package static let immersion = OptionName("immersion")
    package static let sampleIndex = OptionName("sample-index")
    package static let coverGlass = OptionName("cover-glass")
    // In Python `depth` is what chunks read of their neighbors, as in Dask.
    package static let depth = OptionName("depth", keyword: "sample_depth")
    package static let pinhole = OptionName("pinhole")
    package static let sheetThickness = OptionName("sheet-thickness")
    package static let sheetNA = OptionName("sheet-na", property: "sheetNA")
    package static let psfShape = OptionName("psf-shape")

    // MARK: Device and memory

    package static let backend = OptionName("backend")
    package static let device = OptionName("device")
    package static let fft = OptionName("fft")
    package static let passes = OptionName("passes", property: "timesPasses")
    package static let threads = OptionName("threads", property: "threadCount")
    package static let memoryLimit = OptionName("memory-limit", property: "memoryLimitBytes")
    package static let tile = OptionName("tile", property: "tileShape")

    // MARK: Output

    package static let output = OptionName("output")
    /// Whether the files are images of their own.
    package static let each = OptionName("each")
    package static let overwrite = OptionName("overwrite")
    package static let dtype = OptionName("dtype", property: "pixelType")
    package static let ome = OptionName("ome", property: "format")
    package static let deflate = OptionName("deflate", property: "compression")
    package static let writeMask = OptionName("write-mask", property: "maskPath")
    package static let uncertainty = OptionName("uncertainty", property: "uncertaintyPath")
    package static let divergenceInterval = OptionName("divergence-interval")
    package static let outputArray = OptionName("output-array", property: "array")
    package static let zarrFormat = OptionName("zarr-format", property: "version")
    package static let chunks = OptionName("chunks", property: "chunkShape")
    package static let shards = OptionName("shards", property: "shardShape")
    package static let codec = OptionName("codec")
}
