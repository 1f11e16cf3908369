import DeconvVolume
import Dispatch
import Glibc

/// Moves the centre of a PSF onto voxel n/2 and changes its voxel size, axis by axis and band-limited.
struct PSFResampling {
    /// What happens along one axis.
    struct Axis {
        /// Voxels before.
        var inputCount: Int
        /// Voxels after.
        var outputCount: Int
        /// Where the centre was, in voxels before.
        var center: Double
        /// A voxel after, in voxels before: above 1 the result is coarser.
        var ratio: Double

        /// Whether values are moved without interpolation.
        var isCopy: Bool { ratio == 1 && abs(center - center.rounded()) < PSFCentering.negligibleShift }

        /// Whether nothing happens at all.
        var isIdentity: Bool {
            isCopy && inputCount == outputCount && Int(center.rounded()) == inputCount / 2
        }
    }

    /// Three axes in the order z, y, x.
    let axes: [Axis]

    /// Three axes as they are given, z, y, x.
    init(axes: [Axis]) {
        precondition(axes.count == 3, "\(axes.count) axes are not z, y, x")
        self.axes = axes
    }

    /// The axes for a PSF whose light lies in `box`; everything there stays in the frame.
    ///
    /// An axis that neither moves nor changes its spacing keeps its size; any other becomes odd, so that it is
    /// symmetric about its centre.
    init(shape: VolumeShape, box: Region, center: [Double], ratios: [Double]) {
        axes = (0..<3).map { axis in
            let count = shape[axis]
            let isStill =
                ratios[axis] == 1 && abs(center[axis] - Double(count / 2)) < PSFCentering.negligibleShift
            if count == 1 || isStill {
                return Axis(inputCount: count, outputCount: count, center: Double(count / 2), ratio: 1)
            }
            var middle = center[axis]
            // An integer centre is moved by copying, so its rounding error must not add a voxel to the frame.
            if ratios[axis] == 1, abs(middle - middle.rounded()) < PSFCentering.negligibleShift {
                middle = middle.rounded()
            }
            let reach = max(middle - Double(box.origin[axis]), Double(box.origin[axis] + box.shape[axis] - 1) - middle)
            // Bounded before conversion: a wrong spacing must give an error about sizes, not a trap.
            let half = Int(min(max(0, (reach / ratios[axis] - 1e-9).rounded(.up)), 1e9))
            return Axis(inputCount: count, outputCount: 2 * half + 1, center: middle, ratio: ratios[axis])
        }
    }

    /// Voxels per axis afterwards, or nil where they would be more than a PSF can sensibly have.
    var outputShape: VolumeShape? {
        let counts = axes.map { $0.outputCount }
        guard counts.allSatisfy({ $0 <= 8192 }), counts.reduce(1, *) <= 1 << 28 else { return nil }
        return VolumeShape(z: counts[0], y: counts[1], x: counts[2])
    }

    func apply(to field: PSFField) -> PSFField {
        var field = field
        // Axes that shrink go first: less to do for the others.
        let order = (0..<3).sorted {
            axes[$0].outputCount * axes[$1].inputCount < axes[$1].outputCount * axes[$0].inputCount
        }
        for axis in order where !axes[axis].isIdentity {
            field = axes[axis].isCopy ? copied(field, axis) : interpolated(field, axis)
        }
        return field
    }

    private func copied(_ field: PSFField, _ axis: Int) -> PSFField {
        let outputCount = axes[axis].outputCount
        let move = outputCount / 2 - Int(axes[axis].center.rounded())
        return remapped(field, axis) { input, output, count, stripe, range in
            for i in 0..<count where i + move >= 0 && i + move < outputCount {
                for j in range { output[(i + move) * stripe + j] = input[i * stripe + j] }
            }
        }
    }

    private func interpolated(_ field: PSFField, _ axis: Int) -> PSFField {
        let weights = Self.weights(axes[axis])
        let outputCount = axes[axis].outputCount
        if axis == 2 {
            // Rows: weights by input voxel, so that the inner loop runs along memory.
            return remapped(field, axis) { input, output, count, _, _ in
                weights.withUnsafeBufferPointer { weights in
                    for i in 0..<count where input[i] != 0 {
                        let value = input[i]
                        let from = weights.baseAddress! + i &* outputCount
                        for j in 0..<outputCount { output[j] += value * from[j] }
                    }
                }
            }
        }
        return remapped(field, axis) { input, output, count, stripe, range in
            weights.withUnsafeBufferPointer { weights in
                for i in 0..<count {
                    let from = input + i &* stripe
                    guard range.contains(where: { from[$0] != 0 }) else { continue }
                    for j in 0..<outputCount {
                        let weight = weights[i &* outputCount &+ j]
                        let to = output + j &* stripe
                        for k in range.lowerBound..<range.upperBound { to[k] += weight * from[k] }
                    }
                }
            }
        }
    }

    /// Weights of the band-limited interpolation, `inputCount` rows of `outputCount`.
    ///
    /// A sample at distance t weighs sin(πt/c) / πt with c = max(1, ratio). It is what the Fourier shift theorem,
    /// and the cropping or padding of the spectrum, come to when zeros are added around the input without end: no
    /// voxel can wrap around to the other side, and the ratio may be any number. Frequencies that the output cannot
    /// carry are left out.
    private static func weights(_ axis: Axis) -> [Double] {
        let cutoff = max(1, axis.ratio)
        var weights = [Double](repeating: 0, count: axis.inputCount * axis.outputCount)
        for j in 0..<axis.outputCount {
            let position = axis.center + Double(j - axis.outputCount / 2) * axis.ratio
            for i in 0..<axis.inputCount {
                let distance = Double.pi * (position - Double(i))
                weights[i * axis.outputCount + j] =
                    abs(distance) < 1e-9 ? 1 / cutoff : sin(distance / cutoff) / distance
            }
        }
        return weights
    }

    /// Runs a step over all lines along an axis, in stripes that fit the cache, on all cores.
    ///
    /// `step` gets a stripe's first input and output line, the number of input lines, the distance between lines,
    /// and which of their voxels are its own.
    private func remapped(
        _ field: PSFField,
        _ axis: Int,
        _ step: @Sendable (UnsafePointer<Double>, UnsafeMutablePointer<Double>, Int, Int, Range<Int>) -> Void
    ) -> PSFField {
        let count = field.shape[axis]
        let outputCount = axes[axis].outputCount
        let stride = field.stride(axis)
        let outerCount = field.values.count / (count * stride)
        let stripe = min(stride, 256)
        let stripesPerOuter = (stride + stripe - 1) / stripe
        let jobCount = outerCount * stripesPerOuter
        let shape = VolumeShape { $0 == axis ? outputCount : field.shape[$0] }
        var values = [Double](repeating: 0, count: shape.voxelCount)
        field.values.withUnsafeBufferPointer { input in
            values.withUnsafeMutableBufferPointer { output in
                // Safe to share: every job reads anywhere and writes its own stripe.
                nonisolated(unsafe) let input = input.baseAddress!
                nonisolated(unsafe) let output = output.baseAddress!
                let block = 64
                DispatchQueue.concurrentPerform(iterations: (jobCount + block - 1) / block) { blockIndex in
                    for job in blockIndex * block..<min(jobCount, (blockIndex + 1) * block) {
                        let (outer, part) = job.quotientAndRemainder(dividingBy: stripesPerOuter)
                        step(
                            input + outer * count * stride,
                            output + outer * outputCount * stride,
                            count,
                            stride,
                            part * stripe..<min(stride, (part + 1) * stripe)
                        )
                    }
                }
            }
        }
        return PSFField(shape: shape, values: values)
    }
}
