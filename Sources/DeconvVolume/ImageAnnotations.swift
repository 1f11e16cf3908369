/// What a file says of an image beside its voxels and its microscope: how it is shown, what is written about it, when and where its
/// planes were taken. Results keep it; nothing is computed with it.
package struct ImageAnnotations: Hashable, Sendable {
    /// How ImageJ shows several channels.
    package enum ChannelMode: String, Sendable {
        /// All at once, each in its color.
        case composite
        /// One at a time, in its color.
        case color
        /// One at a time, in grey.
        case grayscale
    }

    /// A number with the unit that the file has.
    package struct Quantity: Hashable, Sendable {
        /// Finite.
        package var value: Double
        /// In OME's words: `s`, `µm`, `reference frame`; nil where the file names none.
        package var unit: String?

        package init(_ value: Double, unit: String?) {
            self.value = value
            self.unit = unit
        }
    }

    /// When and where a plane was taken.
    package struct Plane: Hashable, Sendable {
        /// Time since the beginning.
        package var time: Quantity?
        /// How long light was collected.
        package var exposure: Quantity?
        /// Of the stage along z.
        package var z: Quantity?
        /// Of the stage along y.
        package var y: Quantity?
        /// Of the stage along x.
        package var x: Quantity?

        /// Nothing said.
        package init() {}
    }

    /// One a channel as 0xRRGGBB, or empty where the file does not name one for each.
    package var channelColors: [UInt32] = []
    /// One a channel: 256 reds, as many greens and blues from black to white; or empty where the file has none for each.
    package var colorTables: [[UInt8]] = []
    /// Nil where the file does not say.
    package var channelMode: ChannelMode?
    /// What is written about the image: ImageJ's info, OME's description.
    package var text: String?
    /// One a plane, the channel fastest, then z, then the time point; or empty.
    package var planeLabels: [String] = []
    /// In the order of the labels; or empty.
    package var planes: [Plane] = []

    /// Nothing said.
    package init() {}

    /// Adds what another text says and this one does not.
    package mutating func complete(by other: ImageAnnotations) {
        if channelColors.isEmpty { channelColors = other.channelColors }
        if colorTables.isEmpty { colorTables = other.colorTables }
        channelMode = channelMode ?? other.channelMode
        text = text ?? other.text
        if planeLabels.isEmpty { planeLabels = other.planeLabels }
        if planes.isEmpty { planes = other.planes }
    }

    /// What is said of some of the channels and time points, in the order given.
    /// - Parameter whole: the image that this is of.
    package func selecting(channels: [Int], timepoints: [Int], of whole: ImageDescription) -> ImageAnnotations {
        func ofChannels<Value>(_ values: [Value]) -> [Value] {
            values.count == whole.channelCount ? channels.map { values[$0] } : []
        }
        func ofPlanes<Value>(_ values: [Value]) -> [Value] {
            guard values.count == whole.shape.z * whole.channelCount * whole.timepointCount else { return [] }
            return timepoints.flatMap { t in
                (0..<whole.shape.z).flatMap { z in
                    channels.map { values[(t * whole.shape.z + z) * whole.channelCount + $0] }
                }
            }
        }
        var part = self
        part.channelColors = ofChannels(channelColors)
        part.colorTables = ofChannels(colorTables)
        part.planeLabels = ofPlanes(planeLabels)
        part.planes = ofPlanes(planes)
        return part
    }

    /// Puts what is said of later time points behind what is said here; where only one of both says it, nothing is.
    /// - Parameter later: of an image with as many channels and planes.
    package mutating func append(_ later: ImageAnnotations) {
        func same<Value: Equatable>(_ value: Value, _ other: Value, or none: Value) -> Value {
            value == other ? value : none
        }
        channelColors = same(channelColors, later.channelColors, or: [])
        colorTables = same(colorTables, later.colorTables, or: [])
        channelMode = same(channelMode, later.channelMode, or: nil)
        Self.append(later.planeLabels, to: &planeLabels)
        Self.append(later.planes, to: &planes)
    }

    private static func append<Value>(_ later: [Value], to values: inout [Value]) {
        if values.isEmpty || later.isEmpty { values = [] } else { values += later }
    }
}
