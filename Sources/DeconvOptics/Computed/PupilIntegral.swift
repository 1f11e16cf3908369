import Glibc

/// Intensity around the axis, by quadrature over a pupil; the Bessel functions are tabulated once for all planes.
struct PupilIntegral {
    private typealias Block = SIMD8<Double>

    private let pupil: Pupil
    private let blockCount: Int
    /// For each order: Bessel functions, for each block of radii one value a node.
    private let tables: [[Block]]

    /// The integral for radii 0, step, 2·step, …: at least `count` of them.
    init(_ pupil: Pupil, step: Double, count: Int) {
        self.pupil = pupil
        let blockCount = (count + Block.scalarCount - 1) / Block.scalarCount
        let nodeCount = pupil.apertures.count
        let orderCount = pupil.amplitudes.count
        let rows = concurrentMap(count: blockCount) { block in
            var rows = [[Block]](repeating: [Block](repeating: .zero, count: nodeCount), count: orderCount)
            for node in 0..<nodeCount {
                for lane in 0..<Block.scalarCount {
                    let radius = Double(block * Block.scalarCount + lane) * step
                    let x = pupil.wavenumber * radius * pupil.apertures[node]
                    let zeroth = j0(x)
                    rows[0][node][lane] = zeroth
                    guard orderCount > 1 else { continue }
                    let first = j1(x)
                    rows[1][node][lane] = first
                    rows[2][node][lane] = x > 0 ? 2 * first / x - zeroth : 0
                }
            }
            return rows
        }
        self.blockCount = blockCount
        tables = (0..<orderCount).map { order in rows.flatMap { $0[order] } }
    }

    /// 2π ∫ I r dr over a plane, µm².
    var planeLight: Double { pupil.planeLight }

    /// The intensity at each radius.
    /// - Parameter stage: position of the objective, µm.
    func intensities(stage: Double) -> [Double] {
        let nodeCount = pupil.apertures.count
        let phases = (0..<nodeCount).map { pupil.phases[$0] - stage * pupil.rates[$0] }
        let turns = phases.map { Complex(cos($0), sin($0)) }
        var sums = [Block](repeating: .zero, count: blockCount)
        for (table, amplitudes) in zip(tables, pupil.amplitudes) {
            let factors = (0..<nodeCount).map { amplitudes[$0] * turns[$0] }
            table.withUnsafeBufferPointer { table in
                factors.withUnsafeBufferPointer { factors in
                    for block in 0..<blockCount {
                        var real = Block.zero
                        var imaginary = Block.zero
                        for node in 0..<nodeCount {
                            let value = table[block &* nodeCount &+ node]
                            real += value * factors[node].real
                            imaginary += value * factors[node].imaginary
                        }
                        sums[block] += real * real + imaginary * imaginary
                    }
                }
            }
        }
        return sums.flatMap { block in block.indices.map { block[$0] } }
    }
}
