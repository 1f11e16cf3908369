package import DeconvOptions
package import DeconvVolume
import Dispatch
import Glibc

/// Looks at what an estimate foretells of an image, step after step, for the step after which to stop.
package struct StopSearch: Sendable {
    /// What a part of an image is compared with.
    package struct Image: Sendable {
        /// Voxels of the part.
        package var shape: VolumeShape
        /// What the estimate is made from, counts, z, y, x.
        package var observed: [Float]
        /// Photons that were held out of it, in counts; nil where none were.
        package var heldOut: [Float]?
        /// f of the voxels; nil for 1.
        package var weights: [Float]?
        /// b of what the estimate is made from, counts.
        package var background: Double
        /// Least expectation, counts, above 0.
        package var floor: Double
        /// Counts a photon.
        package var gain: Double

        /// A part of an image.
        package init(
            shape: VolumeShape,
            observed: [Float],
            heldOut: [Float]?,
            weights: [Float]?,
            background: Double,
            floor: Double,
            gain: Double
        ) {
            self.shape = shape
            self.observed = observed
            self.heldOut = heldOut
            self.weights = weights
            self.background = background
            self.floor = floor
            self.gain = gain
        }
    }

    /// Steps without a better one before held-out photons end the search.
    private static let patience = 2

    /// One a view of the object.
    private let images: [Image]
    private let rule: StopRule
    private let mostSteps: Int
    /// Part of the light that voxels must hold which still change, by which there is consensus.
    package static let leastAgreement = 0.05

    /// Of each step: the log-likelihood of the photons that were held out (nats, less what is the same for all), the likeness of
    /// neighbors, the Poisson divergence, or the part of the light that still changes.
    package private(set) var values: [Double] = []
    /// The step after which to stop, from 1; nil until it is known.
    private var found: Int?

    /// A search.
    /// - Parameters:
    ///   - rule: not `none`; `heldOut` only for images with photons that were held out.
    ///   - images: one a view of the object.
    package init(_ rule: StopRule, _ images: [Image], mostSteps: Int) {
        precondition(rule != .none && rule != .auto && !images.isEmpty)
        precondition(rule != .heldOut || images.allSatisfy { $0.heldOut != nil })
        (self.rule, self.images, self.mostSteps) = (rule, images, mostSteps)
    }

    /// Looks at the expectation before a step.
    /// - Parameter projections: H·estimate of each view over the part, counts.
    /// - Returns: whether there is more to see.
    package mutating func look(_ projections: [[Float]]) -> Bool {
        precondition(projections.count == images.count, "a projection of each view")
        let views = zip(images, projections)
        switch rule {
        case .none, .auto, .consensus: preconditionFailure("the rule is by projections")
        case .heldOut:
            // Photons of one view say nothing of those of the other, so that their likelihoods multiply.
            values.append(views.reduce(0) { $0 + $1.0.likelihood($1.1) })
            if values.count - bestStep >= Self.patience { found = bestStep }
        case .whiteness:
            values.append(views.reduce(0) { $0 + $1.0.likeness($1.1) } / Double(images.count))
            if values[values.count - 1] < 0 { found = values.count }
        case .divergence(let part):
            values.append(views.reduce(0) { $0 + $1.0.divergence($1.1) })
            if values.count > 1, values[values.count - 2] - values[values.count - 1] < part * values[values.count - 1] {
                found = values.count
            }
        }
        return found == nil && values.count < mostSteps
    }

    /// Looks at the part of the light in voxels that a step changes.
    /// - Returns: whether there is more to see.
    package mutating func look(share: Double) -> Bool {
        precondition(rule == .consensus, "the rule is by consensus")
        values.append(share)
        if share < Self.leastAgreement { found = values.count }
        return found == nil && values.count < mostSteps
    }

    /// Steps that a volume takes.
    package var stepCount: Int { found ?? (rule == .heldOut ? bestStep : max(values.count, 1)) }

    /// Whether the rule itself ended the search, not the most steps that there may be.
    package var isFound: Bool { found != nil || (rule == .heldOut && bestStep < values.count) }

    /// The largest value so far.
    package var best: Double { values.max() ?? -.infinity }

    private var bestStep: Int { (values.firstIndex(of: best) ?? 0) + 1 }
}

extension StopSearch.Image {
    /// Calls `body` with every voxel of some that counts and its expectation y = f·(H·estimate) + b.
    @inline(__always)
    private func forEach(
        _ projection: [Float],
        in voxels: Range<Int>,
        _ body: (_ voxel: Int, _ expected: Double) -> Void
    ) {
        for voxel in voxels {
            let weight = weights?[voxel] ?? 1
            guard weight > 0 else { continue }
            body(voxel, max(Double(weight) * Double(projection[voxel]) + background, floor))
        }
    }

    /// The sum of a term over all voxels that count: of planes at once, which are added in their order.
    private func sum(
        _ projection: [Float],
        _ term: @Sendable (_ voxel: Int, _ expected: Double) -> Double
    ) -> Double {
        let count = shape.planeVoxelCount
        var sums = [Double](repeating: 0, count: shape.z)
        sums.withUnsafeMutableBufferPointer { sums in
            // Every element is written by one job.
            nonisolated(unsafe) let sums = sums
            DispatchQueue.concurrentPerform(iterations: sums.count) { z in
                var sum = 0.0
                forEach(projection, in: z * count..<(z + 1) * count) { sum += term($0, $1) }
                sums[z] = sum
            }
        }
        return sums.reduce(0, +)
    }

    /// Σ s ln y − y over the photons s that were held out, y as many as are expected of them.
    fileprivate func likelihood(_ projection: [Float]) -> Double {
        guard let heldOut else { preconditionFailure("a search by photons has some") }
        let share = (1 - Thinning.keptShare) / Thinning.keptShare
        return sum(projection) { voxel, expected in
            Double(heldOut[voxel]) * log(share * expected / gain) - share * expected
        } / gain
    }

    /// Mean correlation of (g − y) / √y with its neighbor along y and x.
    fileprivate func likeness(_ projection: [Float]) -> Double {
        var residuals = [Float](repeating: 0, count: projection.count)
        var (sum, count) = (0.0, 0)
        forEach(projection, in: projection.indices) { voxel, expected in
            let residual = (Double(observed[voxel]) - expected) / expected.squareRoot()
            residuals[voxel] = Float(residual)
            sum += residual
            count += 1
        }
        guard count > 0 else { return -1 }
        let mean = Float(sum / Double(count))
        var square = 0.0
        forEach(projection, in: projection.indices) { voxel, _ in
            residuals[voxel] -= mean
            square += Double(residuals[voxel]) * Double(residuals[voxel])
        }
        // An expectation that is the image itself leaves nothing.
        guard square > 0 else { return -1 }
        var (likeness, axes) = (0.0, 0.0)
        for (axis, stride) in [(1, shape.x), (2, 1)] where shape[axis] > 1 {
            var (products, pairs) = (0.0, 0)
            for voxel in residuals.indices where voxel / stride % shape[axis] + 1 < shape[axis] {
                products += Double(residuals[voxel]) * Double(residuals[voxel + stride])
                pairs += 1
            }
            likeness += products / Double(pairs) / (square / Double(count))
            axes += 1
        }
        return axes > 0 ? likeness / axes : -1
    }

    /// Σ g ln(g/y) − g + y.
    fileprivate func divergence(_ projection: [Float]) -> Double {
        sum(projection) { voxel, expected in
            let counts = Double(max(observed[voxel], 0))
            return (counts > 0 ? counts * log(counts / expected) : 0) - counts + expected
        }
    }
}
