public import DeconvPipeline
import DeconvPlan
public import DeconvVolume
import DeconvIO
import DeconvMethods
package import DeconvOptions
import Foundation

/// Where a run came from: what somebody needs who wants to write down how a result was made, or to make it again.
public struct RunOrigin: Sendable {
    /// The words of the command; nil where none was typed.
    public var command: [String]?
    /// When the run began, seconds since 1970.
    public var started: Int = time(nil)
    /// The image; nil for an array in memory.
    public var image: FileRecord?
    /// The files of the PSFs, in the order of channels; empty for arrays in memory.
    public var psfs: [FileRecord] = []
    /// The file of the flat field.
    public var flatField: FileRecord?
    /// The file of the mask.
    public var mask: FileRecord?
    /// The file of the second view; nil where there is one view.
    public var view: FileRecord?
    /// The files of its PSFs.
    public var viewPSFs: [FileRecord] = []
    /// Where the result lies, from the root on; nil for an array in memory.
    public var output: String?
    /// Every option with its value, and whether it was given.
    package var options: [ReportedOption] = []

    /// Of a run whose inputs are arrays until it is said otherwise.
    /// - Parameter files: whether options about files mean something to it.
    package init(_ options: JobOptions, files: Bool) {
        self.options = OptionTable.standard.reported(options, files: files)
    }
}

extension RunOrigin {
    /// Of a method, options that change nothing as long as nobody gives them.
    private static let ofChoice: Set<OptionName> = [
        .accelerate, .stop, .maxIterations, .totalVariation, .goodRoughness, .tikhonovMiller, .sieve, .gain,
        .seed, .tuning,
    ]

    /// In short, for the result itself: nothing in it changes from one run of the same job to the next.
    package func provenance(_ options: JobOptions) -> Provenance {
        var provenance = Provenance()
        provenance.add("program", "gpudeconv \(ProgramVersion.text)")
        if var image {
            // Not known before the image has been read.
            image.checksum = nil
            provenance.add("image", image.shortName)
        }
        for (number, psf) in psfs.enumerated() {
            provenance.add(psfs.count == 1 ? "psf" : "psf-\(number + 1)", psf.shortName)
        }
        let methodName = OptionTable.standard.method(of: options)
        let method = try? Methods.method(options.deconvolution)
        for option in OptionTable.standard.options {
            let isOfMethod = option.group == .method && option.methods?.contains(methodName) ?? true
            let decides = option.effect == .voxels || option.effect == .psf
            guard isOfMethod || (decides && options.given.contains(option.name)) else { continue }
            let isGiven = options.given.contains(option.name)
            if Self.ofChoice.contains(option.name), !isGiven { continue }
            // Found instead.
            if option.name == .iterations, method?.tuningRequest?.stop ?? .none != .none { continue }
            let text: String? =
                switch option.name {
                // In the name of the image.
                case .array: nil
                case .flatField: flatField?.shortName
                case .mask: mask?.shortName ?? option.text(options)
                case .view: view?.shortName
                case .viewPSF: viewPSFs.map(\.shortName).joined(separator: ", ")
                // As it was used.
                case .iterations: (method?.stepCount).map { "\($0)" }
                case .boundary: method?.boundary(options.deconvolution.boundary).rawValue
                default: option.text(options)
                }
            if let text { provenance.add(option.name.words, text) }
        }
        return provenance
    }
}

extension RunOrigin: Encodable {
    private enum Key: String, CodingKey { case program, version, command, started, inputs, output, options }
    private enum InputKey: String, CodingKey { case image, psf, flatField, mask, view, viewPSF }

    /// For example `2026-11-28T20:40:00Z`.
    private var startedInWords: String {
        var (seconds, parts) = (started, tm())
        gmtime_r(&seconds, &parts)
        var text = [CChar](repeating: 0, count: 32)
        strftime(&text, text.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
        return String(cString: text)
    }

    /// Writes it with stable keys.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode("gpudeconv", forKey: .program)
        try container.encode(ProgramVersion.text, forKey: .version)
        try container.encode(command, forKey: .command)
        try container.encode(startedInWords, forKey: .started)
        try container.encode(output, forKey: .output)
        if let image {
            var inputs = container.nestedContainer(keyedBy: InputKey.self, forKey: .inputs)
            try inputs.encode(image, forKey: .image)
            try inputs.encode(psfs, forKey: .psf)
            try inputs.encode(flatField, forKey: .flatField)
            try inputs.encode(mask, forKey: .mask)
            if let view {
                try inputs.encode(view, forKey: .view)
                try inputs.encode(viewPSFs, forKey: .viewPSF)
            }
        } else {
            try container.encodeNil(forKey: .inputs)
        }
        var values = container.nestedContainer(keyedBy: DataKey.self, forKey: .options)
        for option in options { try values.encode(option, forKey: DataKey(stringValue: option.name)) }
    }
}
