/// Something that a person should know about a run that went well.
///
/// Runs are many: of each chunk, each file, each volume. So what differs from one to the next stands apart in `figures`, and all
/// that say the same have one text, which can be filtered.
public struct Diagnostic: Hashable, Sendable, CustomStringConvertible {
    /// What it is about: a name that stays what it is from version to version.
    public let kind: Kind
    /// One line that names the file or option, what it means, and the remedy.
    public let line: Message
    /// What was measured: numbers, places; nil where there is nothing of the sort.
    public let figures: Message?

    /// A warning from its parts.
    public init(_ kind: Kind, _ line: Message, figures: Message? = nil) {
        self.kind = kind
        self.line = line
        self.figures = figures
    }

    /// The line as a Swift program reads it: options are properties, such as `.background = 98`.
    public var message: String { text(.property) }

    /// The file, PSF or map that it is about; nil where it names none as such.
    public var subject: String? { line.subject }

    /// The line as a front end writes it.
    public func text(_ style: OptionName.Style) -> String { line.text(style) }

    /// The line, with the figures behind it in brackets.
    public var wholeLine: Message { figures.map { "\(line) (\($0))" } ?? line }

    /// The whole line as a front end writes it.
    public func description(_ style: OptionName.Style) -> String { wholeLine.text(style) }

    /// The whole line as a Swift program reads it.
    public var description: String { description(.property) }
}

extension Diagnostic {
    /// What a warning is about. More kinds may come.
    public struct Kind: Hashable, Sendable, RawRepresentable, CustomStringConvertible {
        /// Its name, as reports and `--json-progress` have it.
        public let rawValue: String

        /// A kind by its name.
        public init(rawValue: String) { self.rawValue = rawValue }

        private init(_ name: String) { rawValue = name }

        /// The name.
        public var description: String { rawValue }

        // MARK: Files

        /// Stored values are not what is shown: a color table or calibration is not applied.
        public static let valuesAsStored = Kind("valuesAsStored")
        /// A voxel size that a file does not say.
        public static let spacingUnknown = Kind("spacingUnknown")
        /// A voxel size that a file leaves open, and what it was taken for.
        public static let spacingAssumed = Kind("spacingAssumed")
        /// Axes without names, and what they were taken for.
        public static let axesAssumed = Kind("axesAssumed")
        /// Metadata that cannot be used.
        public static let metadataIgnored = Kind("metadataIgnored")
        /// Metadata that break the rules of their format and can only mean one thing, which is what they were taken for.
        public static let metadataMended = Kind("metadataMended")
        /// Images of a file beside the one that is used.
        public static let imagesIgnored = Kind("imagesIgnored")
        /// Planes that a file says it has and that are not there.
        public static let planesMissing = Kind("planesMissing")

        /// Chunks that an input should have and that are not there.
        public static let chunksMissing = Kind("chunksMissing")
        /// An input that has changed since a part of the result was computed.
        public static let inputChanged = Kind("inputChanged")
        /// An input of an earlier run of which nobody can tell whether it has changed.
        public static let inputNotCompared = Kind("inputNotCompared")
        /// A report of another version of this program.
        public static let versionChanged = Kind("versionChanged")
        /// A boundary that a method has not, and the one that it takes instead.
        public static let boundaryReplaced = Kind("boundaryReplaced")
        /// Files of an unfinished result that are not as they were written.
        public static let resultDamaged = Kind("resultDamaged")
        /// Lines in the journal of an unfinished result that make no sense.
        public static let journalIgnored = Kind("journalIgnored")

        // MARK: PSF

        /// A PSF that becomes narrower than a voxel, so that nothing is deconvolved along an axis.
        public static let psfNarrow = Kind("psfNarrow")
        /// A PSF with negative voxels.
        public static let psfNegative = Kind("psfNegative")
        /// A PSF that is taken as it is, though its voxels have another size than the image's.
        public static let psfNotResampled = Kind("psfNotResampled")
        /// A PSF too small to tell its background from light.
        public static let psfBackgroundUnknown = Kind("psfBackgroundUnknown")
        /// A PSF whose light reaches the edge of its box.
        public static let psfCutOff = Kind("psfCutOff")
        /// A PSF that is the mean of so few beads that nothing tells what is the bead's and what the microscope's.
        public static let beadsFew = Kind("beadsFew")
        /// Beads so large that their own size hides the microscope's resolution.
        public static let beadsLarge = Kind("beadsLarge")
        /// Corners or faces of a PSF that are exactly 0 though the rest stands on an offset.
        public static let psfZeros = Kind("psfZeros")
        /// A PSF on a background with a gradient.
        public static let psfSlope = Kind("psfSlope")
        /// A PSF with more than one peak, such as that of another bead.
        public static let psfSeveralPeaks = Kind("psfSeveralPeaks")
        /// A PSF whose peak is clipped.
        public static let psfClipped = Kind("psfClipped")
        /// A PSF that lies far off the middle of its box.
        public static let psfOffCenter = Kind("psfOffCenter")
        /// A PSF less than two voxels of the image wide.
        public static let psfCoarse = Kind("psfCoarse")
        /// A PSF narrower than diffraction allows.
        public static let psfTooSharp = Kind("psfTooSharp")
        /// A PSF much wider than diffraction makes it.
        public static let psfTooWide = Kind("psfTooWide")
        /// A PSF that looks like an image, or is the image itself.
        public static let psfIsImage = Kind("psfIsImage")
        /// A PSF larger than the image.
        public static let psfLarge = Kind("psfLarge")
        /// Voxels of a shape that no microscope makes.
        public static let spacingDoubtful = Kind("spacingDoubtful")
        /// Voxels larger than what the microscope resolves asks for.
        public static let undersampled = Kind("undersampled")
        /// PSFs of several places of which their modes leave more than a little.
        public static let psfModesFew = Kind("psfModesFew")
        /// An image of one plane with a PSF of several.
        public static let planesNotRecorded = Kind("planesNotRecorded")

        // MARK: Voxels

        /// Volumes of which no voxel counts.
        public static let noGoodVoxel = Kind("noGoodVoxel")
        /// Volumes without light.
        public static let noLight = Kind("noLight")
        /// Volumes with no light above the background.
        public static let belowBackground = Kind("belowBackground")
        /// Negative voxels.
        public static let negativeVoxels = Kind("negativeVoxels")
        /// Voxels that all have an offset, as of a camera, and no background was given.
        public static let cameraOffset = Kind("cameraOffset")
        /// A channel of which no background could be found.
        public static let backgroundUnknown = Kind("backgroundUnknown")
        /// A channel without a dark part, of which light was taken for background.
        public static let backgroundTakesLight = Kind("backgroundTakesLight")
        /// Many voxels at the largest value, and hardly any just below.
        public static let saturationSeen = Kind("saturationSeen")
        /// Pixels of the camera that are hot or dead in every plane.
        public static let badPixels = Kind("badPixels")
        /// Planes of which all voxels are the same, inside a stack.
        public static let emptyPlanes = Kind("emptyPlanes")
        /// An image of which nobody can tell how many photons it has, where a method asks for them.
        public static let photonsUnknown = Kind("photonsUnknown")
        /// A search for the number of iterations that ended at the most there may be.
        public static let iterationsCut = Kind("iterationsCut")
        /// A result that is the image itself.
        public static let resultIsImage = Kind("resultIsImage")
        /// Saturated voxels that do not count.
        public static let saturatedVoxels = Kind("saturatedVoxels")
        /// A result with more or less light than the image.
        public static let lightChanged = Kind("lightChanged")
        /// Two views of one object that hold different amounts of light.
        public static let viewsDiffer = Kind("viewsDiffer")
        /// Voxels of the result outside the range of its type.
        public static let valuesClipped = Kind("valuesClipped")
        /// Volumes of which the result's integer type leaves nothing but 0 and 1.
        public static let roundedAway = Kind("roundedAway")
        /// Volumes of an earlier run of which nothing is known.
        public static let figuresMissing = Kind("figuresMissing")

        /// Outputs that are whole, of which standard output could not be told.
        public static let outputNotTold = Kind("outputNotTold")

        // MARK: Devices

        /// An FFT library that another one stands in for, or that does with less.
        public static let transformsReplaced = Kind("transformsReplaced")
        /// A device that ran out of memory on the way.
        public static let outOfMemory = Kind("outOfMemory")
        /// A device that failed on the way and went on in a new context.
        public static let deviceRecovered = Kind("deviceRecovered")
        /// A device that failed and was left out.
        public static let deviceLeftOut = Kind("deviceLeftOut")
        /// Devices that an OpenCL driver may have and did not tell of.
        public static let devicesUnseen = Kind("devicesUnseen")
        /// Files in the cache of PoCL's compiler that were cut off and removed.
        public static let compilerCacheMended = Kind("compilerCacheMended")
        /// Devices whose results differ in the last digits.
        public static let devicesDiffer = Kind("devicesDiffer")

        /// Whether it is about the size of voxels, so that an option that gives it leaves nothing to say.
        public var isAboutSpacing: Bool { self == .spacingUnknown || self == .spacingAssumed }
    }
}

extension Diagnostic: Encodable {
    private enum Key: String, CodingKey { case kind, message, figures }

    /// Writes all three with stable keys; no figures are `null`.
    ///
    /// The encoder's `optionStyle` says how options are named.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(kind.rawValue, forKey: .kind)
        try container.encode(line, forKey: .message)
        try container.encode(figures, forKey: .figures)
    }
}
