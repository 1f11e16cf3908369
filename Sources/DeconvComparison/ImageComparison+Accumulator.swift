import Glibc

extension ImageComparison {
    /// Compares images of any size a few rows at a time: it keeps a dozen sums, in double precision.
    ///
    /// Differences are summed as differences, not taken from Σa², Σab and Σb², which would leave an error of 1e-8 between
    /// images that are the same.
    package struct Accumulator: Sendable {
        private let rowLength: Int
        private let scale: Double
        private var voxelCount = 0
        private var rowCount = 0
        private var squaredDifferences = 0.0
        private var squaredReference = 0.0
        private var largestRow = 0.0
        private var largestDifference = 0.0
        private var largestReference = 0.0
        private var brightestReference = -Double.infinity
        private var moments = Moments()

        /// The first voxel of a that is not finite, counted from the first voxel that came.
        package private(set) var nonFiniteInImage: Int?
        /// The first voxel of b that is not finite, counted from the first voxel that came.
        package private(set) var nonFiniteInReference: Int?

        /// A comparison that has seen nothing yet.
        /// - Parameters:
        ///   - rowLength: voxels of a row along x, at least 1.
        ///   - scale: what every voxel of a is multiplied with, for example `ScaleMatch.scale`.
        package init(rowLength: Int, scale: Double = 1) {
            precondition(rowLength > 0, "a row has at least one voxel")
            self.rowLength = rowLength
            self.scale = scale
        }

        /// Takes whole rows of the image and the rows of the reference at the same places.
        package mutating func add(_ image: [Float], _ reference: [Float]) {
            precondition(
                image.count == reference.count && image.count % rowLength == 0,
                "\(image.count) and \(reference.count) voxels are not the same whole rows of \(rowLength)"
            )
            image.withUnsafeBufferPointer { image in
                reference.withUnsafeBufferPointer { reference in
                    for row in stride(from: 0, to: image.count, by: rowLength) {
                        add(
                            row: UnsafeBufferPointer(rebasing: image[row..<row + rowLength]),
                            UnsafeBufferPointer(rebasing: reference[row..<row + rowLength])
                        )
                    }
                }
            }
        }

        private mutating func add(row image: UnsafeBufferPointer<Float>, _ reference: UnsafeBufferPointer<Float>) {
            var squaredDifference = 0.0
            var squares = 0.0
            var largest = 0.0
            var bright = -Double.infinity
            var dark = Double.infinity
            var sumA = 0.0
            var sumB = 0.0
            for index in image.indices {
                let a = scale * Double(image[index])
                let b = Double(reference[index])
                let difference = a - b
                squaredDifference += difference * difference
                squares += b * b
                largest = max(largest, abs(difference))
                bright = max(bright, b)
                dark = min(dark, b)
                sumA += a
                sumB += b
            }
            // A sum of squares shows any value that is not finite; where, is only looked for then.
            if !squaredDifference.isFinite { findNonFinite(image, reference) }
            moments.add(rowOf: image, reference, scale: scale, sumA: sumA, sumB: sumB)
            voxelCount += rowLength
            rowCount += 1
            squaredDifferences += squaredDifference
            squaredReference += squares
            largestRow = max(largestRow, squaredDifference)
            largestDifference = max(largestDifference, largest)
            largestReference = max(largestReference, abs(bright), abs(dark))
            brightestReference = max(brightestReference, bright)
        }

        private mutating func findNonFinite(
            _ image: UnsafeBufferPointer<Float>,
            _ reference: UnsafeBufferPointer<Float>
        ) {
            if nonFiniteInImage == nil, let index = image.firstIndex(where: { !$0.isFinite }) {
                nonFiniteInImage = voxelCount + index
            }
            if nonFiniteInReference == nil, let index = reference.firstIndex(where: { !$0.isFinite }) {
                nonFiniteInReference = voxelCount + index
            }
        }

        /// The comparison of everything that came; meaningless where a voxel was not finite.
        package var comparison: ImageComparison {
            let meanSquare = squaredDifferences / Double(max(voxelCount, 1))
            let hasLight = squaredReference > 0
            return ImageComparison(
                voxelCount: voxelCount,
                scale: scale,
                nrmse: hasLight ? (squaredDifferences / squaredReference).squareRoot() : nil,
                psnr: meanSquare > 0 && brightestReference > 0
                    ? 10 * log10(brightestReference * brightestReference / meanSquare) : nil,
                pearson: moments.correlation,
                maxAbsoluteDifference: largestDifference,
                maxRelativeDifference: hasLight ? largestDifference / largestReference : nil,
                largestRowNRMSE: hasLight ? (largestRow / (squaredReference / Double(rowCount))).squareRoot() : nil
            )
        }
    }

    /// Means, variances and covariance of two images, row by row: each row about its own mean, joined as Chan, Golub and
    /// LeVeque do (1979). A large common offset costs no precision that way.
    private struct Moments: Sendable {
        var count = 0.0
        var meanA = 0.0
        var meanB = 0.0
        var squaresA = 0.0
        var squaresB = 0.0
        var products = 0.0

        mutating func add(
            rowOf image: UnsafeBufferPointer<Float>,
            _ reference: UnsafeBufferPointer<Float>,
            scale: Double,
            sumA: Double,
            sumB: Double
        ) {
            let rowCount = Double(image.count)
            let rowMeanA = sumA / rowCount
            let rowMeanB = sumB / rowCount
            var rowA = 0.0
            var rowB = 0.0
            var rowProducts = 0.0
            for index in image.indices {
                let a = scale * Double(image[index]) - rowMeanA
                let b = Double(reference[index]) - rowMeanB
                rowA += a * a
                rowB += b * b
                rowProducts += a * b
            }
            let total = count + rowCount
            let stepA = rowMeanA - meanA
            let stepB = rowMeanB - meanB
            let weight = count * rowCount / total
            squaresA += rowA + stepA * stepA * weight
            squaresB += rowB + stepB * stepB * weight
            products += rowProducts + stepA * stepB * weight
            meanA += stepA * rowCount / total
            meanB += stepB * rowCount / total
            count = total
        }

        var correlation: Double? {
            // Below this the variance is what rounding leaves of a constant image.
            guard squaresA > 1e-26 * count * meanA * meanA && squaresB > 1e-26 * count * meanB * meanB else {
                return nil
            }
            return min(max(products / (squaresA.squareRoot() * squaresB.squareRoot()), -1), 1)
        }
    }
}
