package import DeconvIO
import DeconvMethods
package import DeconvOptics
package import DeconvOptions
import DeconvPipeline
package import DeconvVolume

/// A look at a PSF file, and its preparation as a file of its own.
package struct PSFJob: Sendable {
    /// The file.
    package let file: any ImageFileSource
    private let measured: [MeasuredPSF]
    private let options: DeconvolutionOptions

    /// Opens a PSF.
    /// - Parameter options: of these `spacing` and what is said of the PSF matter.
    package init(path: String, options: DeconvolutionOptions) throws(DeconvolutionError) {
        try options.validate()
        file = try ImageFile.open(path: path)
        measured = try FileDeconvolution.measuredPSFs(in: file)
        self.options = options
    }

    /// The PSF of every channel, ready for an image of `options.spacing`, or of its own spacing where that is nil.
    package func prepared() throws(DeconvolutionError) -> [PreparedPSF] {
        var prepared: [PreparedPSF] = []
        for psf in measured { prepared.append(try psf.prepared(options)) }
        return prepared
    }

    /// Writes the prepared PSF of a single channel as float32 TIFF.
    /// - Throws: `invalidData` for several channels; what preparing and writing throws.
    package func write(to path: String, overwrite: Bool) throws(DeconvolutionError) -> PreparedPSF {
        guard measured.count == 1 else {
            throw DeconvolutionError(
                .invalidData,
                "\(file.name): \(measured.count) channels; prepare PSFs of one channel, one after the other"
            )
        }
        try OutputPaths.check([path], against: [file.name])
        let ready = try prepared()[0]
        var output = OutputOptions()
        output.overwrite = overwrite
        let image = ImageDescription(shape: ready.psf.shape, pixelType: .float32, spacing: ready.psf.spacing)
        let sink = try output.makeSink(path: path, image: image)
        try sink.append(volume: ready.psf.voxels, planeVoxelCount: ready.psf.shape.planeVoxelCount)
        try sink.finish()
        return ready
    }
}
