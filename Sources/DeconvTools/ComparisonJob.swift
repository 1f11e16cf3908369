package import DeconvComparison
import DeconvIO
package import DeconvVolume

/// Two image files held against each other.
package enum ComparisonJob {
    /// How the image in `path` differs from the one in `reference`.
    /// - Parameter matchScale: whether the first is first multiplied by the factor of least squares.
    /// - Returns: that, and what a person should know of the files.
    /// - Throws: as `ImageComparison.init`, and what opening throws.
    package static func run(
        _ path: String,
        reference: String,
        matchScale: Bool
    ) throws(DeconvolutionError) -> (comparison: ImageComparison, warnings: [Diagnostic]) {
        func compare(_ a: some ImageFileSource, _ b: some ImageFileSource) throws(DeconvolutionError) -> ImageComparison
        {
            let limit = min(a.memoryBesideReading, b.memoryBesideReading)
            return try ImageComparison(of: a, with: b, matchScale: matchScale, memoryLimit: limit)
        }
        let (image, other) = (try ImageFile.open(path: path), try ImageFile.open(path: reference))
        var warnings: [Diagnostic] = []
        for file in [image, other] { warnings += try file.surveyChunks()?.diagnostics ?? [] }
        return (try compare(image, other), warnings)
    }
}
