import DeconvOptions
import DeconvPipeline
import DeconvPlan
import GPUDeconv

/// Everything that can be set, for arrays and for files.
struct CallOptions {
    var deconvolution = DeconvolutionOptions()
    var selection = InputSelection()
    var output = OutputOptions()
    var flatField: String?
    var mask: String?

    /// Sets an option by its name on the command line.
    /// - Parameter value: nil for its default.
    /// - Throws: `invalidArgument` for a name or value that there is not.
    mutating func set(_ name: String, to value: String?) throws(DeconvolutionError) {
        guard let option = Self.table[name] else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(name): no such option; there are \(Self.table.keys.sorted().joined(separator: ", "))"
            )
        }
        guard let value else { return option.reset(&self, CallOptions()) }
        guard option.set(&self, value) else {
            throw DeconvolutionError(.invalidArgument, "\(name) \(value): give \(option.values)")
        }
    }

    private static let table: [String: Option] = [
        "method": Option("richardson-lucy", \.method) { $0 == "richardson-lucy" ? $0 : nil },
        "iterations": Option("a whole number", \.deconvolution.iterationCount) { Int($0) },
        "boundary": Option(\.deconvolution.boundary),
        "background": Option("counts", \.deconvolution.background) { Double($0) },
        "read-noise": Option("counts", \.deconvolution.readNoise) { Double($0) },
        "saturation": Option("counts", \.deconvolution.saturation) { Double($0) },
        "start": Option(\.deconvolution.start),
        "spacing": Option("micrometres as z,y,x", \.deconvolution.spacing) { VoxelSpacing(text: $0) },
        "psf-spacing": Option("micrometres as z,y,x", \.deconvolution.psfSpacing) { VoxelSpacing(text: $0) },
        "psf-background": Option("auto or counts", \.deconvolution.psfBackground) { .init(text: $0) },
        "psf-as-is": Option("true or false", \.deconvolution.psfAsIs) { Bool($0) },
        "backend": Option(\.deconvolution.backend),
        "device": Option("a number or part of a name", \.deconvolution.device) { $0 },
        "fft": Option(\.deconvolution.fft),
        "threads": Option("a whole number", \.deconvolution.threadCount) { Int($0) },
        "memory-limit": Option("a size such as 8GB", \.deconvolution.memoryLimitBytes) { ByteCount.parse($0) },
        "tile": Option("voxels as z,y,x", \.deconvolution.tileShape) { VolumeShape(text: $0) },
        "divergence-interval": Option("a whole number", \.deconvolution.divergenceInterval) { Int($0) },
        "array": Option("a path in the store", \.selection.array) { $0 },
        "axes": Option("letters such as ctzyx", \.selection.axes) { $0 },
        "channel": Option("a range such as 0:2", \.selection.channels) { $0 },
        "time": Option("a range such as 0:10", \.selection.timepoints) { $0 },
        "flat-field": Option("a file", \.flatField) { $0 },
        "mask": Option("a file", \.mask) { $0 },
        "dtype": Option(OutputOptions.pixelTypes.map(\.rawValue).joined(separator: ", "), \.output.pixelType) { text in
            OutputOptions.pixelTypes.first { $0.rawValue == text }
        },
        "ome": Option("true or false", \.isOME) { Bool($0) },
        "deflate": Option("true or false", \.isDeflated) { Bool($0) },
        "overwrite": Option("true or false", \.output.overwrite) { Bool($0) },
        "output-array": Option("a path in the store", \.output.zarr.array) { $0 },
        "zarr-format": Option("2 or 3", \.output.zarr.version) { Int($0) },
        "chunks": Option("voxels as z,y,x", \.output.zarr.chunkShape) { VolumeShape(text: $0) },
        "shards": Option("voxels as z,y,x", \.output.zarr.shardShape) { VolumeShape(text: $0) },
        "codec": Option("blosc-lz4, blosc-zstd, zstd, gzip or none", \.output.zarr.codec) { $0 },
    ]

    /// There is one so far.
    private var method: String {
        get { "richardson-lucy" }
        // The table lets nothing else through.
        set { precondition(newValue == "richardson-lucy", "the table is checked") }
    }

    private var isOME: Bool {
        get { output.format == .ome }
        set { output.format = newValue ? .ome : nil }
    }

    private var isDeflated: Bool {
        get { output.compression == .deflate }
        set { output.compression = newValue ? .deflate : .none }
    }
}

/// An option: how a text becomes its value.
private struct Option: Sendable {
    let values: String
    let set: @Sendable (inout CallOptions, String) -> Bool
    let reset: @Sendable (inout CallOptions, CallOptions) -> Void

    /// - Parameters:
    ///   - values: what there is to give, in words.
    ///   - parse: nil for a text that is no value.
    init<Value>(
        _ values: String,
        _ property: any WritableKeyPath<CallOptions, Value> & Sendable,
        _ parse: @escaping @Sendable (String) -> Value?
    ) {
        self.values = values
        set = { options, text in
            guard let value = parse(text) else { return false }
            options[keyPath: property] = value
            return true
        }
        reset = { $0[keyPath: property] = $1[keyPath: property] }
    }

    init<Value>(
        _ values: String,
        _ property: any WritableKeyPath<CallOptions, Value?> & Sendable,
        _ parse: @escaping @Sendable (String) -> Value?
    ) {
        self.values = values
        set = { options, text in
            guard let value = parse(text) else { return false }
            options[keyPath: property] = value
            return true
        }
        reset = { $0[keyPath: property] = $1[keyPath: property] }
    }

    /// An option with few values.
    init<Value: RawRepresentable<String> & CaseIterable & SendableMetatype>(
        _ property: any WritableKeyPath<CallOptions, Value> & Sendable
    ) {
        self.init(Value.allCases.map(\.rawValue).joined(separator: ", "), property) { Value(rawValue: $0) }
    }
}
