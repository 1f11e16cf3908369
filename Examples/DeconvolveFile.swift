import GPUDeconv

/// Takes the blur out of every channel and time point of a TIFF file.
public func deconvolve(file: String, psf: String, to output: String) throws -> Double {
    var options = DeconvolutionOptions()
    options.iterationCount = 20
    let report = try Deconvolver(options).deconvolve(file: file, psf: [psf], to: output)
    return report.seconds.total
}
