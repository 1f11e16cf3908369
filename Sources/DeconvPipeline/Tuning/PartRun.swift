import DeconvMethods
import DeconvOptics
import DeconvOptions
import DeconvPlan
import DeconvVolume

/// A method at work on a part of an image, on the device that will compute all of it.
struct PartRun {
    private let engine: any VolumeEngine
    private let imageInWhole: Region
    private let mean: Double
    private let background: Double

    /// Plans for the part alone, and brings it to the device.
    /// - Parameters:
    ///   - observed: counts of its voxels, which are `lightShare` of those of the part.
    ///   - plan: of the device.
    ///   - background: b of the whole light.
    /// - Throws: as `JobPlan.init`; `outOfMemory`, `deviceFailed` that name the device.
    init(
        _ part: TuningPart,
        observed: [Float],
        lightShare: Double,
        _ job: JobDescription,
        _ plan: JobPlan,
        channel: Int,
        background: Double
    ) throws(DeconvolutionError) {
        var options = job.options
        options.tileShape = nil
        options.overlapsVolumes = false
        options.readNoise *= lightShare.squareRoot()
        let shape = part.region.shape
        var image = job.source.image
        image = ImageDescription(shape: shape, pixelType: .float32, spacing: image.spacing)
        let index = plan.blurs.count == 1 ? 0 : channel
        let small = try JobPlan(
            image: image,
            imageName: job.source.name,
            psfs: plan.psfs,
            blurs: [plan.blurs[index]],
            hasSensitivity: part.weights != nil,
            options: options,
            backend: NumberedBackend(number: plan.deviceNumber, backend: plan.backend)
        )
        let cancellation = job.cancellation
        engine = try small.makeEngine(scratchFolder: job.scratchFolder) { () throws(DeconvolutionError) in
            try cancellation.check()
        }
        imageInWhole = small.tiles.imageInWhole
        mean = lightShare * part.mean
        self.background = lightShare * background
        let blur = plan.blurs[index].blur
        let (origin, inWhole) = (part.region.origin, small.tiles.imageInWhole.origin)
        try engine.use(
            blur.centralPart(blur.shape.limited(to: shape, small.boundary))
                .moved(to: VolumeIndex { inWhole[$0] - origin[$0] }),
            ids: [0]
        )
        let frame = small.tiles.frameInImage
        func frameReader(_ values: [Float]) -> (Region) throws(DeconvolutionError) -> VoxelData {
            let reader = FrameReader(ArraySource(.float32(values), shape: shape), boundary: small.boundary)
            return { (region) throws(DeconvolutionError) in
                let part = Region(
                    origin: VolumeIndex { frame.origin[$0] + region.origin[$0] },
                    shape: region.shape
                )
                return try reader.read(part, channel: 0, timepoint: 0)
            }
        }
        try engine.setObserved(reading: frameReader(observed))
        guard let weights = part.weights else { return }
        let read = frameReader(weights)
        try engine.useSensitivity(VolumeSensitivity.Key(image: 0)) { (region) throws(DeconvolutionError) in
            try read(region).floats
        }
    }

    /// Runs the method from its start.
    /// - Parameter watch: looks at each step.
    func run(_ tuning: MethodTuning, watch: SolverWatch) throws(DeconvolutionError) {
        try engine.run(
            mean: mean,
            background: background,
            tuning: tuning,
            measuring: imageInWhole,
            watch: watch
        ) { _ in
        }
    }
}
