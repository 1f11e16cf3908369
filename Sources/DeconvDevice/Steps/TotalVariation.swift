import CSquareRoot
import DeconvPlan
package import DeconvVolume

// MARK: - On the host

/// The weight of a field, plane by plane on the host; see `Workspace.storeTotalVariationWeight`.
private struct TotalVariationPlanes: Sendable {
    private let source: HostPlanes
    private let normalization: HostPlanes?
    private let shape: VolumeShape
    private let constants: TotalVariationConstants

    init(of field: HostField, normalization: HostField?, _ constants: TotalVariationConstants) {
        (source, shape) = (field.planes, field.shape)
        self.normalization = normalization?.planes
        self.constants = constants
    }

    /// Writes the weight of a plane.
    func store(_ z: Int, in target: HostPlanes) {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 3 * shape.x) { scratch in
            let above = scratch.baseAddress!
            var (before, here) = (above + shape.x, above + 2 * shape.x)
            storeInverseLengths(z, 0, in: before)
            for y in 0..<shape.y {
                storeInverseLengths(z, y, in: here)
                storeInverseLengths(max(z - 1, 0), y, in: above)
                storeRow(z, y, here: here, above: above, before: before, in: target.row(z, y))
                swap(&here, &before)
            }
        }
    }

    /// 1 / |∇x| of a row; no difference leads beyond the far end of an axis.
    private func storeInverseLengths(_ z: Int, _ y: Int, in lengths: UnsafeMutablePointer<Float>) {
        let (squares, flat) = (constants.squares, constants.flat)
        let row = source.row(z, y)
        let nextZ = source.row(min(z + 1, shape.z - 1), y), nextY = source.row(z, min(y + 1, shape.y - 1))
        let nextX = row + 1
        for x in 0..<shape.x - 1 {
            let alongZ = nextZ[x] - row[x], alongY = nextY[x] - row[x], alongX = nextX[x] - row[x]
            let sum = squares.z * alongZ * alongZ + squares.y * alongY * alongY + squares.x * alongX * alongX
            lengths[x] = 1 / square_root(sum + flat)
        }
        let x = shape.x - 1
        let alongZ = nextZ[x] - row[x], alongY = nextY[x] - row[x]
        lengths[x] = 1 / square_root(squares.z * alongZ * alongZ + squares.y * alongY * alongY + flat)
    }

    /// Writes the weight of a row, given 1 / |∇x| of it and of those before it along z and y.
    private func storeRow(
        _ z: Int,
        _ y: Int,
        here: UnsafeMutablePointer<Float>,
        above: UnsafeMutablePointer<Float>,
        before: UnsafeMutablePointer<Float>,
        in target: UnsafeMutablePointer<Float>
    ) {
        let (squares, strength, least) = (constants.squares, constants.strength, TotalVariationConstants.least)
        let row = source.row(z, y), weight = normalization?.row(z, y)
        let nextZ = source.row(min(z + 1, shape.z - 1), y), nextY = source.row(z, min(y + 1, shape.y - 1))
        // The same row where there is none before, whose differences are then 0.
        let formerZ = source.row(max(z - 1, 0), y), formerY = source.row(z, max(y - 1, 0))
        /// Along x what leaves a voxel comes to the next one.
        func one(_ x: Int) {
            let value = row[x], length = here[x]
            let alongZ = (nextZ[x] - value) * length - (value - formerZ[x]) * above[x]
            let alongY = (nextY[x] - value) * length - (value - formerY[x]) * before[x]
            var sum = squares.z * alongZ + squares.y * alongY
            if x + 1 < shape.x { sum += squares.x * (row[x + 1] - value) * length }
            if x > 0 { sum -= squares.x * (value - row[x - 1]) * here[x - 1] }
            target[x] = (weight?[x] ?? 1) / max(1 - strength * sum, least)
        }
        /// The same for eight, all with neighbors on both sides.
        func eight(_ x: Int) {
            func load(_ values: UnsafeMutablePointer<Float>, _ step: Int = 0) -> SIMD8<Float> {
                Float.loadEight(values + x + step)
            }
            let value = load(row), length = load(here)
            let alongZ = (load(nextZ) - value) * length - (value - load(formerZ)) * load(above)
            let alongY = (load(nextY) - value) * length - (value - load(formerY)) * load(before)
            var sum = squares.z * alongZ + squares.y * alongY
            sum += squares.x * (load(row, 1) - value) * length
            sum -= squares.x * (value - load(row, -1)) * load(here, -1)
            var divisor = 1 - strength * sum
            divisor.replace(with: least, where: divisor .< least)
            let quotient = (weight.map { load($0) } ?? SIMD8(repeating: 1)) / divisor
            UnsafeMutableRawPointer(target + x).storeBytes(of: quotient, as: SIMD8<Float>.self)
        }
        one(0)
        var x = 1
        while x + 8 < shape.x {
            eight(x)
            x += 8
        }
        while x < shape.x {
            one(x)
            x += 1
        }
    }
}

extension HostWorkspace {
    package func storeTotalVariationWeight(
        in target: HostField,
        of field: HostField,
        normalization: HostField?,
        _ constants: TotalVariationConstants
    ) throws(DeconvolutionError) {
        willChange(target)
        let weight = TotalVariationPlanes(of: field, normalization: normalization, constants)
        let planes = target.planes
        pool.forEach(field.shape.z) { _, z in weight.store(z, in: planes) }
    }
}

// MARK: - On a device

extension KernelTable {
    /// target ← normalization / max(1 − λ · div(∇x / |∇x|), least) for the field x; no normalization stands for 1.
    package func storeTotalVariationWeight(
        in target: DeviceBuffer,
        of field: DeviceBuffer,
        _ shape: VolumeShape,
        normalization: DeviceBuffer?,
        _ constants: TotalVariationConstants
    ) throws(DeconvolutionError) {
        let squares = constants.squares
        try self["total_variation_weight"].run(
            x: shape.x,
            y: shape.y,
            z: shape.z,
            [
                .buffer(target), .buffer(field), .uint(shape.z), .uint(shape.y), .uint(shape.x), .buffer(normalization),
                .float(squares.z), .float(squares.y), .float(squares.x), .float(constants.flat),
                .float(constants.strength), .float(TotalVariationConstants.least),
            ]
        )
    }
}

extension OpenCLWorkspace {
    package func storeTotalVariationWeight(
        in target: Field,
        of field: Field,
        normalization: Field?,
        _ constants: TotalVariationConstants
    ) throws(DeconvolutionError) {
        try kernels.storeTotalVariationWeight(
            in: target.buffer,
            of: field.buffer,
            layout.domain.shape,
            normalization: normalization?.buffer,
            constants
        )
    }
}
