import DeconvVolume

/// The files of a Zarr store, wherever they are: what reading needs of them.
///
/// A key is a path below the store's root, with slashes. Any number of threads may ask at once.
protocol StoreStorage: Sendable {
    /// Where it is, as the caller gave it.
    var name: String { get }

    /// Whether it can be said which files there are. Where it cannot, each is asked for by its key.
    var isListed: Bool { get }

    /// Whether a part of a file takes as long as all of it.
    var readsWhole: Bool { get }

    /// What messages call the file of a key.
    func location(_ key: String) -> String

    /// The file of a key, or nil where there is none.
    /// - Throws: `invalidData` where the key leads out of the store or the file is damaged, `inputNotFound` where it may not be
    ///   read, `inputOutput` where the disk or the network fails.
    func file(_ key: String, _ use: StoredUse) throws(DeconvolutionError) -> (any StoredBytes)?

    /// Whether there is a file or, where they can be listed, a folder of that key.
    /// - Throws: as `file`.
    func exists(_ key: String) throws(DeconvolutionError) -> Bool

    /// What changes when the file of a key does; nil where there is none. What cannot be reached counts as there.
    /// - Throws: `inputOutput` where the network fails.
    func mark(of key: String) throws(DeconvolutionError) -> StoredMark?

    /// Calls `body` with the names of the files and folders in the folder of a key, in no order; not at all where it is no folder
    /// or cannot be listed.
    /// - Throws: `inputOutput` where the folder may not be listed or the disk fails, so that nobody takes what is there for nothing;
    ///   what `body` throws.
    func forEachName(
        in key: String,
        _ body: (String) throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError)

    /// Why something may not be read that was asked for and then taken for missing; nil where there was nothing of the sort.
    var denial: DeconvolutionError? { get }

    /// What tells the array at a path from another one of that name; nil where its folder says it.
    func identity(of path: ZarrPath) -> String?
}

extension StoreStorage {
    var readsWhole: Bool { false }

    var denial: DeconvolutionError? { nil }

    func location(_ key: String) -> String {
        key.isEmpty ? name : name.hasSuffix("/") ? name + key : "\(name)/\(key)"
    }

    /// An `invalidData` error about the file of a key.
    func invalid(_ key: String, _ problem: Message) -> DeconvolutionError {
        DeconvolutionError(.invalidData, "\(location(key).inMessage): \(problem)")
    }

    /// Refuses keys that would lead out of the store.
    func requireKey(_ key: String) throws(DeconvolutionError) {
        let names = key.betweenSlashes
        guard key.isEmpty || !names.contains(where: { ["", ".", ".."].contains($0) || $0.utf8.contains(0) }) else {
            throw invalid(key, "is no key of a store; check where it comes from")
        }
    }
}

/// What a file is opened for.
enum StoredUse {
    /// All of it, which is small; one that may not be read counts as missing where nothing can be listed.
    case metadata
    /// All of it.
    case whole
    /// Parts of it.
    case parts

    /// Far above what metadata take: 256 MiB.
    static let mostMetadataBytes: UInt64 = 1 << 28
}

/// Size, time and the like of a file: other numbers for another file. None where nothing is known but that it is there.
struct StoredMark: Hashable {
    /// In an order of its own.
    var numbers: [Int] = []
}
