import DeconvVolume

extension TIFFLayout {
    /// What a file says of its axes and of the size of its voxels.
    ///
    /// Statements are believed in this order: what a person says (`--axes`), OME-XML, ImageJ's text, SCIFIO's text, tifffile's
    /// JSON, the tag of Zeiss's LSM. Where a file bears signs of a program whose statements are not read, it is refused: its
    /// pages may be anything. Without any statement the pages are planes, which is said, and the spacing is unknown: resolution
    /// tags alone mostly hold a printer's default and never a distance between planes.
    /// - Parameter ome: what its OME-XML says; nil where it has none.
    /// - Throws: `invalidData` where statements do not go with the pages, or are not read; `invalidArgument` where the options
    ///   do not.
    init(
        of contents: TIFFContents,
        ome: OMEMetadata?,
        _ options: ImageFileOptions
    ) throws(DeconvolutionError) {
        guard contents.pageCount > 0 else {
            throw contents.file.invalid("holds only thumbnails or masks; open the file they belong to")
        }
        if let array = options.array, ome == nil {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.array, array.shortened): \(contents.file.path.inMessage) is a TIFF file of one image; leave \(.array) out"
            )
        }
        let stated = try options.axes.map { (text) throws(DeconvolutionError) in try StatedAxes(text) }
        var layout: TIFFLayout
        do throws(DescriptionProblem) {
            layout = try Self.described(contents, ome, options, isOverruled: stated != nil)
        } catch {
            guard stated != nil else {
                let offer = contents.pageCount > 1 ? Self.offer(options) : ""
                throw DeconvolutionError(.invalidData, "\(contents.file.path.inMessage): \(error.message)\(offer)")
            }
            layout = TIFFLayout(planeCount: contents.pageCount)
            layout.diagnostics = [
                Diagnostic(
                    .metadataIgnored,
                    "\(subject: contents.file.path.inMessage): what it says of itself is left out, which does not go with its "
                        + "pages; the size of its voxels is not known",
                    figures: "\(error.message)"
                )
            ]
        }
        if let stated { layout = try layout.with(stated, name: contents.file.path) }
        layout.isMask = options.isMask
        if layout.isMask { layout.diagnostics.removeAll { $0.kind == .valuesAsStored } }
        self = layout
    }

    /// What a refused file can still be opened with, where a person may give it.
    private static func offer(_ options: ImageFileOptions) -> Message {
        options.offersOptions ? ", or say what its pages are with \(.axes, "tzcyx")" : ""
    }

    private static func described(
        _ contents: TIFFContents,
        _ ome: OMEMetadata?,
        _ options: ImageFileOptions,
        isOverruled: Bool
    ) throws(DescriptionProblem) -> TIFFLayout {
        let pageCount = contents.pageCount
        let name = contents.file.path.inMessage
        if let ome {
            return try ome.layout(
                pageCount: contents.chain.directories.count,
                fileName: contents.fileName,
                array: options.array,
                name: name
            )
        }
        let resolution: TIFFResolution
        do throws(DeconvolutionError) { resolution = try contents.resolution() } catch {
            throw DescriptionProblem("its resolution tags are damaged; save it again")
        }
        let text = contents.description
        if let description = ImageJDescription(text) {
            var layout = try description.layout(pageCount: pageCount, resolution: resolution, name: name)
            let isPalette =
                try? contents.chain.first.integer(
                    .photometric,
                    default: 1,
                    contents.file,
                    contents.header
                ) == 3
            if isPalette == true {
                layout.diagnostics.append(
                    Diagnostic(
                        .valuesAsStored,
                        "\(subject: name): its color table is left out; the stored 8-bit values are the intensities"
                    )
                )
            }
            return layout
        }
        if let description = SCIFIODescription(text) { return try description.layout(pageCount: pageCount) }
        if let description = ShapedDescription(text) {
            return try description.layout(
                pageCount: pageCount,
                resolution: resolution,
                isOverruled: isOverruled,
                tells: options.offersOptions ? name : nil
            )
        }
        let lsm = (try? contents.chain.first.bytes(.lsm, limit: 512, contents.file, contents.header)) ?? nil
        if let description = LSMDescription(lsm) {
            let samples = try? contents.chain.first.integer(
                .samplesPerPixel,
                default: 1,
                contents.file,
                contents.header
            )
            return try description.layout(
                pageCount: pageCount,
                samplesPerPage: Int(clamping: samples ?? 1)
            )
        }
        if let format = contents.foreignFormat, pageCount > 1 {
            throw DescriptionProblem(
                "was written by \(format), whose pages need not be planes, and what it says of them is not read; "
                    + ForeignFormat.conversion
            )
        }
        var layout = TIFFLayout(planeCount: pageCount)
        if pageCount > 1, options.offersOptions, !isOverruled {
            layout.diagnostics.append(.pagesArePlanes(name, pageCount))
        }
        return layout
    }
}

extension TIFFContents {
    /// The program or format of which the file bears signs, and whose statements are not read; nil where there is none.
    fileprivate var foreignFormat: String? {
        if chain.first.has(.lsm) { return "Zeiss LSM software" }
        if chain.first.has(.fluoView) { return "Olympus FluoView" }
        if chain.first.has(.microManager) { return "Micro-Manager as NDTiff, with its index NDTiff.index elsewhere" }
        let texts = [description, text(.software) ?? ""]
        let signs = ["SI.", "state.configPath", "scanimage.SI"]
        if texts.contains(where: { text in
            text.split(whereSeparator: \.isNewline).prefix(200).contains { line in signs.contains { line.hasPrefix($0) }
            }
        }) {
            return "ScanImage"
        }
        return nil
    }
}

extension Diagnostic {
    /// Said where nothing but the number of pages is known.
    static func pagesArePlanes(_ name: String, _ count: Int) -> Diagnostic {
        Diagnostic(
            .axesAssumed,
            "\(subject: name): does not say what its pages are, so they are taken for the planes of one stack; \(.axes, "zyx") "
                + "confirms it, \(.axes, "tyx") makes them time points",
            figures: "\(count) pages"
        )
    }
}
