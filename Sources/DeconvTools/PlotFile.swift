import DeconvIO
import DeconvOptions
import DeconvPipeline
import DeconvVolume

/// A picture in a file of its own: begun before a run, so that what is in its way is found at once, and written after it.
final class PlotFile {
    private let output: AtomicOutput

    /// Begins the file; nothing is seen of it yet.
    /// - Parameters:
    ///   - path: a name in `.png`.
    ///   - option: what named it.
    ///   - overwrite: whether it may replace another.
    /// - Throws: `invalidArgument` for another name; `cannotCreateOutput` where it exists and may not be replaced, or where its folder cannot
    ///   be written.
    init(path: String, _ option: OptionName, overwrite: Bool) throws(DeconvolutionError) {
        guard path.lowercased().hasSuffix(".png") || OutputOptions.namesNothing(path) else {
            throw DeconvolutionError(.invalidArgument, "\(option, path): it is a PNG file; give a name in .png")
        }
        output = try AtomicOutput(path: path, overwrite: overwrite, isExclusive: true)
    }

    /// Writes it, once.
    /// - Throws: `inputOutput` on a full disk.
    func write(_ png: [UInt8]) throws(DeconvolutionError) {
        try png.withUnsafeBufferPointer { (bytes) throws(DeconvolutionError) in
            try output.append(UnsafeRawBufferPointer(bytes))
        }
        try output.finish()
    }
}
