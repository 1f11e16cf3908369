package import DeconvVolume
import Foundation

/// What became of the images of a batch.
package struct BatchReport: Sendable {
    /// What became of one image.
    package enum Outcome: Sendable {
        /// Its result was made.
        case done(RunReport)
        /// Its result was there already.
        case there
        /// It is a file of an image that was deconvolved by the name of another one.
        case partOf(String)
        /// It has no result.
        case failed(DeconvolutionError)
    }

    /// One image.
    package struct Image: Sendable {
        /// Its path.
        package let input: String
        /// The path of its result.
        package let output: String
        /// What became of it.
        package var outcome: Outcome

        init(_ entry: ImageBatch.Entry, _ outcome: Outcome) {
            (input, output) = (entry.input, entry.output)
            self.outcome = outcome
        }
    }

    /// The images, in their order.
    package internal(set) var images: [Image] = []
    /// Time for all of it, seconds.
    package internal(set) var seconds = 0.0

    /// Results that were made.
    package var doneCount: Int { images.count { if case .done = $0.outcome { true } else { false } } }

    /// Results that were there already.
    package var thereCount: Int { images.count { if case .there = $0.outcome { true } else { false } } }

    /// The images without a result, and why.
    package var failures: [(image: Image, error: DeconvolutionError)] {
        images.compactMap { if case .failed(let error) = $0.outcome { ($0, error) } else { nil } }
    }

    /// Notes the words of the command in the reports of all images.
    package mutating func note(command: [String]) {
        for index in images.indices {
            guard case .done(var report) = images[index].outcome else { continue }
            report.origin?.command = command
            images[index].outcome = .done(report)
        }
    }
}

extension BatchReport {
    /// Whether a file is the report of a batch.
    package static func isReport(_ path: String) -> Bool {
        struct Counts: Decodable { let done, alreadyThere, failed: Int }
        let data = FileManager.default.contents(atPath: path) ?? Data()
        return (try? JSONDecoder().decode(Counts.self, from: data)) != nil
    }
}

extension BatchReport: Encodable {
    private enum Key: String, CodingKey { case images, done, alreadyThere, failed, seconds }

    /// Writes it with stable keys.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(doneCount, forKey: .done)
        try container.encode(thereCount, forKey: .alreadyThere)
        try container.encode(failures.count, forKey: .failed)
        try container.encode(seconds, forKey: .seconds)
        try container.encode(images, forKey: .images)
    }
}

extension BatchReport.Image: Encodable {
    private enum Key: String, CodingKey { case input, output, outcome, image, error, report }

    /// Writes it with stable keys; `report` is as that of one run.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(FileRecord.absolute(input), forKey: .input)
        try container.encode(FileRecord.absolute(output), forKey: .output)
        switch outcome {
        case .done(let report):
            try container.encode("done", forKey: .outcome)
            try container.encode(report, forKey: .report)
        case .there:
            try container.encode("already there", forKey: .outcome)
        case .partOf(let other):
            try container.encode("part of another image", forKey: .outcome)
            try container.encode(FileRecord.absolute(other), forKey: .image)
        case .failed(let error):
            try container.encode("failed", forKey: .outcome)
            try container.encode(error.wholeLine, forKey: .error)
        }
    }
}
