import DeconvDevice
import DeconvVolume
import Foundation

/// Two volumes of the same thing, compared frequency by frequency: their Fourier shell correlation (Harauz and van Heel 1986, Optik
/// 73:146) in cones around the axes (Koho et al. 2019, Nat. Commun. 10:3103).
///
///     FSC = (Σ |F1 + F2|² − Σ |F1 − F2|²) / (Σ |F1 + F2|² + Σ |F1 − F2|²)
///
/// which is Σ Re F1 F2* over the mean of Σ |F1|² and Σ |F2|²: the usual one where both have the same power, as halves of the same
/// photons have. A shell has the frequencies of one length in cycles per µm (per voxel where nobody said how large voxels are), and the cone of an
/// axis those within 30° of it.
struct ShellSums: Hashable, Sendable {
    /// The frequencies around one axis.
    struct Axis: Hashable, Sendable {
        /// Cycles per unit from the beginning of a shell to that of the next; 0 for an axis of one voxel.
        fileprivate(set) var width: Double
        /// Σ |F1 + F2|² of each shell.
        fileprivate(set) var together: [Double]
        /// Σ |F1 − F2|² of each shell.
        fileprivate(set) var apart: [Double]
        /// Frequencies of each shell.
        fileprivate(set) var counts: [Double]
    }

    /// cos² of half the angle of a cone.
    static let halfAngle = 30.0
    /// Where halves agree less than this, all of the light agrees less than by half with what is there (Rosenthal and Henderson 2003, J. Mol. Biol.
    /// 333:721).
    static let threshold = 1.0 / 7
    /// Voxels of a block along z, y and x at most: enough for fine shells.
    private static let mostVoxels = VolumeShape(z: 64, y: 256, x: 256)
    /// Blocks of a volume that are looked at.
    private static let mostBlocks = 16
    /// Shells along an axis: more would say little each.
    private static let mostShells = 64
    /// Part of an axis over which a block is faded out at each end.
    private static let taperShare = 0.25
    /// Shells of fewer frequencies are left out.
    private static let fewestFrequencies = 6.0

    /// Those around z, y and x.
    private(set) var axes: [Axis]
    private let size: [Double]

    /// Nothing yet.
    /// - Parameters:
    ///   - shape: of the volumes.
    ///   - spacing: of their voxels, µm; nil where nobody said.
    init(of shape: VolumeShape, spacing: VoxelSpacing?) {
        let size = spacing?.axes ?? [1, 1, 1]
        self.size = size
        let block = Self.blockShape(of: shape)
        axes = (0..<3).map { axis in
            let count = min(block[axis] / 2, Self.mostShells)
            return Axis(
                width: count > 0 ? 0.5 / size[axis] / Double(count) : 0,
                together: [Double](repeating: 0, count: count),
                apart: [Double](repeating: 0, count: count),
                counts: [Double](repeating: 0, count: count)
            )
        }
    }

    /// As numbers in a row, and what `init(_:of:spacing:)` takes.
    var numbers: [Double] { axes.flatMap { $0.together + $0.apart + $0.counts } }

    /// From numbers in a row; nil where they are not those of such volumes.
    init?(_ numbers: [Double], of shape: VolumeShape, spacing: VoxelSpacing?) {
        self.init(of: shape, spacing: spacing)
        guard numbers.count == axes.reduce(0, { $0 + 3 * $1.counts.count }) else { return nil }
        var start = 0
        for axis in axes.indices {
            let count = axes[axis].counts.count
            func part(_ number: Int) -> [Double] {
                Array(numbers[start + number * count..<start + (number + 1) * count])
            }
            (axes[axis].together, axes[axis].apart, axes[axis].counts) = (part(0), part(1), part(2))
            start += 3 * count
        }
    }

    /// Adds those of other volumes of the same shape.
    mutating func add(_ other: ShellSums) {
        func sum(_ one: [Double], _ two: [Double]) -> [Double] { zip(one, two).map { $0 + $1 } }
        for axis in axes.indices {
            axes[axis].together = sum(axes[axis].together, other.axes[axis].together)
            axes[axis].apart = sum(axes[axis].apart, other.axes[axis].apart)
            axes[axis].counts = sum(axes[axis].counts, other.axes[axis].counts)
        }
    }

    /// Compares a block of two volumes.
    /// - Parameters:
    ///   - first: its voxels, z, y, x.
    ///   - second: as many.
    ///   - extent: the shape of those that `blocks` gives.
    /// - Throws: `outOfMemory`.
    mutating func add(_ first: [Float], _ second: [Float], _ extent: VolumeShape) throws(DeconvolutionError) {
        let tapers = (0..<3).map { Self.taper(extent[$0]) }
        var together = [Float](repeating: 0, count: extent.voxelCount)
        var apart = together
        var (flat, all) = (0.0, 0.0)
        func forEach(_ body: (_ voxel: Int, _ taper: Double) -> Void) {
            var voxel = 0
            for z in 0..<extent.z {
                for y in 0..<extent.y {
                    let row = tapers[0][z] * tapers[1][y]
                    for x in 0..<extent.x {
                        body(voxel, row * tapers[2][x])
                        voxel += 1
                    }
                }
            }
        }
        forEach { voxel, taper in
            flat += taper * Double(first[voxel] + second[voxel])
            all += taper
        }
        // Nothing is left at frequency 0 that could leak from there.
        let level = flat / all
        forEach { voxel, taper in
            together[voxel] = Float(taper * (Double(first[voxel] + second[voxel]) - level))
            apart[voxel] = Float(taper * Double(first[voxel] - second[voxel]))
        }
        let sum = try PowerSpectrum(of: together, shape: extent)
        let difference = try PowerSpectrum(of: apart, shape: extent)
        let least = pow(cos(Self.halfAngle / 180 * Double.pi), 2)
        func squares(_ axis: Int, _ count: Int) -> [Double] {
            (0..<count).map { pow(PowerSpectrum.frequency($0, of: extent[axis]) / size[axis], 2) }
        }
        let places = [squares(0, extent.z), squares(1, extent.y), squares(2, sum.width)]
        var index = 0
        for z in 0..<extent.z {
            for y in 0..<extent.y {
                for x in 0..<sum.width {
                    defer { index += 1 }
                    let parts = (places[0][z], places[1][y], places[2][x])
                    let square = parts.0 + parts.1 + parts.2
                    guard square > 0 else { continue }
                    let bound = least * square
                    let axis = parts.0 >= bound ? 0 : parts.1 >= bound ? 1 : parts.2 >= bound ? 2 : 3
                    guard axis < 3, axes[axis].width > 0 else { continue }
                    let shell = Int(square.squareRoot() / axes[axis].width)
                    guard shell < axes[axis].counts.count else { continue }
                    let multiplicity = Double(sum.multiplicity(x))
                    axes[axis].together[shell] += multiplicity * Double(sum.values[index])
                    axes[axis].apart[shell] += multiplicity * Double(difference.values[index])
                    axes[axis].counts[shell] += multiplicity
                }
            }
        }
    }

    private static func blockShape(of shape: VolumeShape) -> VolumeShape {
        VolumeShape { min(shape[$0], mostVoxels[$0]) }
    }

    /// Blocks that cover a volume, those with most light where they are many.
    /// - Parameter voxels: z, y, x.
    static func blocks(of voxels: UnsafePointer<Float>, _ shape: VolumeShape) -> [Region] {
        let block = blockShape(of: shape)
        let origins = (0..<3).map { axis in
            let count = (shape[axis] + block[axis] - 1) / block[axis]
            return (0..<count).map { count > 1 ? $0 * (shape[axis] - block[axis]) / (count - 1) : 0 }
        }
        var blocks: [Region] = []
        for z in origins[0] {
            for y in origins[1] {
                for x in origins[2] { blocks.append(Region(origin: VolumeIndex(z: z, y: y, x: x), shape: block)) }
            }
        }
        guard blocks.count > mostBlocks else { return blocks }
        let light = blocks.map { region in
            var sum = 0.0
            for z in region.zRange {
                for y in region.origin.y..<region.origin.y + block.y {
                    let start = (z * shape.y + y) * shape.x + region.origin.x
                    for voxel in start..<start + block.x { sum += Double(voxels[voxel]) }
                }
            }
            return sum
        }
        let order = blocks.indices.sorted { (light[$1], $0) < (light[$0], $1) }
        return order.prefix(mostBlocks).sorted().map { blocks[$0] }
    }

    /// sin² at both ends of an axis, 1 between them; an axis of few voxels has none.
    private static func taper(_ count: Int) -> [Double] {
        let width = Int((taperShare * Double(count)).rounded(.up))
        guard count >= 4 else { return [Double](repeating: 1, count: count) }
        return (0..<count).map { index in
            let distance = min(index, count - 1 - index)
            guard distance < width else { return 1 }
            let value = sin(Double.pi / 2 * (Double(distance) + 0.5) / Double(width))
            return value * value
        }
    }
}

extension ShellSums.Axis {
    /// Where the last shell ends, cycles per unit.
    var end: Double { width * Double(counts.count) }

    /// The middle of each shell, cycles per unit.
    var frequencies: [Double] { counts.indices.map { (Double($0) + 0.5) * width } }

    /// The correlation in each shell, from −1 to 1; nil where it has too few frequencies, or no light.
    var correlations: [Double?] {
        counts.indices.map { shell in
            let power = together[shell] + apart[shell]
            guard counts[shell] >= ShellSums.fewestFrequencies, power > 0 else { return nil }
            return (together[shell] - apart[shell]) / power
        }
    }

    /// Where the correlation falls below the threshold and stays there for a shell more, cycles per unit; nil where it never is above, and
    /// infinity where it never falls.
    var crossing: Double? {
        let known = zip(frequencies, correlations).compactMap { frequency, value in value.map { (frequency, $0) } }
        guard let first = known.first, first.1 >= ShellSums.threshold else { return nil }
        for index in known.indices.dropFirst() where known[index].1 < ShellSums.threshold {
            if index + 1 < known.count, known[index + 1].1 >= ShellSums.threshold { continue }
            let (above, below) = (known[index - 1], known[index])
            // One that dipped below for a single shell.
            guard above.1 > below.1, above.1 >= ShellSums.threshold else { return below.0 }
            return above.0 + (below.0 - above.0) * (above.1 - ShellSums.threshold) / (above.1 - below.1)
        }
        return .infinity
    }
}
