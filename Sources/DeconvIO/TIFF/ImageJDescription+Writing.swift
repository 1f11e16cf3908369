import DeconvVolume

extension ImageJDescription {
    /// The description of an image that this program writes, `spacing` in µm.
    ///
    /// It has the same length with and without a window, which is that of the first channel: what is missing is line breaks at its end, which ImageJ
    /// passes over.
    static func text(
        _ image: ImageDescription,
        pixelType: PixelType,
        window: DisplayWindow? = nil
    ) -> String {
        let planes = image.shape.z * image.channelCount * image.timepointCount
        var lines = ["ImageJ=1.54f", "images=\(planes)"]
        if image.channelCount > 1 { lines.append("channels=\(image.channelCount)") }
        if image.shape.z > 1 { lines.append("slices=\(image.shape.z)") }
        if image.timepointCount > 1 { lines.append("frames=\(image.timepointCount)") }
        if image.channelCount > 1 || image.timepointCount > 1 { lines.append("hyperstack=true") }
        if image.channelCount > 1 {
            // ImageJ shows at most seven channels at once.
            let mode = image.annotations.channelMode ?? .composite
            lines.append("mode=\((mode == .composite && image.channelCount > 7 ? .grayscale : mode).rawValue)")
        }
        let lengths = image.lengths.valid
        if let z = lengths.z, lengths.missing == nil {
            lines += ["unit=micron", "spacing=\(z)"]
        } else if lengths.x != nil, lengths.y != nil {
            // Without a unit of its own the distance between planes would be 1 micron to ImageJ.
            lines += ["unit=micron", "zunit=pixel"]
        }
        if let interval = image.timeInterval { lines.append("finterval=\(interval)") }
        lines.append("loop=false")
        // ImageJ reads the lines as Java's properties, in which a backslash begins an escape.
        for entry in image.provenance?.entries ?? [] {
            lines.append("\(Provenance.key).\(entry.name)=\(entry.value.replacing("\\", with: "\\\\"))")
        }
        var text = lines.map { $0 + "\n" }.joined()
        let range = window.map { "min=\($0.black)\nmax=\($0.white)\n" } ?? ""
        text += range
        // A Float has at most 15 characters.
        return text + String(repeating: "\n", count: 48 - range.utf8.count)
    }
}
