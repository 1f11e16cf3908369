import DeconvIO
package import DeconvOptions
package import DeconvPipeline
package import DeconvVolume

/// A look at an image file: how it is understood, and how it came about.
package struct InspectionJob: Sendable {
    private let file: any ImageFileSource

    /// Opens a file.
    /// - Parameters:
    ///   - selection: of these `array` and `axes` matter.
    /// - Throws: as `ImageFile.open`.
    package init(path: String, selection: InputSelection) throws(DeconvolutionError) {
        file = try ImageFile.open(
            path: path,
            options: ImageFile.Options(array: selection.array, axes: selection.axes, offersOptions: true)
        )
    }

    /// What is known of it, for people and programs.
    package struct Report: Encodable {
        /// Path, shape, type, spacing, checksum and provenance.
        package let file: FileRecord
        /// One name a channel; empty where the file does not say.
        package let channelNames: [String]
        /// Seconds between time points; nil where the file does not say.
        package let timeInterval: Double?
        /// Axes of the stored array, one letter each; nil where the format has fixed ones.
        package let axes: String?
        /// What was assumed, left out or ignored, and chunks that are missing.
        package let warnings: [Diagnostic]

        private enum Key: String, CodingKey { case channelNames, timeInterval, axes, diagnostics }

        /// Writes the file's keys and these, with stable names.
        package func encode(to encoder: any Encoder) throws {
            try file.encode(to: encoder)
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(channelNames, forKey: .channelNames)
            try container.encode(timeInterval, forKey: .timeInterval)
            try container.encode(axes, forKey: .axes)
            try container.encode(warnings, forKey: .diagnostics)
        }
    }

    /// Looks at everything but voxels.
    /// - Throws: `inputOutput` where a folder of chunks may not be listed.
    package func run() throws(DeconvolutionError) -> Report {
        var record = FileRecord(file, spacing: nil)
        record.add(FileChecksum(of: file.paths))
        let survey = try file.surveyChunks()
        return Report(
            file: record,
            channelNames: file.image.channelNames,
            timeInterval: file.image.timeInterval,
            axes: file.axes,
            warnings: file.diagnostics + (survey?.diagnostics ?? [])
        )
    }
}
