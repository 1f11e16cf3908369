/// What a sample of its planes tells of a channel.
package struct ChannelSurvey: Sendable {
    /// What its dark parts hold; nil where the sample is too small to say.
    package let dark: DarkLevel?
    /// How its noise grows with light; nil where the sample does not say.
    package let noise: CameraNoise?
    /// Where the camera stops; nil where it does not.
    package let plateau: SaturationPlateau?
    /// Pixels that are hot or dead.
    package let badColumns: BadColumns
    /// Share of voxels below 0.
    package let negativeShare: Double
    /// What all but one in about ten thousand voxels reach; nil where there is no tile.
    package let lowest: Double?

    /// A channel of which nothing is known.
    package init() {
        (dark, noise, plateau, badColumns, negativeShare, lowest) = (nil, nil, nil, .none, 0, nil)
    }

    fileprivate init(_ search: ChannelSearch) {
        badColumns = search.columns.result
        let tiles = search.goodTiles(badColumns)
        dark = DarkLevel(tiles)
        noise = dark.flatMap { CameraNoise(tiles, level: $0.level) }
        plateau = SaturationPlateau(search.tops)
        negativeShare = Double(search.negativeCount) / Double(max(search.voxelCount, 1))
        // Of the darkest voxels of 64, that one in 200.
        let darkest = search.tiles.map(\.smallest).sorted()
        lowest = darkest.isEmpty ? nil : Double(darkest[darkest.count / 200])
    }
}

/// Looks at plane after plane of a channel.
package struct ChannelSearch {
    fileprivate var tiles: [TileFigures] = []
    fileprivate var tops: [SaturationPlateau.Top] = []
    fileprivate var columns: BadColumnSearch
    fileprivate var negativeCount = 0
    fileprivate var voxelCount = 0
    private let width: Int

    /// A search in planes of a width and a height in voxels.
    package init(width: Int, height: Int) {
        self.width = width
        columns = BadColumnSearch(width: width, height: height)
    }

    /// Looks at a plane, x fastest; NaN is a voxel that does not count. Planes of which all voxels are the same say nothing.
    package mutating func add(_ plane: [Float]) {
        guard let top = SaturationPlateau.Top(plane) else { return }
        tops.append(top)
        tiles += TileFigures.tiles(of: plane, width: width)
        columns.add(plane)
        voxelCount += plane.count
        for voxel in plane where voxel < 0 { negativeCount += 1 }
    }

    /// Without tiles that hold bad pixels, unless hardly any are left.
    fileprivate func goodTiles(_ bad: BadColumns) -> [TileFigures] {
        let places = Set(bad.all.map { TileFigures.place(ofVoxel: $0, width: width) })
        let good = places.isEmpty ? tiles : tiles.filter { !places.contains($0.place) }
        return good.count >= tiles.count / 2 ? good : tiles
    }

    /// What was found.
    package var result: ChannelSurvey { ChannelSurvey(self) }
}
