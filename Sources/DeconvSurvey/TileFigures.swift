/// What is known of a square of 8 x 8 voxels of one plane.
package struct TileFigures: Sendable {
    /// Voxels along a side.
    package static let side = 8

    /// Which of the tiles of its plane it is, row after row.
    let place: Int
    /// Mean of its voxels.
    package var mean: Float
    /// (top left − top right − bottom left + bottom right) / 4 of the means of its quarters.
    ///
    /// A slope leaves it 0, and noise gives it the variance that it gives the mean, correlated noise nearly so.
    package var saddle: Float
    /// Variance of the noise of a voxel: the mean square of the second difference along y and x, over 36 (Immerkær 1996,
    /// Comput. Vis. Image Underst. 64:300). Planes and their slopes leave it 0.
    package var noiseVariance: Float
    /// Its darkest voxel.
    package var smallest: Float
    /// Whether all of its voxels are the same.
    package var isConstant: Bool
    /// Share of neighbors along x that are the same.
    package var equalShare: Float

    /// The place of the tile that holds a voxel of a plane, y · width + x.
    static func place(ofVoxel voxel: Int, width: Int) -> Int {
        voxel / width / side * (width / side) + voxel % width / side
    }

    /// The tiles of a plane; a rest at its end that fills none is left out, and so are tiles with values that are no numbers.
    /// - Parameters:
    ///   - voxels: x fastest.
    ///   - width: voxels of a row.
    package static func tiles(of voxels: [Float], width: Int) -> [TileFigures] {
        let (rows, columns) = (voxels.count / max(width, 1) / side, width / side)
        var tiles: [TileFigures] = []
        tiles.reserveCapacity(rows * columns)
        voxels.withUnsafeBufferPointer { voxels in
            for row in 0..<rows {
                for column in 0..<columns {
                    let tile = TileFigures(
                        voxels.baseAddress! + row * side * width + column * side,
                        width,
                        place: row * columns + column
                    )
                    if tile.mean.isFinite, tile.noiseVariance.isFinite { tiles.append(tile) }
                }
            }
        }
        return tiles
    }

    private init(_ first: UnsafePointer<Float>, _ width: Int, place: Int) {
        self.place = place
        var quarters: (SIMD4<Float>, SIMD4<Float>) = (.zero, .zero)
        var lower: (SIMD4<Float>, SIMD4<Float>) = (.zero, .zero)
        var least = SIMD8<Float>(repeating: .infinity)
        var most = SIMD8<Float>(repeating: -.infinity)
        var squares = SIMD8<Float>.zero
        var equals = SIMD8<Int32>.zero
        var bends: (SIMD8<Float>, SIMD8<Float>) = (.zero, .zero)
        for y in 0..<Self.side {
            let row = UnsafeRawPointer(first + y * width).loadUnaligned(as: SIMD8<Float>.self)
            least.replace(with: row, where: row .< least)
            most.replace(with: row, where: row .> most)
            if y < Self.side / 2 {
                quarters.0 += row.lowHalf
                quarters.1 += row.highHalf
            } else {
                lower.0 += row.lowHalf
                lower.1 += row.highHalf
            }
            // Moved by one voxel; at the ends a voxel is its own neighbor, which is put right below.
            let before = SIMD8(row[0], row[0], row[1], row[2], row[3], row[4], row[5], row[6])
            let after = SIMD8(row[1], row[2], row[3], row[4], row[5], row[6], row[7], row[7])
            equals &+= SIMD8<Int32>.zero.replacing(with: 1, where: row .== before)
            let bend = before - 2 * row + after
            if y >= 2 {
                let second = bends.0 - 2 * bends.1 + bend
                squares += second * second
            }
            bends = (bends.1, bend)
        }
        let parts = SIMD4(quarters.0.sum(), quarters.1.sum(), lower.0.sum(), lower.1.sum())
        mean = parts.sum() / 64
        saddle = (parts[0] - parts[1] - parts[2] + parts[3]) / 64
        squares[0] = 0
        squares[7] = 0
        noiseVariance = squares.sum() / (36 * 36)
        smallest = least.min()
        isConstant = smallest == most.max()
        equalShare = Float(Int(equals.wrappedSum()) - Self.side) / 56
    }
}

extension [TileFigures] {
    /// The darkest twentieth, and 32 at least, in the order of their means.
    var darkest: [TileFigures] {
        let wanted = Swift.max(32, count / 20)
        guard count > wanted else { return sorted { $0.mean < $1.mean } }
        let bound = map(\.mean).sorted()[wanted - 1]
        return Array(filter { $0.mean <= bound }.sorted { $0.mean < $1.mean }.prefix(wanted))
    }
}
