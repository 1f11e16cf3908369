public import DeconvDevice
import DeconvIO
package import DeconvOptics
public import DeconvPlan
public import DeconvVolume

/// What a run did: figures for people and programs.
public struct RunReport: Sendable {
    /// Stages that run at once.
    public enum Stage: String, Sendable, Encodable {
        /// Reading, decoding and looking at the input.
        case reading
        /// Bringing volumes to where they are computed.
        case uploading
        /// Iterations, and what they need.
        case computing
        /// Bringing results back.
        case downloading
        /// Encoding and writing the output.
        case writing
    }

    /// What one device did.
    public struct DeviceShare: Sendable, Hashable {
        /// Its number in `Devices.all`.
        public var number: Int
        /// What it is.
        public var device: DeviceDescription
        /// Volumes that it computed and that were written.
        public var volumeCount = 0
        /// Seconds of its iterations.
        public var computeSeconds = 0.0
        /// What made its transforms; nil where it computed no volume.
        public var fft: FFTLibrary?
        /// Why it was left out, where it was.
        public var failure: Message?
    }

    /// Where the seconds of a run went.
    public struct Seconds: Sendable, Hashable, Encodable {
        /// Reading and decoding the input.
        public var read = 0.0
        /// Preparing the PSF and gathering statistics.
        public var prepare = 0.0
        /// Contexts, buffers, plans, transfer functions.
        public var setup = 0.0
        /// Bringing volumes to where they are computed.
        public var upload = 0.0
        /// Iterations.
        public var compute = 0.0
        /// Bringing results back.
        public var download = 0.0
        /// Encoding and writing the output.
        public var write = 0.0
        /// All of it, by the clock on the wall.
        public var total = 0.0
        /// What was saved by doing these at once: their sum less the total, or 0.
        public var overlapped = 0.0

        /// What a run that does everything at once waits for: of all stages the one that took longest.
        var slowestStage: Stage? {
            let stages: [(Stage, Double)] = [
                (.reading, read + prepare), (.uploading, upload), (.computing, setup + compute),
                (.downloading, download),
                (.writing, write),
            ]
            let slowest = stages.max { $0.1 < $1.1 }!
            return slowest.1 > 0 ? slowest.0 : nil
        }

        /// The sum of what was done.
        var ofAllStages: Double { read + prepare + setup + upload + compute + download + write }
    }

    /// The Poisson divergence of one volume, iteration after iteration.
    public struct Convergence: Sendable, Hashable, Encodable {
        /// Channel of the volume in the result, from 0.
        public var channel: Int
        /// Time point of the volume in the result, from 0.
        public var timepoint: Int
        /// Iterations at which it was measured, before their update.
        public var iterations: [Int]
        /// Σ g·ln(g/y) − g + y over the recorded voxels at those iterations.
        public var poissonDivergence: [Double]
    }

    /// One of two views of the object.
    public struct View: Sendable {
        /// What its image is called.
        public var name: String
        /// Background of each channel in counts, given or found.
        public var backgrounds: [Double]
        /// Sum of its good voxels above the background, over all volumes, in counts.
        public var observedSum = 0.0
        /// What was done to each of its PSFs.
        package var psfs: [PSFPreparationReport]

        package init(name: String, backgrounds: [Double], psfs: [PSFPreparationReport]) {
            (self.name, self.backgrounds, self.psfs) = (name, backgrounds, psfs)
        }
    }

    /// Where it ran.
    public var device: DeviceDescription
    /// What each device did, the first one being `device`.
    public var devices: [DeviceShare] = []
    /// Volumes that an earlier run with the same output had finished.
    public var resumedVolumeCount = 0
    /// Voxels of the image done a second, by the clock on the wall.
    public var voxelsPerSecond = 0.0
    /// The stage that took longest, over all devices.
    public var bottleneck: Stage?
    /// What made the transforms of the first device; nil where it computed no volume in this run.
    public var fft: FFTLibrary? { devices.first?.fft }
    /// The method's name.
    public var method: String
    /// Updates of each volume; where channels have their own number, the largest.
    public var iterationCount: Int
    /// What was found out for the method, one a channel; empty where it asks for nothing.
    package var tunings: [ChannelTuning] = []
    /// What was taken to lie outside the frame.
    public var boundary: BoundaryMode
    /// Background of each channel in counts, given or found.
    public var backgrounds: [Double]
    /// What a sample of its planes told of each channel of the image.
    package var survey: [ChannelRecord] = []
    /// Voxels of a volume.
    public var shape: VolumeShape
    /// Number of channels.
    public var channelCount: Int
    /// Number of time points.
    public var timepointCount: Int
    /// Size of the image's voxels, µm, where somebody said.
    public var spacing: VoxelSpacing?
    /// Shape of the transforms.
    public var workShape: VolumeShape
    /// Tiles that a convolution is made from; 1 for one piece.
    public var tileCount: Int
    /// Voxels that a tile reads around those it delivers, before and after them together.
    public var halo: VolumeShape
    /// Most bytes held on the device.
    public var peakDeviceBytes = 0
    /// Most bytes that this process has held in memory, with those that a driver held for it in host memory.
    public var peakHostBytes = 0
    /// Compute time over iterations, for a whole volume.
    public var secondsPerIteration = 0.0
    /// Where the time went.
    public var seconds = Seconds()
    /// One entry a volume.
    public var convergence: [Convergence] = []
    /// The flat field's file, where there is one.
    public var flatField: String?
    /// The mask's file, where there is one.
    public var mask: String?
    /// Voxels that did not count because mask or flat field are 0 there, over all volumes.
    public var maskedVoxelCount = 0
    /// Voxels that did not count because they are saturated, over all volumes.
    public var saturatedInputVoxelCount = 0
    /// Sum of the observed good voxels above the background, over all volumes, in counts.
    public var observedSum = 0.0
    /// Sum of the result's voxels, over all volumes, in counts.
    public var resultSum = 0.0
    /// Voxels that did not fit the output's integer type and were set to its nearest end.
    public var saturatedVoxelCount = 0
    /// Where it came from; nil until it is known.
    public var origin: RunOrigin?
    /// What a person should know.
    public var warnings: [Diagnostic]
    /// Pixels of each channel that are hot or dead in every plane, y · width + x.
    package var foundMask: [[Int]] = []
    /// What was done to each PSF.
    package var psfs: [PSFPreparationReport]
    /// The views, where there are two; what stands elsewhere of image and PSF is that of the first.
    public var views: [View] = []
    /// What they were computed from; nil where they are in files.
    package var computedPSF: ComputedPSFReport?
    /// What halves of its photons tell; nil where nobody asked.
    package var uncertainty: UncertaintyReport?
    /// How PSFs of several places became modes, for each of their channels; empty where PSFs are the same everywhere.
    package var psfModes: [PSFModesReport]
}

extension RunReport: Encodable {
    private enum Key: String, CodingKey {
        case backend, device, devices, fft, method, iterations, tuning, boundary, background, survey, shape, channels,
            timepoints,
            spacing,
            workShape
        case resumedVolumes, voxelsPerSecond, bottleneck
        case tileCount, halo, peakDeviceBytes, peakHostBytes, secondsPerIteration, seconds, convergence, flatField
        case mask, maskedVoxelCount, saturatedInputVoxelCount, observedSum, resultSum, saturatedVoxels, psf, psfModes
        case warnings, diagnostics, libraries, computedPSF, outcome, uncertainty, views
    }

    /// The libraries that computed, and that read and wrote files.
    private var libraries: [String: String] {
        var versions = FormatLibraries.versions
        for library in Set(devices.compactMap(\.fft)) { versions[library.name] = library.version }
        return versions
    }

    /// Writes the report with stable keys; shapes and spacings are lists in the order z, y, x.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(device.backend.rawValue, forKey: .backend)
        try container.encode(device.name, forKey: .device)
        try container.encode(devices, forKey: .devices)
        try container.encode(fft?.rawValue, forKey: .fft)
        try container.encode(method, forKey: .method)
        try container.encode(iterationCount, forKey: .iterations)
        if !tunings.isEmpty { try container.encode(tunings.map(TuningRecord.init), forKey: .tuning) }
        try container.encode(boundary.rawValue, forKey: .boundary)
        if Set(backgrounds).count == 1 {
            try container.encode(backgrounds[0], forKey: .background)
        } else {
            try container.encode(backgrounds, forKey: .background)
        }
        try container.encode(survey, forKey: .survey)
        try container.encode(shape.axes, forKey: .shape)
        try container.encode(channelCount, forKey: .channels)
        try container.encode(timepointCount, forKey: .timepoints)
        try container.encode(spacing?.axes, forKey: .spacing)
        try container.encode(workShape.axes, forKey: .workShape)
        try container.encode(tileCount, forKey: .tileCount)
        try container.encode(halo.axes, forKey: .halo)
        try container.encode(peakDeviceBytes, forKey: .peakDeviceBytes)
        try container.encode(peakHostBytes, forKey: .peakHostBytes)
        try container.encode(secondsPerIteration, forKey: .secondsPerIteration)
        try container.encode(voxelsPerSecond, forKey: .voxelsPerSecond)
        try container.encode(resumedVolumeCount, forKey: .resumedVolumes)
        try container.encode(bottleneck, forKey: .bottleneck)
        try container.encode(seconds, forKey: .seconds)
        try container.encode(convergence, forKey: .convergence)
        try container.encode(flatField, forKey: .flatField)
        try container.encode(mask, forKey: .mask)
        try container.encode(maskedVoxelCount, forKey: .maskedVoxelCount)
        try container.encode(saturatedInputVoxelCount, forKey: .saturatedInputVoxelCount)
        try container.encode(observedSum, forKey: .observedSum)
        try container.encode(resultSum, forKey: .resultSum)
        try container.encode(saturatedVoxelCount, forKey: .saturatedVoxels)
        try container.encode(psfs, forKey: .psf)
        try container.encode(computedPSF, forKey: .computedPSF)
        try container.encode(outcome, forKey: .outcome)
        try container.encodeIfPresent(uncertainty, forKey: .uncertainty)
        if !views.isEmpty { try container.encode(views, forKey: .views) }
        try container.encode(psfModes, forKey: .psfModes)
        try container.encode(warnings.map(\.wholeLine), forKey: .warnings)
        try container.encode(warnings, forKey: .diagnostics)
        try container.encode(libraries, forKey: .libraries)
        try origin?.encode(to: encoder)
    }
}

extension RunReport.DeviceShare: Encodable {
    private enum Key: String, CodingKey {
        case number, backend, name, driver, fft, volumes, computeSeconds, failure
    }

    /// Writes it with stable keys.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(number, forKey: .number)
        try container.encode(device.backend.rawValue, forKey: .backend)
        try container.encode(device.name, forKey: .name)
        try container.encode(device.driver, forKey: .driver)
        try container.encode(fft?.rawValue, forKey: .fft)
        try container.encode(volumeCount, forKey: .volumes)
        try container.encode(computeSeconds, forKey: .computeSeconds)
        try container.encodeIfPresent(failure, forKey: .failure)
    }
}

extension RunReport.View: Encodable {
    private enum Key: String, CodingKey { case image, background, observedSum, psf }

    /// Writes it with stable keys.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(name, forKey: .image)
        if Set(backgrounds).count == 1 {
            try container.encode(backgrounds[0], forKey: .background)
        } else {
            try container.encode(backgrounds, forKey: .background)
        }
        try container.encode(observedSum, forKey: .observedSum)
        try container.encode(psfs, forKey: .psf)
    }
}
