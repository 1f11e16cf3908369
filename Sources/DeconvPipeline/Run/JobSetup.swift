import DeconvDevice
import DeconvMethods
import DeconvOptics
package import DeconvOptions
import DeconvPlan
package import DeconvVolume
import Synchronization

/// What a job needs before its first voxel: prepared PSFs, devices, a plan for each, and the engines that were made.
///
/// It may be kept for jobs with images of the same description and the same options, which then have nothing to set up.
/// Unchecked: it belongs to one run at a time, and each engine and plan to the thread of its device.
package final class JobSetup: @unchecked Sendable {
    /// What decides on a plan beside PSFs and devices.
    package struct Request: Hashable, Sendable {
        /// What the images are.
        package var image: ImageDescription
        /// What messages call them.
        package var imageName: String
        /// How many of the PSFs, at the end, are those of a second view of the object; 0 where there is one view.
        package var secondPSFCount = 0
        /// Whether their voxels may differ in their sensitivity.
        package var hasSensitivity: Bool
        /// What is done to them.
        package var options: DeconvolutionOptions
        /// What results take on their way.
        package var results: JobPlan.Results
        /// What reading images and maps may take.
        package var reading = JobPlan.ReadingNeeds()
    }

    /// What decides on its plans.
    private(set) var request: Request
    /// One for each device that has something to do.
    let lanes: [Lane]
    /// Gives up what others keep on the devices, and says whether there was anything.
    var giveUpOthers: @Sendable () -> Bool = { false }
    /// What tells PSFs apart, over all jobs.
    private(set) var psfIDs: [Int]
    /// What the PSFs come to.
    private var blurs: [PreparedBlur]
    /// What was spent before the first run.
    var seconds = RunReport.Seconds()
    private let devices: [NumberedBackend]
    /// Whether the run that uses it is to stop; engines keep this, and not what keeps them.
    let cancellation = CurrentCancellation()

    /// What belongs to one device.
    ///
    /// Unchecked: while a run uses it, it belongs to the thread of that device. An object of its own, for the elements of an array
    /// share their memory.
    final class Lane: @unchecked Sendable {
        /// How it computes.
        var plan: JobPlan
        /// What was made for the plan.
        var engine: (any VolumeEngine)?
        /// The device after it was opened anew, or what took its place.
        fileprivate(set) var newDevice: NumberedBackend?
        /// Whether the device failed, or ran out of memory, so that this is not to be kept.
        var isSpoiled = false

        fileprivate init(_ plan: JobPlan) { self.plan = plan }
    }

    /// How each device computes.
    package var plans: [JobPlan] { lanes.map(\.plan) }

    /// Plans for the given devices, of which more than there are volumes have nothing to do.
    /// - Parameters:
    ///   - blurs: what the PSFs come to; nil where nobody knows yet.
    ///   - psfIDs: what tells the PSFs apart; nil for their positions.
    /// - Throws: as `JobPlan.init` and `PreparedBlur.init`.
    init(
        _ request: Request,
        psfs: [PreparedPSF],
        blurs: [PreparedBlur]? = nil,
        psfIDs: [Int]? = nil,
        on devices: [NumberedBackend]
    ) throws(DeconvolutionError) {
        self.request = request
        self.blurs = if let blurs { blurs } else { try request.blurs(of: psfs) }
        self.devices = Array(devices.prefix(max(request.image.volumeCount, 1)))
        self.psfIDs = psfIDs ?? Array(psfs.indices)
        var plans: [JobPlan] = []
        for device in self.devices {
            plans.append(try Self.plan(request, psfs, self.blurs, on: device, deviceCount: self.devices.count))
        }
        lanes = plans.map { Lane($0) }
        warnOfMixing()
    }

    private func warnOfMixing() {
        if let warning = Devices.warning(ofMixing: plans) { lanes[0].plan.warnings.append(warning) }
    }

    private static func plan(
        _ request: Request,
        _ psfs: [PreparedPSF],
        _ blurs: [PreparedBlur],
        on device: NumberedBackend,
        deviceCount: Int,
        memoryCap: Int? = nil
    ) throws(DeconvolutionError) -> JobPlan {
        try JobPlan(
            image: request.image,
            imageName: request.imageName,
            psfs: psfs,
            blurs: blurs,
            secondPSFCount: request.secondPSFCount,
            hasSensitivity: request.hasSensitivity,
            options: request.options,
            backend: device,
            readingNeeds: request.reading,
            deviceCount: deviceCount,
            results: request.results,
            memoryCap: memoryCap
        )
    }

    /// Whether volumes are computed in one piece everywhere.
    var isInOnePiece: Bool { plans.allSatisfy { $0.tiles.tile == nil } }

    /// Opens a device anew, after its context failed.
    /// - Throws: as `ComputeBackend.renewed`.
    func renew(lane: Int) throws(DeconvolutionError) {
        func renewed(_ backend: some ComputeBackend) throws(DeconvolutionError) -> any ComputeBackend {
            try backend.renewed()
        }
        let backend = try renewed(lanes[lane].plan.backend)
        lanes[lane].plan.backend = backend
        lanes[lane].newDevice = NumberedBackend(number: lanes[lane].plan.deviceNumber, backend: backend)
    }

    /// Has this machine's cores take the place of a device.
    /// - Throws: as `JobPlan.init`.
    func moveToCPU(lane: Int) throws(DeconvolutionError) {
        let cpu = NumberedBackend(number: 0, backend: CPUBackend(threadCount: request.options.threadCount))
        lanes[lane].plan = try Self.plan(request, lanes[lane].plan.psfs, blurs, on: cpu, deviceCount: devices.count)
        lanes[lane].newDevice = cpu
    }

    /// Plans a device for half of what its plan takes, whatever it says that it has, and for one volume at a time.
    /// - Throws: as `JobPlan.init`.
    func planSmaller(lane: Int) throws(DeconvolutionError) {
        let device = lanes[lane].newDevice ?? devices[lane]
        var plan = try Self.plan(
            request,
            lanes[lane].plan.psfs,
            blurs,
            on: device,
            deviceCount: devices.count,
            memoryCap: lanes[lane].plan.takenBytes / 2
        )
        plan.overlap = nil
        lanes[lane].plan = plan
    }

    /// Takes other images and PSFs that plans are made alike for.
    /// - Throws: as `JobPlan.init`.
    func take(
        _ request: Request,
        _ psfs: [PreparedPSF],
        _ blurs: [PreparedBlur],
        ids: [Int]
    ) throws(DeconvolutionError) {
        precondition(hasPlans(for: blurs) && self.request.hasPlans(of: request), "plans are for shapes and modes")
        for lane in lanes { lane.plan.replacePSFs(psfs, blurs) }
        self.blurs = blurs
        psfIDs = ids
        guard request != self.request else { return }
        self.request = request
        // They name the image.
        for (lane, device) in zip(lanes, devices) {
            let plan = try Self.plan(request, psfs, blurs, on: lane.newDevice ?? device, deviceCount: devices.count)
            (lane.plan.image, lane.plan.warnings) = (request.image, plan.warnings)
        }
        warnOfMixing()
    }

    /// Whether its plans are those for some blurs: of the same shapes and numbers of modes.
    func hasPlans(for blurs: [PreparedBlur]) -> Bool {
        func sizes(_ blurs: [PreparedBlur]) -> [[Int]] { blurs.map { $0.blur.shape.axes + [$0.blur.modes.count] } }
        return sizes(self.blurs) == sizes(blurs)
    }

    /// What tells the PSFs of a blur apart from others.
    /// - Parameter index: of the blur in those of a plan.
    func ids(ofBlur index: Int) -> [Int] {
        stride(from: index, to: psfIDs.count, by: blurs.count).map { psfIDs[$0] }
    }

    /// Begins a run.
    /// - Parameter cancellation: a request to stop it.
    /// - Returns: what was spent on preparing since the last run began.
    func begin(_ cancellation: Cancellation) -> RunReport.Seconds {
        self.cancellation.begin(cancellation)
        for lane in lanes { lane.engine?.beginJob() }
        defer { seconds = RunReport.Seconds() }
        return seconds
    }
}

/// The request to stop of whichever run uses a setup.
final class CurrentCancellation: Sendable {
    private let cancellation = Mutex(Cancellation())

    /// Another run begins.
    func begin(_ cancellation: Cancellation) { self.cancellation.withLock { $0 = cancellation } }

    /// - Throws: `cancelled` when the run is to stop.
    func check() throws(DeconvolutionError) { try cancellation.withLock { $0 }.check() }
}

extension JobSetup.Request {
    /// Whether plans for another one are those for this one, but for what they say.
    func hasPlans(of other: JobSetup.Request) -> Bool {
        let image = other.image
        guard image.shape == self.image.shape, image.pixelType == self.image.pixelType,
            image.spacing == self.image.spacing,
            image.channelCount == self.image.channelCount, image.timepointCount == self.image.timepointCount
        else { return false }
        var same = other
        (same.image, same.imageName) = (self.image, imageName)
        return same == self
    }

    /// What PSFs come to: a blur for each that there is of a place.
    /// - Parameter psfs: those of the first place, then those of the next; of one place where options have none.
    /// - Throws: as `PreparedBlur.init`; `invalidArgument` for a sieve or a second view with PSFs of several places.
    func blurs(of psfs: [PreparedPSF]) throws(DeconvolutionError) -> [PreparedBlur] {
        let sieve = try Methods.method(options).sieve
        guard let places = options.psfPlaces else { return psfs.map { PreparedBlur($0.psf, sieve: sieve) } }
        guard secondPSFCount == 0 else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.psfAt) is for PSFs that vary from place to place, and with \(.view) each image has one; leave one of them out"
            )
        }
        guard sieve == 0 else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.sieve) is for a PSF that is the same everywhere, and \(.psfAt) for one that is not; leave one of them out"
            )
        }
        let count = psfs.count / places.count
        var blurs: [PreparedBlur] = []
        for first in 0..<count {
            blurs.append(
                try PreparedBlur(
                    stride(from: first, to: psfs.count, by: count).map { psfs[$0].psf },
                    at: places,
                    spacing: options.spacing ?? image.spacing,
                    modeCount: options.psfModeCount
                )
            )
        }
        return blurs
    }
}
