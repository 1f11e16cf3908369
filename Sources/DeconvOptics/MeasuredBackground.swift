import DeconvVolume

/// The level that a PSF stands on, and the noise around it.
struct MeasuredBackground {
    /// Counts to subtract.
    var level: Double
    /// Standard deviation of the noise, counts; 0 where the border shows light or nothing rather than noise.
    var noise: Double
    /// How the level was found.
    var method: PSFPreparationReport.BackgroundMethod
    /// Voxels that were judged: a border several voxels thick.
    var border: [Int]
    /// The box without faces of zeros, which come from padding or deskewing.
    var measuredBox: Region
    /// How the background rises across the box; nil where it does not.
    var slope: BackgroundSlope?
    /// Whether the slope is subtracted too: where the level is not given, and what is left is noise.
    var subtractsSlope = false
    /// Share of the border that was not recorded and is exactly 0; nil where all of it was.
    var unrecordedShare: Double?
}

extension MeasuredBackground {
    /// Voxels of border on each face. The outermost voxel alone will not do: deskewed volumes have bright or dark
    /// faces.
    private static let thickness = 4
    /// Voxels of the border that are judged at most; medians of more are no better.
    private static let sampleLimit = 100_000
    /// Below this share of the spread that neighbours and mirror images do not share, the border shows light, not
    /// noise.
    ///
    /// Measured: computed PSFs, on the grid or off it, coarse or fine, stay below 0.15; camera noise gives 0.9 to
    /// 1.05, after linear interpolation by half a voxel 0.57 and more, after smoothing by a Gaussian of one voxel
    /// 0.28.
    private static let roughnessOfNoise = 0.2

    /// Judges the border of a PSF.
    /// - Returns: nil where the box is too small to have a border that is not the PSF itself.
    static func measured(in field: PSFField, level given: Double?) -> MeasuredBackground? {
        let peak = field.values.reduce(0) { max($0, abs($1)) }
        guard let box = field.boundingBox(above: 1e-9 * peak) else { return nil }
        let whole = borderVoxels(of: box, in: field.shape)
        let unrecordedShare = UnrecordedVoxels.share(of: whole, in: field)
        let border = unrecordedShare == nil ? whole : whole.filter { field.values[$0] != 0 }
        guard border.count >= 32 else { return nil }
        let slope = BackgroundSlope(in: field, at: border, of: box)
        var background = measured(in: field, border: border, box: box, peak: peak, level: given)
        if let slope {
            let field = slope.subtracted(from: field, keepsZeros: unrecordedShare != nil)
            let flat = measured(in: field, border: border, box: box, peak: peak, level: nil)
            // The plane of light that is cut on one side is none of the background.
            if flat.method == .noiseAtBorder {
                if given == nil {
                    background = flat
                    background.subtractsSlope = true
                }
                background.slope = slope
            }
        }
        background.unrecordedShare = unrecordedShare
        if background.slope == nil, background.noise == 0, unrecordedShare == nil {
            background.takeMirroredSlope(in: field, border: border, peak: peak, level: given)
        }
        return background
    }

    /// Looks for a slope where there is no noise that would show it.
    private mutating func takeMirroredSlope(in field: PSFField, border: [Int], peak: Double, level given: Double?) {
        let middle = Self.quantile(border.map { field.values[$0] }, 0.5)
        let center = PSFCentering.center(of: PSFField(shape: field.shape, values: field.values.map { $0 - middle }))
        guard let slope = BackgroundSlope(mirroredIn: field, about: center, at: border, of: measuredBox) else { return }
        if given == nil {
            let flat = slope.subtracted(from: field, keepsZeros: false)
            self = Self.measured(in: flat, border: border, box: measuredBox, peak: peak, level: nil)
            subtractsSlope = true
        }
        self.slope = slope
    }

    /// Judges a border that is known.
    private static func measured(
        in field: PSFField,
        border: [Int],
        box: Region,
        peak: Double,
        level given: Double?
    ) -> MeasuredBackground {
        let values = border.map { field.values[$0] }
        let median = quantile(values, 0.5)
        let spread = RobustSpread.of(values.map { $0 - median })
        let isNoise =
            spread > 1e-7 * peak
            && roughness(of: field, border: border, box: box, level: median) >= roughnessOfNoise * spread

        if let given {
            return MeasuredBackground(
                level: given,
                noise: isNoise ? spread : 0,
                method: .given,
                border: border,
                measuredBox: box
            )
        }
        if isNoise {
            return MeasuredBackground(
                level: clippedMean(values),
                noise: spread,
                method: .noiseAtBorder,
                border: border,
                measuredBox: box
            )
        }
        // Light falls off towards the corners by orders of magnitude; a pedestal does not.
        let low = quantile(values, 0.02)
        return MeasuredBackground(
            level: median > 0 && low > 0.5 * median ? low : 0,
            noise: 0,
            method: median > 0 && low > 0.5 * median ? .pedestalAtBorder : .lightAtBorder,
            border: border,
            measuredBox: box
        )
    }

    /// A field less its slope, where that is subtracted.
    func flattened(_ field: PSFField) -> PSFField {
        guard subtractsSlope, let slope else { return field }
        return slope.subtracted(from: field, keepsZeros: unrecordedShare != nil)
    }

    /// A field less its level, and nothing where nothing was measured.
    func subtracted(from field: PSFField) -> PSFField {
        guard level != 0 else { return field }
        let keepsZeros = unrecordedShare != nil
        var result = PSFField(shape: field.shape, values: [Double](repeating: 0, count: field.values.count))
        for z in measuredBox.zRange {
            for y in measuredBox.yRange {
                let row = (z * field.shape.y + y) * field.shape.x
                for i in row + measuredBox.xRange.lowerBound..<row + measuredBox.xRange.upperBound
                where !(keepsZeros && field.values[i] == 0) {
                    result.values[i] = field.values[i] - level
                }
            }
        }
        return result
    }

    /// The mean of what lies outside the light: more voxels than the border has, and nearer to the light.
    func refined(in field: PSFField, outside support: PSFSupport) -> MeasuredBackground {
        guard method == .noiseAtBorder else { return self }
        var empty = support.voxelsWellOutside(in: measuredBox)
        if unrecordedShare != nil { empty = empty.filter { field.values[$0] != 0 } }
        guard empty.count >= 1000 else { return self }
        var better = self
        better.level = Self.clippedMean(Self.sampled(empty).map { field.values[$0] })
        return better
    }

    private static func sampled(_ offsets: [Int], limit: Int = sampleLimit) -> [Int] {
        let step = max(1, offsets.count / limit) | 1
        return offsets.count <= limit ? offsets : stride(from: 0, to: offsets.count, by: step).map { offsets[$0] }
    }

    private static func borderVoxels(of box: Region, in shape: VolumeShape) -> [Int] {
        let reach = (0..<3).map { min(thickness, box.shape[$0] / 8) }
        func isInside(_ i: Int, _ axis: Int) -> Bool {
            let from = box.origin[axis] + reach[axis]
            let end = box.origin[axis] + box.shape[axis] - reach[axis]
            return i >= from && i < end
        }
        var offsets: [Int] = []
        for z in box.zRange {
            for y in box.yRange {
                let isRowInside = isInside(z, 0) && isInside(y, 1)
                for x in box.xRange where !(isRowInside && isInside(x, 2)) {
                    offsets.append((z * shape.y + y) * shape.x + x)
                }
            }
        }
        return sampled(offsets)
    }

    /// The part of the spread at the border that voxels share neither with their neighbours nor with their mirror
    /// image.
    ///
    /// Light is smooth along at least one axis, or symmetric about the centre; noise is neither. The least of: second
    /// differences along each axis (von Neumann), and differences of voxels mirrored about the centre.
    private static func roughness(of field: PSFField, border: [Int], box: Region, level: Double) -> Double {
        var least = Double.infinity
        func judge(_ differences: [Double], scaledBy factor: Double) {
            guard differences.count * 4 >= border.count else { return }
            least = min(least, RobustSpread.of(differences) * factor)
        }
        for axis in 0..<3 where box.shape[axis] >= 3 {
            let step = field.stride(axis)
            let first = box.origin[axis]
            let last = first + box.shape[axis] - 1
            var differences: [Double] = []
            for offset in border {
                let i = field.index(of: offset)[axis]
                guard i > first, i < last else { continue }
                differences.append(
                    2 * field.values[offset] - field.values[offset - step] - field.values[offset + step]
                )
            }
            judge(differences, scaledBy: 1 / 6.0.squareRoot())
        }
        let center = PSFCentering.center(of: PSFField(shape: field.shape, values: field.values.map { $0 - level }))
        let twice = center.map { Int((2 * $0).rounded()) }
        for axes in [[1], [2], [1, 2], [0, 1, 2]] where axes.contains(where: { field.shape[$0] > 1 }) {
            var differences: [Double] = []
            for offset in border {
                let here = field.index(of: offset)
                let there = VolumeIndex { axes.contains($0) ? twice[$0] - here[$0] : here[$0] }
                guard there != here, box.contains(Region(origin: there, shape: VolumeShape(z: 1, y: 1, x: 1)))
                else { continue }
                differences.append(field.values[offset] - field[there])
            }
            judge(differences, scaledBy: 1 / 2.0.squareRoot())
        }
        return least
    }

    /// The mean of the values within three standard deviations of it.
    static func clippedMean(_ values: [Double]) -> Double {
        var mean = quantile(values, 0.5)
        let spread = RobustSpread.of(values.map { $0 - mean })
        for _ in 0..<20 {
            let kept = values.filter { abs($0 - mean) <= 3 * spread }
            let next = kept.reduce(0, +) / Double(kept.count)
            if abs(next - mean) <= 1e-6 * spread { return next }
            mean = next
        }
        return mean
    }

    /// The value below which a share of all values lies.
    static func quantile(_ values: [Double], _ fraction: Double) -> Double {
        values.sorted()[min(values.count - 1, Int(fraction * Double(values.count)))]
    }

    /// The spread of a smoothed field at the border.
    func spread(of smoothed: PSFField) -> Double {
        let values = border.map { smoothed.values[$0] }
        let median = Self.quantile(values, 0.5)
        return RobustSpread.of(values.map { $0 - median })
    }
}
