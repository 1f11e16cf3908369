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

    /// Mean of its tiles, counts; nil where there is none.
    package let mean: Double?

    /// A channel of which nothing is known.
    package init() {
        (dark, noise, plateau, badColumns, negativeShare, lowest, mean) = (nil, nil, nil, .none, 0, nil, nil)
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
        mean = tiles.isEmpty ? nil : tiles.reduce(0) { $0 + Double($1.mean) } / Double(tiles.count)
    }
}

extension ChannelSurvey {
    /// Part of the tiles of which the dark parts are more: measured, 0.004 to 0.06 in parts cut out of cells, and less than 0.1 in stacks
    /// with a dark part only where they are bright or sharp.
    private static let darkShare = 0.1
    /// Variance of the read noise, in squared photons, that is none of light: 2 electrons.
    private static let readVariance = 4.0

    /// Share of the light that the level of the dark parts takes where nothing is dark; nil where something is, or where noise does
    /// not tell light from an offset.
    ///
    /// Light makes noise, and an offset makes none: beyond that of the camera, the noise at the level, in photons, is the light there
    /// (photon transfer: Janesick 2007, Photon Transfer, chapter 5).
    package var lightShareOfDarkParts: Double? {
        guard let dark, let noise, let mean, dark.share < Self.darkShare, mean > dark.level else { return nil }
        let photons = dark.noise * dark.noise / (noise.gain * noise.gain) - Self.readVariance
        guard photons > 0 else { return nil }
        let light = noise.gain * photons
        return light / (mean - dark.level + light)
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
