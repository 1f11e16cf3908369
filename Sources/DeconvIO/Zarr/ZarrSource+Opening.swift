package import DeconvVolume
import Foundation

extension ZarrSource {
    /// Opens an array or image in a store.
    ///
    /// What a path means, with `array` as the rest of it: an array is that array. A group with `multiscales` is its first image,
    /// at its finest level. Any other group is the only image or array of two or more axes in the groups below, labels left out.
    /// An array that is a level of an image has the image's axes and its level's spacing.
    ///
    /// The axes are, in order of trust: those given, OME-Zarr's, the names of version 3 or of xarray, and those of
    /// `ArrayLayout.init(positionsOf:channelCountHint:)`.
    /// - Parameters:
    ///   - path: a store's folder or a folder in it.
    ///   - array: a path from there on, or nil.
    ///   - axes: one letter an axis, see `ArrayLayout.init(axes:shape:of:)`, or nil.
    ///   - channelCountHint: with four axes without names, the first is the channel if it is as long as this and not 1.
    ///   - offersOptions: whether messages may tell the user to give --array and --axes, which are for the image that is deconvolved.
    ///   - cacheByteLimit: the most bytes of decoded chunks that are kept.
    ///   - threadCount: the most threads that decode for one read; nil for one a processor.
    /// - Throws: `inputNotFound` where there is no store, or nothing at the path; `invalidArgument` where it has several arrays
    ///   or the axes do not fit; `invalidData` naming the file where metadata are damaged or contradict themselves.
    package convenience init(
        path: String,
        array: String? = nil,
        axes: String? = nil,
        channelCountHint: Int? = nil,
        offersOptions: Bool = true,
        cacheByteLimit: Int = ZarrSource.defaultCacheByteLimit,
        threadCount: Int? = nil
    ) throws(DeconvolutionError) {
        let (store, folder) = try Self.located(path)
        var place = folder
        if let array {
            if case .array? = try store.node(at: folder) {
                throw DeconvolutionError(
                    .invalidArgument,
                    "\(.array, array.shortened): \(path.inMessage) is an array itself; leave \(.array) out"
                )
            }
            place = try ZarrPath(folder.text + "/" + array)
            guard place != folder else {
                throw DeconvolutionError(
                    .invalidArgument,
                    "\(.array) names no array; give its path in \(path.inMessage)"
                )
            }
        }
        let image = try Self.image(
            at: place,
            in: store,
            trustsMetadata: axes == nil,
            offersOptions: offersOptions
        )
        let found = image.array
        let shape = found.metadata.shape
        var (ome, diagnostics) = (image.ome, image.diagnostics)
        guard (2...OMEZarrMetadata.largestAxisCount).contains(shape.count) else {
            throw DeconvolutionError(
                .invalidData,
                "\(found.name.inMessage): has \(ArrayLayout.description(shape)), which is no image; "
                    + (offersOptions ? "name another array with \(.array)" : "give the path of another array")
            )
        }
        if let metadata = ome, metadata.axes.count != shape.count {
            let problem: Message =
                "\(found.name.inMessage): has \(ArrayLayout.description(shape)) but its OME-Zarr metadata have "
                + "\(metadata.axes.count)"
            guard axes != nil else {
                throw DeconvolutionError(
                    .invalidData,
                    "\(problem); write the metadata again" + (offersOptions ? ", or say its axes with \(.axes)" : "")
                )
            }
            diagnostics.append(Diagnostic(.metadataIgnored, "\(problem), so these are left out"))
            ome = nil
        }
        let layout = try Self.layout(
            of: found,
            axes: axes,
            ome,
            channelCountHint: channelCountHint,
            offersOptions: offersOptions,
            &diagnostics
        )
        try self.init(
            found,
            layout: layout,
            ome: ome?.renamed(layout.axes),
            diagnostics: diagnostics,
            cacheByteLimit: cacheByteLimit,
            threadCount: threadCount
        )
    }

    /// What else the user of an image can do where its metadata cannot be used.
    fileprivate static func offer(_ offersOptions: Bool) -> Message {
        offersOptions ? ", or name one array with \(.array) and its axes with \(.axes)" : ""
    }

    private static func located(_ path: String) throws(DeconvolutionError) -> (store: ZarrStore, path: ZarrPath) {
        if let place = try ZarrStore.locate(path) { return place }
        return (try ZarrStore(path: path.withoutTrailingSlashes), .root)
    }

    private static func layout(
        of array: ZarrArray,
        axes: String?,
        _ ome: OMEZarrMetadata?,
        channelCountHint: Int?,
        offersOptions: Bool,
        _ diagnostics: inout [Diagnostic]
    ) throws(DeconvolutionError) -> ArrayLayout {
        let shape = array.metadata.shape
        if let axes { return try ArrayLayout(axes: axes, shape: shape, of: array.name) }
        if let ome {
            do throws(ZarrProblem) { return ArrayLayout(axes: try ome.meanings(), shape: shape) } catch {
                throw DeconvolutionError(
                    .invalidData,
                    "\(array.name.inMessage): \(error.message)\(offer(offersOptions))"
                )
            }
        }
        if let names = array.metadata.dimensionNames, let layout = ArrayLayout(names: names, shape: shape) {
            return layout
        }
        let layout = ArrayLayout(positionsOf: shape, channelCountHint: channelCountHint)
        if layout.channelCount > 1 || layout.timepointCount > 1 {
            let extents = zip(layout.axes, shape).map { "\($0.word) \($1)" }.joined(separator: ", ")
            diagnostics.append(
                Diagnostic(
                    .axesAssumed,
                    "\(subject: array.name.inMessage): its axes have no names and are taken as \(extents); if they "
                        + "are not, "
                        + (offersOptions ? "give \(.axes)" : "name them in its metadata")
                )
            )
        }
        return layout
    }
}

// MARK: - Finding

extension ZarrSource {
    /// An array, and what OME-Zarr says of the image that it is or is a level of.
    private struct Image {
        var array: ZarrArray
        var ome: OMEZarrMetadata?
        var diagnostics: [Diagnostic] = []
    }

    /// - Parameter trustsMetadata: whether OME-Zarr metadata that cannot be used are an error; else they are left out.
    private static func image(
        at path: ZarrPath,
        in store: ZarrStore,
        trustsMetadata: Bool,
        offersOptions: Bool
    ) throws(DeconvolutionError) -> Image {
        switch try store.node(at: path) {
        case .array(let array):
            return try level(array, trustsMetadata: trustsMetadata, offersOptions: offersOptions)
        case .group(let group):
            if try OMEZarrMetadata.imageCount(of: group, offering: offer(offersOptions)) > 0 {
                return try image(group, offersOptions: offersOptions)
            }
        case nil:
            // Version 2 of other writers has folders without metadata that are groups by what is in them.
            guard try !store.nodeNames(in: path).isEmpty else { throw try store.missing(path) }
        }
        var search = ImageSearch(store: store, offersOptions: offersOptions)
        let found = try search.only(below: path)
        return try image(at: found, in: store, trustsMetadata: trustsMetadata, offersOptions: offersOptions)
    }

    /// The finest level of a group's first image.
    private static func image(_ group: ZarrGroup, offersOptions: Bool) throws(DeconvolutionError) -> Image {
        guard let ome = try OMEZarrMetadata(group, offering: offer(offersOptions)) else {
            preconditionFailure("the group has an image")
        }
        let level = try ZarrPath(group.path.key(ome.levels[0].path))
        guard case .array(let array)? = try group.store.node(at: level) else {
            throw group.store.invalid(
                OMEZarrMetadata.key(of: group),
                "its multiscales name the array \(ome.levels[0].path.shortened), which is not there; copy the store again "
                    + "from its source, or "
                    + "\(offersOptions ? "name an array with \(.array)" : "give the path of an array")"
            )
        }
        var image = Image(array: array, ome: ome)
        let count = try OMEZarrMetadata.imageCount(of: group, offering: offer(offersOptions))
        if count > 1 {
            let text: Message =
                "\(subject: group.store.location(group.path.text).inMessage): has \(count) multiscales; the first is "
                + "read"
            image.diagnostics.append(Diagnostic(.imagesIgnored, text))
        }
        return image
    }

    /// An array that was named, with the metadata of the nearest group above that names it as a level.
    private static func level(
        _ array: ZarrArray,
        trustsMetadata: Bool,
        offersOptions: Bool
    ) throws(DeconvolutionError) -> Image {
        let offer = offer(offersOptions && trustsMetadata)
        var image = Image(array: array)
        for path in array.path.ancestors.reversed() {
            do throws(DeconvolutionError) {
                guard case .group(let group)? = try array.store.node(at: path),
                    let relative = array.path.relative(to: path),
                    let ome = try OMEZarrMetadata(group, levelAt: relative, offering: offer)
                else { continue }
                image.ome = ome
                return image
            } catch {
                if trustsMetadata { throw error }
                image.diagnostics.append(Diagnostic(.metadataIgnored, "\(error.line); the metadata are left out"))
            }
        }
        return image
    }
}

/// Looks for images and arrays in the groups below a path.
private struct ImageSearch {
    let store: ZarrStore
    let offersOptions: Bool
    private var found: [ZarrPath] = []
    /// Why an array was passed over, the first of them.
    private var problem: DeconvolutionError?
    /// Folders that were looked at, since links may lead back to one.
    private var folders: Set<String> = []

    /// Far above what a person means by one image, and enough to say what there is.
    private static let most = (nodes: 20_000, depth: 16, found: 100)

    init(store: ZarrStore, offersOptions: Bool) {
        self.store = store
        self.offersOptions = offersOptions
    }

    /// The one image or array.
    mutating func only(below path: ZarrPath) throws(DeconvolutionError) -> ZarrPath {
        try look(below: path, depth: 0)
        let name = store.location(path.text).inMessage
        if found.isEmpty {
            if let problem = problem ?? store.storage.denial { throw problem }
            throw DeconvolutionError(
                .inputNotFound,
                store.storage.isListed
                    ? "\(name): has no array of two or more axes; name another group or store"
                    : "\(name): is a group that does not say what is in it, and a server is not asked for that; give the path of an "
                        + "array"
            )
        }
        guard found.count == 1, folders.count <= Self.most.nodes else {
            let found = found.sorted { NaturalOrder.precedes($0.text, $1.text) }
            let count = found.count < Self.most.found ? "\(found.count)" : "more than \(Self.most.found - 1)"
            throw DeconvolutionError(
                .invalidArgument,
                "\(name): has \(count) images or arrays; "
                    + (offersOptions
                        ? "name one with \(.array): \(ZarrStore.list(found.compactMap { $0.relative(to: path) }))"
                        : "give the path of one: \(ZarrStore.list(found.map { store.location($0.text) }))")
            )
        }
        return found[0]
    }

    private mutating func look(below path: ZarrPath, depth: Int) throws(DeconvolutionError) {
        guard depth < Self.most.depth else { return }
        let names: [String]
        if case .group(let group)? = try store.node(at: path) {
            names = try group.children()
        } else {
            names = try store.nodeNames(in: path)
        }
        for name in names {
            guard found.count < Self.most.found, folders.count <= Self.most.nodes else { return }
            guard let child = try? ZarrPath(path.key(name)) else { continue }
            // A result that is not finished, such as that of the run that is gone on with.
            let journal = child.key(VolumeJournal.fileName)
            if store.storage.isListed, (try? store.exists(journal)) == true { continue }
            // What only consolidated metadata know may have no folder.
            let folder = (store.storage as? FolderStorage).map { try? $0.resolved(child.text) } ?? child.text
            if let folder, !folders.insert(folder).inserted { continue }
            do throws(DeconvolutionError) {
                switch try store.node(at: child) {
                case .array(let array): if array.metadata.shape.count >= 2 { found.append(child) }
                case .group(let group):
                    if try OMEZarrMetadata.imageCount(of: group, offering: ZarrSource.offer(offersOptions)) > 0 {
                        found.append(child)
                    } else if name != "labels" {
                        try look(below: child, depth: depth + 1)
                    }
                case nil: break
                }
            } catch {
                problem = problem ?? error
            }
        }
    }
}
