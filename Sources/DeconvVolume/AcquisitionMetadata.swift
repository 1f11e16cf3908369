/// What a file says of the microscope and of how an image was taken. Nothing in it has been checked.
public struct AcquisitionMetadata: Hashable, Sendable {
    /// A value, and where the file has it.
    public struct Entry<Value: Hashable & Sendable>: Hashable, Sendable {
        /// What the file says.
        public var value: Value
        /// The place, for messages: `LensNA of its OME-XML`.
        public var place: String
        /// Whether the file says it once, and it was taken for each of several channels.
        public var isShared: Bool

        /// A value from a place.
        public init(_ value: Value, _ place: String, isShared: Bool = false) {
            self.value = value
            self.place = place
            self.isShared = isShared
        }
    }

    /// What is said of one channel.
    public struct Channel: Hashable, Sendable {
        /// Wavelength of the emitted light, nm.
        public var emission: Entry<Double>?
        /// Wavelength of the exciting light, nm.
        public var excitation: Entry<Double>?
        /// Diameter of the pinhole itself, µm.
        public var pinhole: Entry<Double>?
        /// Diameter of the pinhole in Airy units.
        public var pinholeAiryUnits: Entry<Double>?
        /// How light is excited and detected, in the file's words: `LaserScanningConfocalMicroscopy`.
        public var mode: Entry<String>?
        /// What shines.
        public var dye: Entry<String>?

        /// Nothing said.
        public init() {}
    }

    /// Numerical aperture of the objective.
    public var numericalAperture: Entry<Double>?
    /// Nominal magnification of the objective.
    public var magnification: Entry<Double>?
    /// What the objective is made for, in the file's words: `Oil`.
    public var immersion: Entry<String>?
    /// Refractive index of what is in front of the objective.
    public var refractiveIndex: Entry<Double>?
    /// One a channel, or empty where nothing is said of any.
    public var channels: [Channel] = []

    /// Nothing said.
    public init() {}

    /// Whether nothing is said.
    public var isEmpty: Bool {
        self == AcquisitionMetadata()
            || numericalAperture == nil && magnification == nil && immersion == nil
                && refractiveIndex == nil && channels.allSatisfy { $0 == Channel() }
    }
}
