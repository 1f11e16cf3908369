import DeconvDevice
import DeconvIO
import DeconvPipeline
import DeconvTestSupport
import DeconvVolume
import Testing

@Suite struct RealDataTests {
    @Test func latticeCellTrial() throws {
        let source = try ImageFile.open(path: SharedData.path("lattice-cell/observed.tif"))
        let psf = try ImageFile.open(path: SharedData.path("lattice-cell/psf.tif"))
        let volume = Volume(shape: psf.image.shape, voxels: try psf.readVolume().floats, spacing: psf.image.spacing)
        for device in ["cpu", "1"] {
            var options = DeconvolutionOptions()
            options.background = 98
            options.device = device
            options.spacing = VoxelSpacing(z: 0.3, y: 0.1, x: 0.1)
            options.psfSpacing = VoxelSpacing(z: 0.1, y: 0.1, x: 0.1)
            let sink = ArraySink()
            let job = DeconvolutionJob(source: source, psfs: [.init(name: "psf", volume: volume)], options: options)
            let report = try job.run(into: sink)
            print(report)
            print(sink.voxels.count)
        }
    }
}
