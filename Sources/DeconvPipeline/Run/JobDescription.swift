import DeconvDevice
import DeconvIO
import DeconvMethods
import DeconvOptions
import DeconvVolume
import Logging

/// A job as a value, but for its PSFs and devices: what every part of a run may need to know of it.
struct JobDescription: Sendable {
    /// Where the volumes come from.
    var source: any VolumeSource
    /// Where the volumes of the second view of the object come from; nil where there is one view.
    var secondSource: (any VolumeSource)?
    /// Flat field and mask of the image.
    let sensitivity: Sensitivity
    /// What is done to each volume.
    var options: DeconvolutionOptions
    /// What a sample of its planes tells of the image, and what follows from that; nil until somebody has looked.
    var look: Look?
    /// What the voxels of the result are stored as.
    let resultType: PixelType
    /// Where results go that do not fit in memory before they are written.
    let scratchFolder: String
    /// A request to stop.
    let cancellation: Cancellation
    /// Hears what is of use to whoever looks for a fault.
    let logger: Logger
    /// Called after every iteration and at every change of stage, on the threads of the run, one at a time.
    let progress: @Sendable (DeconvolutionProgress) -> Void

    /// What was seen of the image, and what it is computed with.
    struct Look: Sendable {
        /// What a sample of its planes tells.
        var survey: ImageSurvey
        /// The same of the second view.
        var secondSurvey: ImageSurvey?
        /// What its channels are computed with.
        var findings: ImageFindings
        /// What was spent on it, seconds.
        var seconds: Double
    }

    /// What its channels are computed with.
    var findings: ImageFindings {
        guard let look else { preconditionFailure("a job looks at its image before it runs") }
        return look.findings
    }

    /// The same job of the second view alone; nil where there is one view.
    var ofSecondView: JobDescription? {
        guard let secondSource else { return nil }
        var job = self
        (job.source, job.secondSource) = (secondSource, nil)
        job.options.background = options.viewBackground ?? options.background
        if let look, let survey = look.secondSurvey {
            let findings = ImageFindings(look.findings.secondView ?? [])
            job.look = Look(survey: survey, findings: findings, seconds: 0)
        }
        return job
    }

    /// Steps that a method takes for a volume of a channel.
    func stepCount(_ channel: Int, _ method: any DeconvolutionMethod) -> Int {
        look?.findings.channels[channel].tuning?.tuning.stepCount ?? method.stepCount
    }

    /// The image as it is computed from.
    var recorded: any VolumeSource { ShiftedSource.source(source, findings.channels.map(\.shift)) }

    /// What a setup for the job has to be made for.
    /// - Parameter results: what the results take on their way.
    func request(results: JobPlan.Results) -> JobSetup.Request {
        JobSetup.Request(
            image: source.image,
            imageName: source.name,
            hasSensitivity: !sensitivity.isEmpty || options.saturation != nil || options.masksBadPixels,
            options: options.withoutFindings,
            results: results,
            reading: JobPlan.ReadingNeeds(images: images, maps: sensitivity.maps)
        )
    }

    /// The most bytes of decoded chunks that looking at the image may keep, which is before anything else is held.
    var surveyBytes: Int { (options.memoryLimitBytes ?? HostSystem.freeBytes) / 8 }

    /// The image, then its second view.
    private var images: [any VolumeSource] { [source] + [secondSource].compactMap(\.self) }

    /// What is read, images first.
    private var sources: [any VolumeSource] { images + sensitivity.maps }

    /// Has sources keep as many decoded chunks as the plans have room for.
    func limitKeptBytes(_ plans: [JobPlan]) {
        changeKeptBytes { index, _ in plans.reduce(0) { $0 + $1.reading.keptBytes[index] } }
    }

    /// The same after a device has made another plan.
    func limitKeptBytes(_ plan: JobPlan, insteadOf former: JobPlan) {
        changeKeptBytes { index, now in now + plan.reading.keptBytes[index] - former.reading.keptBytes[index] }
    }

    private func changeKeptBytes(_ limit: (_ source: Int, _ now: Int) -> Int) {
        for (index, source) in sources.enumerated() {
            (source as? any ImageFileSource)?.limitKeptBytes { limit(index, $0) }
        }
    }
}

extension DeconvolutionOptions {
    /// Without what follows from the image: jobs that differ in nothing else have the same plan.
    fileprivate var withoutFindings: DeconvolutionOptions {
        var options = self
        (options.background, options.saturation, options.masksBadPixels) = (0, nil, false)
        return options
    }
}
