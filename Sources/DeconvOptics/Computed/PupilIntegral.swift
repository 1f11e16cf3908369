import Dispatch
import Glibc

/// Intensity around the axis, by quadrature over a pupil; the Bessel functions are tabulated once for all planes.
struct PupilIntegral {
    private typealias Block = SIMD8<Double>

    private let pupil: Pupil
    private let blockCount: Int
    /// Bessel functions: for each order, for each block of radii, one value a node.
    private let table: [Block]

    /// The integral for radii 0, step, 2·step, …: at least `count` of them.
    init(_ pupil: Pupil, step: Double, count: Int) {
        self.pupil = pupil
        let blockCount = (count + Block.scalarCount - 1) / Block.scalarCount
        let (nodeCount, orderCount) = (pupil.apertures.count, pupil.amplitudes.count)
        let largest = pupil.wavenumber * Double(blockCount * Block.scalarCount) * step * pupil.apertures.max()!
        let bessel = BesselTable(limit: largest)
        self.blockCount = blockCount
        let orderSize = blockCount * nodeCount
        table = [Block](unsafeUninitializedCapacity: orderCount * orderSize) { table, filled in
            // Every block is written by one job.
            nonisolated(unsafe) let table = table
            DispatchQueue.concurrentPerform(iterations: blockCount) { block in
                let radii = Block((0..<Block.scalarCount).map { Double(block * Block.scalarCount + $0) * step })
                for node in 0..<nodeCount {
                    let place = block * nodeCount + node
                    let x = pupil.wavenumber * pupil.apertures[node] * radii
                    var (zeroth, first) = (Block.zero, Block.zero)
                    for lane in x.indices { (zeroth[lane], first[lane]) = bessel(x[lane]) }
                    table.initializeElement(at: place, to: zeroth)
                    guard orderCount > 1 else { continue }
                    var second = 2 * first / x - zeroth
                    second.replace(with: 0, where: x .== 0)
                    table.initializeElement(at: orderSize + place, to: first)
                    table.initializeElement(at: 2 * orderSize + place, to: second)
                }
            }
            filled = orderCount * orderSize
        }
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
        for (order, amplitudes) in pupil.amplitudes.enumerated() {
            let factors = (0..<nodeCount).map { amplitudes[$0] * turns[$0] }
            let first = order * blockCount * nodeCount
            table.withUnsafeBufferPointer { table in
                factors.withUnsafeBufferPointer { factors in
                    for block in 0..<blockCount {
                        var real = Block.zero
                        var imaginary = Block.zero
                        for node in 0..<nodeCount {
                            let value = table[first &+ block &* nodeCount &+ node]
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
