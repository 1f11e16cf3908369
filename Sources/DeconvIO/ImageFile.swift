package import DeconvVolume

/// A volume source that is a file, with what its user should know about how it was understood.
package protocol ImageFileSource: VolumeSource {
    /// What was assumed, left out or ignored; empty for a file that says everything.
    var diagnostics: [Diagnostic] { get }
}

/// Image files by content.
package enum ImageFile {
    /// The image in a file, whatever its name ends in: the first bytes tell the format.
    ///
    /// TIFF is the one format so far.
    /// - Throws: `inputNotFound` where it is missing, a folder, or may not be read; `invalidData` where it is
    ///   empty, of another format, damaged, or holds what cannot be deconvolved, such as color.
    package static func open(path: String) throws(DeconvolutionError) -> any ImageFileSource {
        try TIFFSource(path: path)
    }
}
