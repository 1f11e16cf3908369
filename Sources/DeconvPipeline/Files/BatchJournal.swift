import DeconvIO
import DeconvVolume
import Foundation

/// Which results a folder of a batch holds, and what each was made of: a hidden file in the folder.
struct BatchJournal {
    /// A result.
    private struct Entry: Codable, Equatable {
        /// What it was made of; see `FileDeconvolution.identity`.
        let job: String
        /// What it is, so that another file of its name is not taken for it.
        let result: String
    }

    static let name = ".gpudeconv-each.json"

    private let path: String
    private var entries: [String: Entry]

    /// The journal of a folder, empty where it has none.
    init(folder: String) {
        path = (folder as NSString).appendingPathComponent(Self.name)
        let data = FileManager.default.contents(atPath: path) ?? Data()
        entries = (try? JSONDecoder().decode([String: Entry].self, from: data)) ?? [:]
    }

    /// Whether a result is there that was made of this.
    func holds(_ output: String, madeOf job: String) -> Bool {
        access(output, F_OK) == 0 && entries[OutputPath(output).name] == Entry(job: job, result: Self.result(output))
    }

    /// Notes a result that was made.
    /// - Throws: `inputOutput` where the journal cannot be written.
    mutating func note(_ output: String, madeOf job: String) throws(DeconvolutionError) {
        entries[OutputPath(output).name] = Entry(job: job, result: Self.result(output))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        do { try encoder.encode(entries).write(to: URL(fileURLWithPath: path), options: .atomic) } catch {
            throw DeconvolutionError(
                .inputOutput,
                "\(path.inMessage): cannot be written, so that the same command would not know which results are there: "
                    + "\(error.localizedDescription.inMessage)"
            )
        }
    }

    private static func result(_ output: String) -> String {
        // Both an image of a store and an array in it have metadata of their own.
        JobFingerprint.checksum(of: [JobFingerprint.description(of: output)])
    }
}
