import DeconvVolume
import Foundation

/// The text that Python's tifffile puts into a TIFF: `{"shape": [2, 10, 64, 48], "axes": "CZYX"}`.
struct ShapedDescription {
    private let shape: [Int]
    private let axes: String?
    private let spacing: Double?
    private let unit: String?

    /// The description, or nil where the text is not tifffile's.
    init?(_ text: String) {
        guard text.hasPrefix("{"), text.contains("\"shape\""),
            let object = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any],
            let shape = object["shape"] as? [Int]
        else { return nil }
        self.shape = shape
        axes = (object["axes"] as? String)?.uppercased()
        spacing = object["spacing"] as? Double
        unit = object["unit"] as? String
    }

    /// What it says about a file of `pageCount` pages.
    ///
    /// Without axes one leading dimension is z, and more than one cannot be told apart: an error, since a channel
    /// taken for a plane gives a plausible, wrong result.
    /// - Parameters:
    ///   - isOverruled: whether a person says what the axes are, so that only sizes are wanted.
    ///   - name: the file, where it is to be said that axes were assumed.
    func layout(
        pageCount: Int,
        resolution: TIFFResolution,
        isOverruled: Bool = false,
        tells name: String? = nil
    ) throws(DescriptionProblem) -> TIFFLayout {
        guard shape.count >= 2, shape.allSatisfy({ $0 >= 1 }), let planes = Int.product(Array(shape.dropLast(2)))
        else { throw DescriptionProblem("its description has the shape \(shape); write it again with tifffile") }
        if isOverruled, axes == nil, planes == pageCount || pageCount == 1 {
            // Letters without a meaning: the sizes are in their order, and the axes those of a person.
            let leading = shape.dropLast(2).filter { $0 > 1 }
            guard leading.count <= 3 else {
                throw DescriptionProblem("its description has the shape \(shape); write it again with tifffile")
            }
            var layout = TIFFLayout(letters: ["t", "z", "c"].suffix(leading.count), sizes: leading)
            layout.isAssumed = true
            layout.planeSize = (width: shape[shape.count - 1], height: shape[shape.count - 2])
            calibrate(&layout, resolution, name)
            return layout
        }
        var sizes = shape
        var letters: [Character]
        if let axes {
            letters = Array(axes)
            guard letters.count == sizes.count else {
                throw DescriptionProblem(
                    "its description has \(letters.count) axes for \(sizes.count) dimensions; write it again with tifffile"
                )
            }
            if letters.last == "S", sizes.last == 1 {
                letters.removeLast()
                sizes.removeLast()
            }
        } else {
            let leading = sizes.dropLast(2).filter { $0 > 1 }
            guard leading.count <= 1 else {
                throw DescriptionProblem(
                    "its description has the shape \(shape) without axes; write it with tifffile's "
                        + "metadata={'axes': 'CZYX'} or the like"
                )
            }
            sizes = leading + sizes.suffix(2)
            letters = leading.isEmpty ? ["Y", "X"] : ["Z", "Y", "X"]
        }
        guard letters.suffix(2) == ["Y", "X"] else {
            throw DescriptionProblem(
                "its axes are \(String(letters)), but rows and columns must come last; write it with axes TZCYX"
            )
        }
        guard planes == pageCount || pageCount == 1 else {
            throw DescriptionProblem(
                "its description claims \(planes) planes but it holds \(pageCount) pages; write it again"
            )
        }
        var extents: [Character: Int] = ["T": 1, "C": 1, "Z": 1]
        var strides: [Character: Int] = ["T": 0, "C": 0, "Z": 0]
        var stride = 1
        for (letter, size) in zip(letters, sizes).dropLast(2).reversed() where size > 1 {
            // tifffile calls a dimension Q where it does not know better and I where it is a sequence of images.
            let axis: Character = letter == "Q" || letter == "I" ? "Z" : letter
            guard extents[axis] == 1 else {
                throw DescriptionProblem(
                    "its axes are \(String(letters)), of which \(letter) is not known or comes twice; "
                        + "write it with axes TZCYX"
                )
            }
            extents[axis] = size
            strides[axis] = stride
            stride *= size
        }
        var layout = TIFFLayout(
            channels: extents["C"]!,
            planes: extents["Z"]!,
            timepoints: extents["T"]!,
            strides: (channel: strides["C"]!, plane: strides["Z"]!, timepoint: strides["T"]!)
        )
        layout.planeSize = (width: sizes[sizes.count - 1], height: sizes[sizes.count - 2])
        calibrate(&layout, resolution, name)
        let assumed = axes == nil || letters.contains { $0 == "Q" || $0 == "I" }
        if assumed, layout.planeCount > 1, let name {
            layout.diagnostics.append(.pagesArePlanes(name, layout.planeCount))
        }
        return layout
    }

    /// Enters the size of voxels.
    ///
    /// The unit in the text is that of the distance between planes, and often that of pixels too: tifffile's tag says inches where
    /// nobody gave another unit. So it goes before inches, and centimeters, which somebody chose, before it; unless that
    /// makes pixels of no microscope and the other does not.
    private func calibrate(_ layout: inout TIFFLayout, _ resolution: TIFFResolution, _ name: String?) {
        let stated = unit.flatMap { LengthUnit.micrometers($0) }
        if stated == nil, let dots = resolution.printersDots {
            if unit == nil, let name { layout.diagnostics.append(.printersResolution(name, dots)) }
        } else {
            let tag = unit == nil || stated != nil ? resolution.unit : nil
            let isInch = tag == LengthUnit.micrometers("inch")
            let units = (isInch ? [stated, tag] : [tag, stated]).compactMap(\.self)
            let plausible = units.first { length in
                resolution.x.map {
                    (VoxelSpacing.smallestPlausible...VoxelSpacing.largestPlausible).contains(length / $0)
                } ?? false
            }
            if let length = plausible ?? units.first {
                layout.lengths.x = resolution.x.map { length / $0 }
                layout.lengths.y = resolution.y.map { length / $0 }
                if let name, let stated, let tag, stated != tag, length == stated, resolution.x != nil {
                    layout.diagnostics.append(
                        Diagnostic(
                            .spacingAssumed,
                            "\(subject: name): its text has another unit than its resolution tags, and that of the text is taken; "
                                + "\(.spacing) gives the size of voxels if that is wrong"
                        )
                    )
                }
            }
        }
        if let spacing, let stated { layout.lengths.z = abs(spacing) * stated }
    }
}
