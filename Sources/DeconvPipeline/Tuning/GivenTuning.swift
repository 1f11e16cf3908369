import DeconvMethods
import DeconvOptions
import DeconvVolume
import Foundation

/// What another run found out for the method, as somebody gave it.
struct GivenTuning {
    private let entries: [ChannelTuning]
    private let name: String

    /// The part of a report that matters.
    private struct Report: Decodable {
        let tuning: [TuningRecord]
    }

    /// Reads it.
    /// - Parameter text: a report in JSON, its tuning, or one entry of that; or the path of a file with one of them.
    /// - Throws: `inputNotFound`, `invalidData` that name the file.
    init(_ text: String) throws(DeconvolutionError) {
        let isPath = !(text.first.map { "{[".contains($0) } ?? false)
        name = isPath ? text : "it"
        var data = Data(text.utf8)
        if isPath {
            guard let read = FileManager.default.contents(atPath: text) else {
                throw DeconvolutionError(
                    .inputNotFound,
                    "\(.tuning, text): cannot be read; give the report of another run"
                )
            }
            data = read
        }
        let decoder = JSONDecoder()
        if let report = try? decoder.decode(Report.self, from: data) {
            entries = report.tuning.map(\.tuning)
        } else if let records = try? decoder.decode([TuningRecord].self, from: data) {
            entries = records.map(\.tuning)
        } else if let record = try? decoder.decode(TuningRecord.self, from: data) {
            entries = [record.tuning]
        } else {
            entries = []
        }
        guard !entries.isEmpty else {
            throw DeconvolutionError(
                .invalidData,
                "\(.tuning, isPath ? text : "JSON"): has no \"tuning\" of a run; give the report of one with \(.method, "auto")"
            )
        }
    }

    /// What a channel is computed with.
    /// - Parameters:
    ///   - channel: its number.
    ///   - count: channels that there are.
    /// - Throws: `invalidArgument` where it is that of other channels or of another method.
    func tuning(channel: Int, of count: Int, _ request: TuningRequest) throws(DeconvolutionError) -> ChannelTuning {
        guard entries.count == 1 || entries.count == count else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.tuning, name): is that of \(entries.count) channels, and this image has \(count); choose as many by \(.channel)"
            )
        }
        let entry = entries[entries.count == 1 ? 0 : channel]
        let fits =
            switch request.signal {
            case .always: entry.tuning.signal != nil
            case .withoutPhotons: true
            case .never: entry.tuning.signal == nil && (entry.weight == 0 || request.hasTotalVariation)
            }
        guard fits else {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.tuning, name): was found for another \(.method); give that, or the report of a run with this one"
            )
        }
        return entry
    }
}
