package import DeconvVolume

/// How much of its light a PSF has at its sides, where a good one has next to none.
package struct PSFBorder: Sendable, Hashable {
    /// Light in the outer eighths along y and x, over all of it.
    package let share: Double
    /// Difference between opposite eighths over their sum, the larger one of y and x: 0 for a symmetric border, 1 where all
    /// light is on one side.
    package let lopsidedness: Double

    /// The border of a PSF.
    package init(_ psf: Volume) {
        let shape = psf.shape
        let (height, width) = (max(shape.y / 8, 1), max(shape.x / 8, 1))
        var (sum, border) = (0.0, 0.0)
        // Low and high ends of y, then of x.
        var sides = (top: 0.0, bottom: 0.0, left: 0.0, right: 0.0)
        for z in 0..<shape.z {
            for y in 0..<shape.y {
                for x in 0..<shape.x {
                    let value = Double(psf.voxels[(z * shape.y + y) * shape.x + x])
                    sum += value
                    if y < height { sides.top += value } else if y >= shape.y - height { sides.bottom += value }
                    if x < width { sides.left += value } else if x >= shape.x - width { sides.right += value }
                    if y < height || y >= shape.y - height || x < width || x >= shape.x - width { border += value }
                }
            }
        }
        func difference(_ one: Double, _ other: Double) -> Double {
            one + other > 0 ? abs(one - other) / (one + other) : 0
        }
        share = sum > 0 && shape.y > 2 && shape.x > 2 ? border / sum : 0
        lopsidedness = max(difference(sides.top, sides.bottom), difference(sides.left, sides.right))
    }
}
