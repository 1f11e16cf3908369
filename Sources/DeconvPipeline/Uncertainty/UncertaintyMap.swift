import DeconvDevice
import DeconvIO
import DeconvMethods
import DeconvOptions
import DeconvVolume

/// A map of how uncertain a result is, from halves of its photons to a file or an array.
///
/// It is finished with the result that it is of. One in Zarr is begun as `NAME.partial`, as a result is, and gone on with by the next run
/// of the same job; one in TIFF is computed anew.
final class UncertaintyMap {
    /// What the result is that the map is of, for one that another run may go on with.
    struct Whole {
        /// Of the result, with what was found.
        var fingerprint: JobFingerprint
        /// As for `ZarrSink`.
        var inputStamps: [VolumePosition: UInt64]
    }

    private enum Target {
        case array(any VolumeCollection)
        case tiff(TIFFSink)
        case zarr(ZarrOutputPlan)
    }

    /// Nil for an array.
    private let path: String?
    private let target: Target
    private let image: ImageDescription
    private let inputs: [String]
    private let writerCount: Int
    /// What takes volumes of the map, once it is computed.
    private var collection: (any VolumeCollection)?
    private var zarrSink: ZarrSink?
    private var report: UncertaintyReport?
    private var warnings: [Diagnostic] = []

    /// Begins a map, so that what is in its way is found at once.
    /// - Parameters:
    ///   - path: a name in `.tif`, in `.ome.tif`, or of a Zarr store or a path in one.
    ///   - options: those of the result, of which the map takes what suits its own format.
    ///   - result: what the result is.
    ///   - inputs: files and folders that are read.
    ///   - writers: threads that encode chunks.
    ///   - zarrPlan: how an array in a store is stored.
    /// - Throws: as `OutputTarget.init` and `OutputOptions.makeSink`.
    init(
        _ path: String,
        _ options: OutputOptions,
        _ result: ImageDescription,
        inputs: [String],
        writers: Int,
        zarrPlan: (String, ZarrPath, OutputOptions, ImageDescription) throws(DeconvolutionError) -> ZarrOutputPlan
    ) throws(DeconvolutionError) {
        guard !path.isEmpty else {
            throw DeconvolutionError(.invalidArgument, "\(.uncertainty) names no file; give a name in .tif or .zarr")
        }
        var options = options
        options.pixelType = .float32
        options.zarr.array = nil
        if OutputTarget.isZarr(path) { options.compression = .none } else { options.zarr = OutputOptions.Zarr() }
        var image = result
        image.pixelType = .float32
        image.provenance?.add("map", "standard error of each voxel, from two halves of the photons")
        self.path = path
        self.image = image
        self.inputs = inputs
        writerCount = writers
        target =
            switch try OutputTarget(path, options) {
            case .tiff: .tiff(try options.makeSink(path: path, image: image))
            case .zarr(let store, let array): .zarr(try zarrPlan(store, array, options, image))
            }
    }

    /// A map in memory.
    /// - Parameters:
    ///   - array: takes a volume for each of the image; is finished here.
    ///   - image: what the map is, with the spacing of its voxels where somebody said it.
    init(into array: any VolumeCollection, _ image: ImageDescription) {
        (path, target, inputs, writerCount) = (nil, .array(array), [], 1)
        self.image = image
    }

    /// Whether an unfinished one is gone on with.
    var isResumable: Bool { if case .zarr = target { true } else { false } }

    /// Computes both halves of all volumes.
    /// - Parameters:
    ///   - job: has looked at its image and found out what it is computed with.
    ///   - plan: how the result is computed.
    ///   - result: what it is; nil for one that nobody goes on with.
    ///   - progress: is told of all of the run.
    /// - Throws: `invalidArgument` where nobody knows the photons; as `DeconvolutionJob.run`.
    func compute(
        _ job: DeconvolutionJob,
        _ plan: JobPlan,
        _ result: Whole? = nil,
        progress: @escaping @Sendable (DeconvolutionProgress) -> Void
    ) throws(DeconvolutionError) {
        let start = ContinuousClock().now
        let whole = job.description
        var photons: [ChannelPhotons] = []
        for channel in 0..<image.channelCount {
            photons.append(try ChannelPhotons(whole, plan, channel: channel))
        }
        let waitingBytes = HalfPairs.waitingBytes(image)
        let limit = whole.options.memoryLimitBytes
        // What waits is kept in memory where that leaves most of it.
        let isInFiles = waitingBytes > (limit ?? HostSystem.freeBytes) / 4
        let halves = job.ofHalves(
            photons,
            memoryLimit: limit.map { isInFiles ? $0 : $0 - waitingBytes },
            progress: progress
        )
        let scratchFolder = isInFiles ? whole.scratchFolder : nil
        let check = { @Sendable [cancellation = whole.cancellation] () throws(DeconvolutionError) in
            try cancellation.check()
        }
        let setup: JobSetup
        let collection: any VolumeCollection
        var kept: KeptPlans?
        switch target {
        case .array(let array):
            setup = try halves.makeSetup(results: .inAnyOrder(writeBytes: 0))
            collection = array
        case .tiff(let sink):
            setup = try halves.makeSetup()
            let plan = setup.plans[0]
            let waiting =
                plan.deviceCount > 1
                ? plan.waitingVolumeCount + 2 * image.channelCount : image.channelCount > 1 ? image.channelCount : 0
            collection = try OrderedVolumes(
                into: sink,
                image,
                slotCount: waiting,
                scratchFolder: plan.usesScratchFiles || isInFiles ? whole.scratchFolder : nil,
                check: check
            )
        case .zarr(let plan):
            setup = try halves.makeSetup(
                results: .inAnyOrder(writeBytes: plan.bytesPerWrite(threadCount: writerCount))
            )
            guard var result else { preconditionFailure("a map in Zarr may be gone on with") }
            result.fingerprint.append("the result", "its uncertainty")
            let sink = try ZarrSink(
                plan,
                job: result.fingerprint,
                inputs: inputs,
                inputStamps: result.inputStamps,
                checking: check
            )
            zarrSink = sink
            kept = sink.plansPath.map(KeptPlans.init(path:))
            warnings += sink.diagnostics
            collection = sink
        }
        defer { kept?.end() }
        self.collection = collection
        let heldCount = image.volumes.count { collection.holds(channel: $0.channel, timepoint: $0.timepoint) }
        let pairs = HalfPairs(into: collection, image, halves.description, scratchFolder: scratchFolder)
        let done = try run(halves, setup, into: pairs)
        warnings += done.warnings.filter { Self.aboutDevices.contains($0.kind) }
        report = UncertaintyReport(
            file: path.map { FileRecord.absolute($0) },
            spacing: image.spacing,
            channels: photons.enumerated().map { channel, photons in
                UncertaintyReport.Channel(
                    gain: photons.noise?.gain,
                    from: photons.origin,
                    pairs.likeness(channel: channel)
                )
            },
            resumedVolumeCount: heldCount,
            seconds: (ContinuousClock().now - start).inSeconds
        )
    }

    /// Does the work; an error says what another run goes on with.
    private func run(
        _ halves: DeconvolutionJob,
        _ setup: JobSetup,
        into pairs: HalfPairs
    ) throws(DeconvolutionError) -> RunReport {
        do {
            return try halves.run(setup, into: pairs)
        } catch {
            guard let sink = zarrSink else { throw error }
            let held = image.volumes.count { sink.holds(channel: $0.channel, timepoint: $0.timepoint) }
            throw held == 0 ? error : error.withRemainder("\(sink.path).partial", held, of: image.volumeCount)
        }
    }

    /// What the result itself does not say.
    private static let aboutDevices: Set<Diagnostic.Kind> = [
        .outOfMemory, .deviceRecovered, .transformsReplaced, .deviceLeftOut,
    ]

    /// Makes the map look finished, once its result is, and adds what it tells to a report.
    /// - Throws: as `VolumeCollection.finish`.
    func finish(_ done: inout RunReport) throws(DeconvolutionError) {
        try collection?.finish()
        done.uncertainty = report
        done.warnings += warnings.filter { !done.warnings.contains($0) }
    }

    /// Lets another process go on with what is unfinished.
    func close() { zarrSink?.close() }
}
