import DeconvVolume

/// The color that a viewer gives a channel.
struct ChannelColor {
    /// Red, green and blue, 8 bits each, red the highest.
    let rgb: UInt32

    /// Six digits, as OME-Zarr has it.
    var hex: String {
        let digits = String(rgb, radix: 16, uppercase: true)
        return String(repeating: "0", count: 6 - digits.count) + digits
    }

    /// Red, green, blue and an opaque alpha in a signed number, as OME-XML has it.
    var signedRGBA: Int32 { Int32(bitPattern: rgb << 8 | 0xFF) }

    /// One for each channel of an image: what its file says, or others.
    static func colors(of image: ImageDescription) -> [ChannelColor] {
        let known = image.annotations.channelColors
        return known.count == image.channelCount ? known.map(ChannelColor.init) : defaults(count: image.channelCount)
    }

    /// Those that ImageJ gives channels without tables of colors, in its modes composite and color (ij.CompositeImage).
    static let ofImageJ: [UInt32] = [0xFF_0000, 0x00_FF00, 0x00_00FF, 0xFF_FFFF, 0x00_FFFF, 0xFF_00FF, 0xFF_FF00]

    /// One for each of a number of channels, for images that do not say: white for one alone, else colors that add up to
    /// others.
    static func defaults(count: Int) -> [ChannelColor] {
        if count == 1 { return [ChannelColor(rgb: 0xFF_FFFF)] }
        let colors: [UInt32] = [0x00_FF00, 0xFF_00FF, 0x00_FFFF, 0xFF_FF00, 0xFF_0000, 0x00_00FF]
        return (0..<count).map { ChannelColor(rgb: colors[$0 % colors.count]) }
    }
}
