import DeconvVolume

/// The text that ImageJ and Fiji put into a TIFF: `ImageJ=1.54f`, then one `key=value` a line.
struct ImageJDescription {
    private let values: [String: String]
    /// How the image came about, where this program wrote it.
    private var provenance: Provenance?

    /// The description, or nil where the text is not ImageJ's.
    init?(_ text: String) {
        guard text.hasPrefix("ImageJ=") else { return nil }
        var values: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            guard let equals = line.firstIndex(of: "=") else { continue }
            let key = String(line[..<equals]).trimmed
            if key.hasPrefix("\(Provenance.key).") {
                let value = line[line.index(after: equals)...].replacing("\\\\", with: "\\")
                provenance = provenance ?? Provenance()
                provenance?.add(String(key.dropFirst(Provenance.key.count + 1)), String(value))
                continue
            }
            if values[key] == nil { values[key] = String(line[line.index(after: equals)...]).trimmed }
        }
        self.values = values
    }

    /// What it says about a file of `pageCount` pages.
    ///
    /// Axes: `channels`, `slices` and `frames`, channel fastest, or as `order` says, the fastest first. ImageJ itself knows `zct`
    /// alone, where directories lie between the planes, and takes anything else for `czt`. Sizes: `XResolution` is pixels per `unit`, `spacing`
    /// is the distance between planes in `unit`, or in `zunit` where there is one. ImageJ leaves `spacing` out
    /// where it is exactly 1, so a stack with a unit and without `spacing` has 1, with a diagnostic.
    /// - Parameters:
    ///   - pageCount: full-resolution pages.
    ///   - resolution: pixels per unit along x and y, and the length of the tag's own unit in µm, if any.
    ///   - name: the file, for diagnostics.
    func layout(
        pageCount: Int,
        resolution: TIFFResolution,
        name: String
    ) throws(DescriptionProblem) -> TIFFLayout {
        let channels = try count("channels")
        let frames = try count("frames")
        let statedSlices = try count("slices")
        let images = values["images"] == nil ? pageCount : try count("images")
        // An acquisition that was stopped has the pages of its first frames.
        let (perFrame, overflow) = channels.multipliedReportingOverflow(by: statedSlices)
        let order = try order()
        let isStopped =
            order.last == "t" && frames > 1 && pageCount > 1 && pageCount < images && !overflow && pageCount >= perFrame
            && Int.product([perFrame, frames]) == images
        guard images == pageCount || pageCount == 1 || isStopped else {
            throw DescriptionProblem(
                "its ImageJ description claims \(images) images but it holds \(pageCount) pages; "
                    + "save it again from ImageJ"
            )
        }
        let isPlainStack = values["channels"] == nil && values["slices"] == nil && values["frames"] == nil
        let slices = isPlainStack ? images : statedSlices
        guard Int.product([channels, slices, frames]) == images else {
            throw DescriptionProblem(
                "its ImageJ description claims \(channels) channels of \(slices) slices at \(frames) frames, but "
                    + "\(images) images; set them in ImageJ under Image > Properties and save it again"
            )
        }
        let whole = isStopped ? pageCount / perFrame : frames
        var strides: [Character: Int] = [:]
        var stride = 1
        for axis in order {
            strides[axis] = stride
            stride *= axis == "c" ? channels : axis == "z" ? slices : frames
        }
        var layout = TIFFLayout(
            channels: channels,
            planes: slices,
            timepoints: whole,
            strides: (channel: strides["c"]!, plane: strides["z"]!, timepoint: strides["t"]!)
        )
        let isSameForImageJ = order == "czt" || values["order"] == "zct" && pageCount > 1
        if !isSameForImageJ, [channels, slices, frames].count(where: { $0 > 1 }) > 1 {
            layout.diagnostics.append(
                Diagnostic(
                    .axesAssumed,
                    "\(subject: name): its ImageJ description says order=\(order), which is heeded; ImageJ itself takes its "
                        + "planes for czt; save it again from ImageJ, if they are"
                )
            )
        }
        if whole < frames {
            layout.diagnostics.append(.stopped(name, whole: whole, of: frames, missing: "page \(pageCount + 1)"))
        }
        layout.acceptsPalette = true
        layout.provenance = provenance
        calibrate(&layout, resolution, name)
        if let interval = number("finterval"), interval > 0 {
            layout.timeInterval = TimeUnit.seconds(values["tunit"] ?? "s").map { $0 * interval }
        }
        layout.annotations.channelMode = values["mode"].flatMap(ImageAnnotations.ChannelMode.init)
        if values["cf"] != nil {
            if number("cf") == 0, number("c0") == -32768, number("c1") == 1 {
                layout.isSigned16BitWithOffset = true
            } else {
                layout.diagnostics.append(
                    Diagnostic(
                        .valuesAsStored,
                        "\(subject: name): its intensity calibration is not applied; the stored values are used"
                    )
                )
            }
        }
        return layout
    }

    private func calibrate(_ layout: inout TIFFLayout, _ resolution: TIFFResolution, _ name: String) {
        let unit = values["unit"].flatMap { LengthUnit.micrometers($0) }
        // Without a word in the description the tag counts, which ImageJ sets for cm and inch; 72 dpi is nothing to ImageJ either.
        if values["unit"] == nil, let dots = resolution.printersDots {
            layout.diagnostics.append(.printersResolution(name, dots))
            return
        }
        guard let length = unit ?? (values["unit"] == nil ? resolution.unit : nil) else { return }
        let yLength = values["yunit"].map { LengthUnit.micrometers($0) } ?? length
        let zLength = values["zunit"].map { LengthUnit.micrometers($0) } ?? length
        layout.lengths.x = resolution.x.map { length / $0 }
        layout.lengths.y = resolution.y.flatMap { y in yLength.map { $0 / y } }
        guard let zLength else { return }
        if let spacing = number("spacing") {
            layout.lengths.z = abs(spacing) * zLength
        } else if layout.planeCount > 1, unit != nil, layout.lengths.x != nil, layout.lengths.y != nil {
            layout.lengths.z = zLength
            layout.diagnostics.append(
                Diagnostic(
                    .spacingAssumed,
                    "\(subject: name): its ImageJ description gives no distance between planes, which means 1 "
                        + "\(values["zunit"] ?? values["unit"] ?? ""); give \(.spacing) if that is wrong"
                )
            )
        }
    }

    /// The axes of the pages as letters, the fastest first.
    private func order() throws(DescriptionProblem) -> String {
        guard var order = values["order"]?.lowercased(), order != "default" else { return "czt" }
        if order.count == 5, order.hasPrefix("xy") { order.removeFirst(2) }
        guard order.count == 3, Set(order) == ["c", "z", "t"] else {
            throw DescriptionProblem(
                "its ImageJ description has order=\(order.inMessage), which is none of czt, ctz, zct, ztc, tcz, tzc; save it again "
                    + "from ImageJ"
            )
        }
        return order
    }

    private func number(_ key: String) -> Double? {
        values[key].flatMap { Double($0) }.flatMap { $0.isFinite ? $0 : nil }
    }

    private func count(_ key: String) throws(DescriptionProblem) -> Int {
        guard let text = values[key] else { return 1 }
        guard let count = Int(text), count >= 1 else {
            throw DescriptionProblem("its ImageJ description has \(key)=\(text); save it again from ImageJ")
        }
        return count
    }
}

/// The resolution tags of a page.
struct TIFFResolution: Equatable {
    /// Pixels per unit along x, positive.
    var x: Double?
    /// Pixels per unit along y, positive.
    var y: Double?
    /// The unit in µm where the tag says inch or centimetre.
    var unit: Double?
}

extension TIFFResolution {
    /// Dots per inch where a unit makes pixels of more than 20 µm of them: a printer's or a screen's, and no microscope's; nil
    /// otherwise.
    var printersDots: Double? {
        guard let x, let unit, unit / x > VoxelSpacing.largestPlausible else { return nil }
        return (x / unit * 25_400 * 10).rounded() / 10
    }
}

extension Diagnostic {
    /// Said where resolution tags are left out.
    static func printersResolution(_ name: String, _ dots: Double) -> Diagnostic {
        Diagnostic(
            .spacingUnknown,
            "\(subject: name): its resolution is that of a printer or screen, and no size of voxels; \(.spacing) gives it",
            figures: "\(dots) dots per inch"
        )
    }
}
