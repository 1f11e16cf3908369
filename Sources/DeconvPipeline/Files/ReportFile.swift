import DeconvIO
package import DeconvVolume

/// A text file that is begun before a run, so that what is in its way is found at once, and appears when it is written.
package final class ReportFile {
    private let output: AtomicOutput

    /// Begins the file; nothing is seen of it yet.
    /// - Throws: `cannotCreateOutput` where it exists and may not be replaced, where another process is to write it, or where its
    ///   folder cannot be written.
    package init(path: String, overwrite: Bool) throws(DeconvolutionError) {
        output = try AtomicOutput(path: path, overwrite: overwrite, isExclusive: true)
    }

    /// Writes the whole text, once.
    /// - Throws: `inputOutput` on a full disk.
    package func write(_ text: String) throws(DeconvolutionError) {
        try Array(text.utf8).withUnsafeBufferPointer { (bytes) throws(DeconvolutionError) in
            try output.append(UnsafeRawBufferPointer(bytes))
        }
        try output.finish()
    }
}
