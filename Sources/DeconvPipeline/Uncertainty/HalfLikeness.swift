import DeconvVolume

/// How alike both halves of some photons are, frequency by frequency.
struct HalfLikeness: Sendable {
    /// Of the results.
    var results: ShellSums
    /// Of what they were made from.
    var images: ShellSums

    /// Of nothing yet.
    init(of image: ImageDescription) {
        results = ShellSums(of: image.shape, spacing: image.spacing)
        images = results
    }

    /// From numbers in a row, as `numbers` has them; nil where they are not those of such volumes.
    init?(_ numbers: [Double], of image: ImageDescription) {
        let half = numbers.count / 2
        guard let results = ShellSums(Array(numbers[..<half]), of: image.shape, spacing: image.spacing),
            let images = ShellSums(Array(numbers[half...]), of: image.shape, spacing: image.spacing)
        else { return nil }
        (self.results, self.images) = (results, images)
    }

    /// As numbers in a row.
    var numbers: [Double] { results.numbers + images.numbers }

    /// Adds that of other volumes.
    mutating func add(_ other: HalfLikeness) {
        results.add(other.results)
        images.add(other.images)
    }
}
