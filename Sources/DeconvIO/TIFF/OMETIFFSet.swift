import DeconvVolume
import Foundation

/// An image of OME-TIFF whose planes are in several files of one folder.
struct OMETIFFSet {
    /// What the text says; not that of the file itself where it names another one that has it.
    private let metadata: OMEMetadata
    /// The file that was opened.
    private let path: String
    /// The file that the text was in, where that is none of the images.
    private let metadataPath: String?
    private let image: Int
    private let members: [OMEMetadata.Member]

    /// The set that a file belongs to, or nil where its image is in it alone.
    /// - Throws: `invalidData` where the text is broken, or of a file that has none and names another one that has none either;
    ///   `inputNotFound` where the file with the text is missing; `invalidArgument` where there is no such image.
    init?(_ path: String, _ metadata: OMEMetadata, array: String?) throws(DeconvolutionError) {
        var (metadata, metadataPath) = (metadata, nil as String?)
        if let name = metadata.metadataFile {
            let companion = Self.sibling(name, of: path)
            metadata = try Self.metadata(inCompanion: companion, of: path).with(uuid: metadata.uuid)
            metadataPath = companion
        }
        try self.init(path, metadata, metadataPath, array)
        if metadataPath == nil, members == [.this] { return nil }
    }

    /// The set of a file that has its text alone.
    /// - Throws: as `init(_:_:array:)`.
    init(companion path: String, array: String?) throws(DeconvolutionError) {
        try self.init(path, Self.metadata(inCompanion: path, of: path), path, array)
    }

    private init(
        _ path: String,
        _ metadata: OMEMetadata,
        _ metadataPath: String?,
        _ array: String?
    ) throws(DeconvolutionError) {
        let fileName = OutputPath(path).name
        do throws(DescriptionProblem) { image = try metadata.chosenImage(array, in: fileName) } catch {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.array, (array ?? "").shortened): \(path.inMessage) \(error.message)"
            )
        }
        self.path = path
        self.metadata = metadata
        self.metadataPath = metadataPath
        members = metadata.members(ofImage: image, in: fileName)
    }

    /// Whether every one of some files belongs to it.
    func holds(_ paths: [String]) -> Bool {
        let names = Set(members.compactMap(\.fileName) + [OutputPath(path).name])
        return paths.allSatisfy { names.contains(OutputPath($0).name) }
    }

    /// Opens its files.
    /// - Parameter list: the folder or pattern that was named and whose files these are; nil for one of the files.
    /// - Throws: `inputNotFound` naming those that are missing; as `TIFFSource.init` for each; `invalidData` where the text does
    ///   not go with them; `invalidArgument` where the axes of the options do not.
    func open(
        _ options: ImageFileOptions,
        list: String? = nil
    ) throws(DeconvolutionError) -> PlaneSetSource {
        var found: [String] = []
        var missing: [String] = []
        var byUUID: [String: String]?
        for member in members {
            if member == .this, metadataPath != path {
                found.append(path)
                continue
            }
            let named = member.fileName.map { Self.sibling($0, of: path) }
            if let named, access(named, F_OK) == 0 {
                found.append(named)
                continue
            }
            // Files that were renamed are known by the number that each has.
            byUUID = byUUID ?? uuids()
            if let uuid = member.uuid, let renamed = byUUID?[uuid] {
                found.append(renamed)
            } else {
                missing.append(member.fileName ?? member.uuid ?? "a file without a name")
            }
        }
        guard missing.isEmpty else {
            throw DeconvolutionError(
                .inputNotFound,
                "\(path.inMessage): is one of an OME set of \(members.count) files, of which "
                    + "\(missing.prefix(3).map(\.inMessage).joined(separator: ", "))"
                    + (missing.count > 3 ? " and \(missing.count - 3) more are" : missing.count == 1 ? " is" : " are")
                    + " missing; copy the set whole into one folder"
            )
        }
        var pageCounts: [Int] = []
        for path in found { pageCounts.append(try TIFFContents(path: path).chain.directories.count) }
        let fileName = OutputPath(path).name
        let numbers = Dictionary(zip(members, members.indices)) { first, _ in first }
        let runs = metadata.images[image].data.map { numbers[metadata.member($0, in: fileName)] ?? 0 }
        var (layout, places): (TIFFLayout, [PagePlace])
        do throws(DescriptionProblem) {
            (layout, places) = try metadata.layout(
                ofImage: image,
                pageCounts: pageCounts,
                fileOfRun: runs,
                name: path.inMessage
            )
        } catch {
            throw DeconvolutionError(.invalidData, "\(path.inMessage): \(error.message)")
        }
        if let text = options.axes {
            layout = try layout.with(StatedAxes(text), name: path)
        }
        let ordered = (0..<layout.totalPlaneCount).map { places[layout.page(ofPlane: $0)] }
        return try PlaneSetSource(
            pagesOf: found,
            ordered,
            layout: layout,
            name: list ?? path,
            metadataPaths: [metadataPath].compactMap(\.self),
            isMask: options.isMask,
            isOpen: list != nil
        )
    }

    /// A file beside another one; a path in its name leads nowhere else.
    private static func sibling(_ name: String, of path: String) -> String {
        let last = name.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map(String.init) ?? name
        return (OutputPath(path).folder as NSString).appendingPathComponent(last)
    }

    private static func metadata(inCompanion path: String, of file: String) throws(DeconvolutionError) -> OMEMetadata {
        guard access(path, F_OK) == 0 else {
            throw DeconvolutionError(
                .inputNotFound,
                "\(file.inMessage): what it holds is said in \(OutputPath(path).name.inMessage), which is missing; copy it into "
                    + "the same folder"
            )
        }
        let bytes = try FileBytes(path: path)
        let text = String(decoding: try bytes.bytes(at: 0, count: bytes.byteCount), as: UTF8.self)
        let contents = OMEMetadata.isOMEXML(text) ? nil : try TIFFContents(path: path)
        do throws(DescriptionProblem) {
            let metadata = try OMEMetadata(contents?.description ?? text)
            guard metadata.metadataFile == nil else {
                throw DescriptionProblem("names another file for what its images are; name that file")
            }
            return metadata
        } catch {
            throw bytes.invalid(error.message)
        }
    }

    /// The TIFF files of the folder by the numbers that they have.
    private func uuids() -> [String: String] {
        var found: [String: String] = [:]
        for path in (try? FileList.tiffs(inFolder: OutputPath(path).folder)) ?? [] {
            if let contents = try? TIFFContents(path: path), let uuid = (try? contents.omeMetadata())??.uuid {
                found[uuid] = path
            }
        }
        return found
    }
}

extension PlaneSetSource {
    /// Pages of files as an image.
    /// - Parameters:
    ///   - places: one a plane, channel fastest, then z, then time; pages among all directories of a file.
    ///   - layout: axes and sizes of the image.
    ///   - isOpen: whether the name is that of a folder or pattern of which new files would be part.
    /// - Throws: as `TIFFSource.init` for each of the files, and where they are not alike.
    convenience init(
        pagesOf paths: [String],
        _ places: [PagePlace],
        layout: TIFFLayout,
        name: String,
        metadataPaths: [String] = [],
        isMask: Bool = false,
        isOpen: Bool = false
    ) throws(DeconvolutionError) {
        // Files of which no plane is read are left out: those behind the last whole time point.
        var pages = [[Int]](repeating: [], count: paths.count)
        for place in places { pages[place.file].append(place.page) }
        let used = paths.indices.filter { !pages[$0].isEmpty }
        let number = Dictionary(uniqueKeysWithValues: zip(used, used.indices))
        var planes: [[Int: Int]] = []
        for file in used {
            pages[file].sort()
            planes.append(Dictionary(zip(pages[file], pages[file].indices)) { first, _ in first })
        }
        let read = used.map { pages[$0] }
        let usedPaths = used.map { paths[$0] }
        let files = OpenFiles(usedPaths) { (index) throws(DeconvolutionError) in
            try TIFFSource(path: usedPaths[index], pages: read[index], isMask: isMask)
        }
        try self.init(
            files,
            files.survey(),
            layout: layout,
            places: places.map { place in
                let file = number[place.file] ?? 0
                return Place(file: file, plane: planes[file][place.page] ?? 0)
            },
            name: name,
            metadataPaths: metadataPaths,
            isOpen: isOpen
        )
    }
}
