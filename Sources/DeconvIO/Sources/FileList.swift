import DeconvVolume
import Foundation

/// The files that a folder or a pattern stands for.
enum FileList {
    /// The TIFF files of a folder in natural order; hidden files, folders, and files that are no TIFF are left out.
    /// - Throws: `inputNotFound` where it may not be read; `invalidData` where a file is called a TIFF and is none, since its time
    ///   point or plane would be missing.
    static func tiffs(inFolder folder: String) throws(DeconvolutionError) -> [String] {
        let folder = folder.withoutTrailingSlashes
        let names: [String]
        do { names = try FileManager.default.contentsOfDirectory(atPath: folder) } catch {
            throw DeconvolutionError(.inputNotFound, "\(folder.inMessage): may not be read; check its permissions")
        }
        var paths: [String] = []
        for name in names.sorted(by: NaturalOrder.precedes) where !name.hasPrefix(".") {
            let path = folder == "/" ? "/\(name)" : "\(folder)/\(name)"
            var status = stat()
            guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
            let file = try FileBytes(path: path)
            let signature = FileSignature(
                try file.bytes(at: 0, count: min(FileSignature.byteCount, file.byteCount)),
                name
            )
            if signature == .tiff {
                paths.append(path)
            } else if [".tif", ".tiff"].contains(where: name.lowercased().hasSuffix) {
                throw file.invalid(
                    file.byteCount == 0
                        ? "is empty; copy it again from its source, or take it out of the folder" : signature.problem
                )
            }
        }
        return paths
    }

    /// Whether a file would be one of those of a folder or pattern.
    static func wouldHold(_ name: String, _ path: String) -> Bool {
        func folder(_ path: String) -> String { URL(fileURLWithPath: path).resolvingSymlinksInPath().path }
        let file = OutputPath(path)
        guard PathPattern.isPattern(name) else {
            return folder(name) == folder(file.folder) && !file.name.hasPrefix(".")
        }
        let pattern = OutputPath(name)
        return fnmatch(name, path, FNM_PATHNAME | FNM_PERIOD) == 0
            || folder(pattern.folder) == folder(file.folder) && fnmatch(pattern.name, file.name, FNM_PERIOD) == 0
    }
}
