import DeconvVolume

extension ImageJMetadata {
    /// The block of an image that this program writes, in the byte order of this machine.
    struct Block {
        /// Of the header, and of each entry.
        let lengths: [UInt32]
        /// Header and entries.
        let bytes: [UInt8]
        /// Where in it the ranges of the channels are, two 64-bit numbers each; nil where it has none.
        private(set) var rangesStart: Int?

        /// The block of an image; nil where there is nothing to write.
        ///
        /// Ranges and colors are for several channels: for one, ImageJ takes its range from the description and has it in grey.
        init?(_ image: ImageDescription) {
            var header: [UInt8] = []
            var bytes: [UInt8] = []
            var lengths: [UInt32] = []
            func add(_ kind: Kind, _ entries: [[UInt8]]) {
                if entries.isEmpty { return }
                header += Self.bytes(of: kind.rawValue) + Self.bytes(of: UInt32(entries.count))
                lengths += entries.map { UInt32($0.count) }
                bytes += entries.joined()
            }
            if let info = ImageJInfo.text(image) { add(.info, [Self.bytes(of: info)]) }
            add(.label, Self.labels(image).map(Self.bytes))
            var rangesStart: Int?
            if image.channelCount > 1 {
                rangesStart = bytes.count
                add(.ranges, [[UInt8](repeating: 0, count: 16 * image.channelCount)])
                add(.colorTable, Self.colorTables(image))
            }
            guard !bytes.isEmpty else { return nil }
            header = Self.bytes(of: ImageJMetadata.magic) + header
            self.lengths = [UInt32(header.count)] + lengths
            self.bytes = header + bytes
            self.rangesStart = rangesStart.map { $0 + header.count }
        }

        /// Ranges as the block has them.
        static func bytes(of windows: [DisplayWindow]) -> [UInt8] {
            windows.flatMap { bytes(of: Double($0.black).bitPattern) + bytes(of: Double($0.white).bitPattern) }
        }

        private static func bytes(of value: some FixedWidthInteger) -> [UInt8] {
            withUnsafeBytes(of: value) { Array($0) }
        }

        /// Two bytes a character.
        private static func bytes(of text: String) -> [UInt8] { Array(text.utf16).withUnsafeBytes { Array($0) } }

        /// One a plane: as the image has them, or the names of the channels.
        private static func labels(_ image: ImageDescription) -> [String] {
            let planeCount = image.shape.z * image.channelCount * image.timepointCount
            if image.annotations.planeLabels.count == planeCount { return image.annotations.planeLabels }
            guard image.channelNames.count == image.channelCount else { return [] }
            return (0..<planeCount).map { image.channelNames[$0 % image.channelCount] }
        }

        private static func colorTables(_ image: ImageDescription) -> [[UInt8]] {
            let tables = image.annotations.colorTables
            if tables.count == image.channelCount { return tables }
            return ChannelColor.colors(of: image).map(\.table)
        }
    }
}

extension ChannelColor {
    /// From black to the color: 256 reds, as many greens and blues.
    fileprivate var table: [UInt8] {
        [16, 8, 0].flatMap { shift in
            (0...255).map { (level: UInt32) in UInt8((level * (rgb >> shift & 0xFF) + 127) / 255) }
        }
    }
}

/// What ImageJ shows as the info of an image.
enum ImageJInfo {
    /// What is written about an image and, in lines before it, what is known of its microscope and the text says otherwise or not at
    /// all; nil where there is nothing.
    ///
    /// The lines are as `AcquisitionText` reads them. Where channels were left out, the numbers in the text are those of others.
    static func text(_ image: ImageDescription) -> String? {
        let known = image.acquisition ?? AcquisitionMetadata()
        let text = image.annotations.text ?? ""
        let said = AcquisitionText.acquisition(text, channelCount: image.channelCount, place: "")
        var lines: [String] = []
        func add<Value: Equatable>(
            _ key: String,
            _ known: AcquisitionMetadata.Entry<Value>?,
            _ said: AcquisitionMetadata.Entry<Value>?
        ) {
            guard let known, known.value != said?.value, !known.isShared else { return }
            lines.append("\(key) = \("\(known.value)".replacing("\n", with: " "))\n")
        }
        add("LensNA", known.numericalAperture, said.numericalAperture)
        add("NominalMagnification", known.magnification, said.magnification)
        add("Immersion", known.immersion, said.immersion)
        add("RefractiveIndex", known.refractiveIndex, said.refractiveIndex)
        for (index, channel) in known.channels.enumerated() {
            let other = index < said.channels.count ? said.channels[index] : AcquisitionMetadata.Channel()
            let number = " #\(index + 1)"
            add("EmissionWavelength\(number)", channel.emission, other.emission)
            add("ExcitationWavelength\(number)", channel.excitation, other.excitation)
            add("PinholeSizeAiry\(number)", channel.pinholeAiryUnits, other.pinholeAiryUnits)
            add("AcquisitionMode\(number)", channel.mode, other.mode)
            add("Fluor\(number)", channel.dye, other.dye)
        }
        let all = lines.joined() + text
        return all.isEmpty ? nil : all
    }
}
