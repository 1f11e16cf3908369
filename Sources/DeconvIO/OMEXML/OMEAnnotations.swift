import DeconvVolume

/// What OME-XML says of images for people to read, and of when and where planes were taken; collects it while the text is read.
///
/// Of every schema from 2003-FC to 2016-06: older ones have elements in a `Plane` in place of attributes.
struct OMEAnnotations {
    private var images: [Image] = []

    private struct Image {
        var text: String?
        /// Attributes of each `Plane`.
        var planes: [[String: String]] = []
    }

    /// An element begins.
    /// - Parameters:
    ///   - name: without its prefix.
    ///   - parent: the element that it is in, without its prefix.
    mutating func begin(_ name: Substring, in parent: Substring?, _ attributes: [String: String]) {
        if name == "Image", parent == "OME" { images.append(Image()) }
        guard !images.isEmpty else { return }
        let last = images.count - 1
        switch (name, parent) {
        case ("Plane", "Pixels"): images[last].planes.append(attributes)
        case ("PlaneTiming", "Plane"), ("StagePosition", "Plane"):
            guard !images[last].planes.isEmpty else { return }
            images[last].planes[images[last].planes.count - 1].merge(attributes) { first, _ in first }
        default: break
        }
    }

    /// An element ends.
    /// - Parameters:
    ///   - name: without its prefix.
    ///   - parent: the element that it is in, without its prefix.
    ///   - text: what was in it.
    mutating func end(_ name: Substring?, in parent: Substring?, text: String) {
        guard name == "Description", parent == "Image", !images.isEmpty, !text.trimmed.isEmpty else { return }
        images[images.count - 1].text = text.trimmed
    }

    /// What is said of an image.
    /// - Parameters:
    ///   - index: of its element among all images.
    ///   - layout: its axes.
    func annotations(ofImage index: Int, _ layout: TIFFLayout) -> ImageAnnotations {
        var annotations = ImageAnnotations()
        guard images.indices.contains(index) else { return annotations }
        annotations.text = images[index].text
        var planes: [ImageAnnotations.Plane] = []
        for attributes in images[index].planes {
            func number(_ axis: String, below count: Int) -> Int? {
                attributes["The\(axis)"].flatMap { Int($0.trimmed) }.flatMap { 0..<count ~= $0 ? $0 : nil }
            }
            func quantity(_ name: String) -> ImageAnnotations.Quantity? {
                guard let value = attributes[name].flatMap({ Double($0.trimmed) }), value.isFinite else { return nil }
                return .init(value, unit: attributes["\(name)Unit"])
            }
            guard let z = number("Z", below: layout.planeCount), let c = number("C", below: layout.channelCount),
                let t = number("T", below: layout.timepointCount)
            else { continue }
            var plane = ImageAnnotations.Plane()
            plane.time = quantity("DeltaT")
            plane.exposure = quantity("ExposureTime")
            (plane.z, plane.y, plane.x) = (quantity("PositionZ"), quantity("PositionY"), quantity("PositionX"))
            guard plane != ImageAnnotations.Plane() else { continue }
            if planes.isEmpty { planes = .init(repeating: .init(), count: layout.totalPlaneCount) }
            planes[(t * layout.planeCount + z) * layout.channelCount + c] = plane
        }
        annotations.planes = planes
        return annotations
    }
}
