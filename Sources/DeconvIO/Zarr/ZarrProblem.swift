import DeconvVolume

/// Why metadata cannot be used; becomes a `DeconvolutionError` with the file's name in front.
struct ZarrProblem: Error, Equatable {
    /// What is wrong and what to do, without the file's name.
    let message: String
    /// The same for metadata that somebody wants to write.
    let messageForWriting: String

    /// - Parameter message: what is wrong, and what to do.
    init(_ message: String) { (self.message, messageForWriting) = (message, message) }

    /// - Parameters:
    ///   - problem: what is wrong.
    ///   - remedy: what to do where a file says it.
    ///   - writingRemedy: what to do where somebody wants to write it.
    init(_ problem: String, reading remedy: String = "write the array again", writing writingRemedy: String) {
        message = "\(problem); \(remedy)"
        messageForWriting = "\(problem); \(writingRemedy)"
    }
}

/// The file of one chunk, for messages about it.
struct ChunkPlace {
    /// The path of the file.
    let path: String
    /// The chunk inside of a shard, outermost first.
    var innerChunks: [[Int]] = []

    private var prefix: String {
        innerChunks.reduce(path.inMessage) { "\($0): inner chunk (\($1.map(String.init).joined(separator: ", ")))" }
    }

    /// A chunk that cannot be decoded.
    func damaged(_ problem: String) -> DeconvolutionError {
        DeconvolutionError(
            .invalidData,
            "\(prefix): is damaged: \(problem); copy it again from its source or compute it again"
        )
    }

    /// A codec that gets no memory.
    func outOfMemory(for codec: String) -> DeconvolutionError {
        DeconvolutionError(.outOfMemory, "\(prefix): no memory for \(codec); close other programs and try again")
    }

    /// A chunk that cannot be written as asked.
    func refused(_ problem: String) -> DeconvolutionError {
        DeconvolutionError(.invalidArgument, "\(prefix): \(problem)")
    }

    /// The place of a chunk inside of this shard.
    func inner(_ index: [Int]) -> ChunkPlace {
        var place = self
        place.innerChunks.append(index)
        return place
    }
}
