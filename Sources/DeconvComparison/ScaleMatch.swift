/// The factor that brings an image closest to a reference: s = Σab / Σa², which makes Σ(s·a − b)² smallest.
///
/// A deconvolved image may be right up to a factor. Where that is to be forgiven, one pass over both images gives the
/// factor, and a second pass through `ImageComparison.Accumulator(scale:)` compares.
package struct ScaleMatch: Sendable {
    private var products = 0.0
    private var squares = 0.0

    /// A match that has seen nothing yet.
    package init() {}

    /// Takes voxels of the image and the voxels of the reference at the same places.
    package mutating func add(_ image: [Float], _ reference: [Float]) {
        precondition(image.count == reference.count, "\(image.count) voxels cannot match \(reference.count)")
        image.withUnsafeBufferPointer { image in
            reference.withUnsafeBufferPointer { reference in
                var products = 0.0
                var squares = 0.0
                for index in image.indices {
                    let a = Double(image[index])
                    products += a * Double(reference[index])
                    squares += a * a
                }
                self.products += products
                self.squares += squares
            }
        }
    }

    /// The factor; 1 for an image without light, and for one that is not finite.
    package var scale: Double {
        let scale = products / squares
        return scale.isFinite ? scale : 1
    }
}
