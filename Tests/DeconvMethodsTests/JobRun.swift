import DeconvOptions
import DeconvPipeline
import DeconvVolume

/// A whole job over arrays, from image and PSF to result and report.
struct JobRun {
    let voxels: [Float]
    let report: RunReport

    init(_ image: Volume, psf: Volume, _ options: DeconvolutionOptions) throws {
        let sink = ArraySink()
        let job = DeconvolutionJob(
            source: ArraySource(image, name: "image.tif"),
            psfs: [.init(name: "psf.tif", volume: psf)],
            options: options
        )
        report = try job.run(into: sink)
        voxels = sink.voxels
    }
}
