public import DeconvPlan
public import DeconvVolume

/// What to do with an image; the defaults suit a measured stack and a measured PSF.
public struct DeconvolutionOptions: Sendable, Hashable {
    /// Which engine computes.
    public enum Backend: String, CaseIterable, Sendable {
        /// A GPU or accelerator if there is one, else the CPU back end.
        case auto
        /// An OpenCL device, of whatever type.
        case opencl
        /// FFTW on this machine's cores.
        case cpu
    }

    /// How to deconvolve; nil for the best that is found out of the image (`auto`), or for Richardson-Lucy where anything is set
    /// that only that takes, such as a number of iterations.
    public var method: MethodName?
    /// Updates of the estimate, 1 to a million, for methods that iterate; nil for as many as the method takes of itself.
    public var iterationCount: Int?
    /// What lies outside the recorded frame.
    public var boundary = BoundaryMode.extend
    /// Camera offset and haze, in the counts of the image, at least 0.
    public var background: ImageBackground = 0
    /// That of the second view of the object, in its counts; nil for what `background` says.
    public var viewBackground: ImageBackground?
    /// Standard deviation of the camera's read noise, in the counts of the image, at least 0.
    public var readNoise = 0.0
    /// Voxels of the image at or above so many counts are saturated and do not count; nil where none is.
    public var saturation: ImageSaturation?
    /// Whether pixels of the camera that are hot or dead in every plane, and planes that show nothing, are found and do not
    /// count, beside those of a mask.
    public var masksBadPixels = false
    /// Signal over noise of the image, above 0, for methods that hold the noise down by it.
    public var snr = 20.0
    /// λ: how smooth the result is kept, against how well it explains the image, for methods of least squares; at least 0, and above
    /// it for a filter.
    public var regularization = 0.05
    /// Where the estimate starts.
    public var start = StartingEstimate.light
    /// How the estimate goes on beyond each update, for methods that multiply.
    public var acceleration = Acceleration.none
    /// How the number of iterations is found, for methods that iterate.
    public var stop = StopRule.auto
    /// The most iterations that a stop rule may come to, 1 to 10 000.
    public var maximumIterationCount = 100
    /// How much the estimate is held to a small total variation, for methods that multiply.
    public var totalVariation: TotalVariation = 0
    /// How much the estimate is held to a small roughness as Good has it, at least 0, for methods that multiply.
    public var goodRoughness = 0.0
    /// How much the estimate is held to small differences between neighbors, as Tikhonov and Miller have it, at least 0, for methods
    /// that multiply.
    public var tikhonovMiller = 0.0
    /// Standard deviation of the Gaussian that the object is taken to be blurred by, over the PSF's full width at half maximum along
    /// each axis, 0 to 1, for methods that multiply; 0 for none.
    public var sieve = 0.0
    /// Counts a photon, above 0; nil for what the noise of the image says.
    public var gain: Double?
    /// What the photons are drawn with that are held out, so that the same are held out again.
    public var seed = 0
    /// What another run found out for the method, in place of what the image says: a run's report in JSON, its `tuning`, or one entry
    /// of it for all channels; or the path of a file with one of them.
    public var tuning: String?
    /// Where the PSFs hold, for as many PSFs or a multiple of them; nil for a PSF that is the same everywhere.
    public var psfPlaces: [PSFPlace]?
    /// Whether PSFs that are computed hold at as many depths as their differences ask for, in place of `psfPlaces`.
    public var choosesPSFPlaces = false
    /// Modes that PSFs of several places are made of, 1 to 8; nil for as few as leave no more than 10 % of any.
    public var psfModeCount: Int?
    /// How the PSF's background is found.
    public var psfBackground = PSFBackground.standard
    /// Whether the PSF is normalized to sum 1 and otherwise taken as it is: no background removed, not centered, not
    /// cropped, not resampled.
    public var psfAsIs = false
    /// Whether the PSF is averaged over its rotations about the optical axis; not with `psfAsIs`.
    public var psfRadialAverage = false
    /// Whether the PSF is averaged with its mirror images in y and x; not with `psfAsIs`.
    public var psfSymmetrize = false
    /// Voxel size of the image, µm; nil for what the file says.
    public var spacing: VoxelSpacing?
    /// Voxel size of the PSF, µm; nil for what the file says.
    public var psfSpacing: VoxelSpacing?
    /// What a PSF is computed from, where no file has one.
    public var microscope = MicroscopeOptions()
    /// Which engine computes.
    public var backend = Backend.auto
    /// The number of a device in `Devices.all`, or a part of its name; nil for the best.
    public var device: String?
    /// Which library transforms on an OpenCL device.
    public var fft = FFTChoice.auto
    /// Threads of the CPU back end; nil for as many as there are cores.
    public var threadCount: Int?
    /// Most bytes that the computation may hold, on the device or with the CPU back end in all; nil for what is free.
    public var memoryLimitBytes: Int?
    /// Voxels that a tile delivers; nil for as many as fit.
    public var tileShape: VolumeShape?
    /// The Poisson divergence is measured every so many iterations, and at the first and last; 0 for never.
    public var divergenceInterval = 5
    /// Updates of methods that iterate, where nobody says how many and they have no number of their own.
    package static let standardIterationCount = 10
    /// Whether a volume is read and another one written while one is computed, where there is memory for it. Changes no result.
    package var overlapsVolumes = true
    /// Whether halves of the photons are computed too, so that gain and seed count whatever the method.
    package var halvesPhotons = false

    /// The defaults.
    public init() {}
}
