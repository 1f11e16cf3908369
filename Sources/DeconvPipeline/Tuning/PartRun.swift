import DeconvMethods
import DeconvOptics
import DeconvOptions
import DeconvPlan
import DeconvVolume

/// A method at work on a part of an image, on the device that will compute all of it.
struct PartRun {
    private let engine: any VolumeEngine
    private let imageInWhole: Region
    private let views: [ViewLight]

    /// A part as one of the views of an object shows it.
    struct View {
        /// The part.
        let part: TuningPart
        /// Counts of its voxels, which are some of the light of the part.
        let observed: [Float]
        /// b of the whole light.
        let background: Double
    }

    /// Plans for the part alone, and brings it to the device.
    /// - Parameters:
    ///   - views: one or two, of the same part of the image.
    ///   - lightShare: what is observed, over the light of the parts.
    ///   - plan: of the device.
    /// - Throws: as `JobPlan.init`; `outOfMemory`, `deviceFailed` that name the device.
    init(
        _ views: [View],
        lightShare: Double,
        _ job: JobDescription,
        _ plan: JobPlan,
        channel: Int
    ) throws(DeconvolutionError) {
        var options = job.options
        options.tileShape = nil
        options.overlapsVolumes = false
        options.readNoise *= lightShare.squareRoot()
        let region = views[0].part.region
        let shape = region.shape
        var image = job.source.image
        image = ImageDescription(shape: shape, pixelType: .float32, spacing: image.spacing)
        let blurs = plan.blurIndices(ofChannel: channel).map { plan.blurs[$0] }
        let small = try JobPlan(
            image: image,
            imageName: job.source.name,
            psfs: plan.psfs,
            blurs: blurs,
            secondPSFCount: views.count - 1,
            hasSensitivity: views.contains { $0.part.weights != nil },
            options: options,
            backend: NumberedBackend(number: plan.deviceNumber, backend: plan.backend)
        )
        let cancellation = job.cancellation
        engine = try small.makeEngine(scratchFolder: job.scratchFolder) { () throws(DeconvolutionError) in
            try cancellation.check()
        }
        imageInWhole = small.tiles.imageInWhole
        self.views = views.map {
            ViewLight(mean: lightShare * $0.part.mean, background: lightShare * $0.background)
        }
        let (origin, inWhole) = (region.origin, small.tiles.imageInWhole.origin)
        try engine.use(
            blurs.map { prepared in
                prepared.blur.centralPart(prepared.blur.shape.limited(to: shape, small.boundary))
                    .moved(to: VolumeIndex { inWhole[$0] - origin[$0] })
            },
            ids: Array(blurs.indices)
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
        for (number, view) in views.enumerated() {
            try engine.setObserved(ofView: number, reading: frameReader(view.observed))
            guard let weights = view.part.weights else { continue }
            let read = frameReader(weights)
            try engine.useSensitivity(VolumeSensitivity.Key(image: 0), ofView: number) {
                (region) throws(DeconvolutionError) in try read(region).floats
            }
        }
    }

    /// Runs the method from its start.
    /// - Parameter watch: looks at each step.
    func run(_ tuning: MethodTuning, watch: SolverWatch) throws(DeconvolutionError) {
        try engine.run(
            views,
            tuning: tuning,
            measuring: imageInWhole,
            watch: watch
        ) { _ in
        }
    }
}
