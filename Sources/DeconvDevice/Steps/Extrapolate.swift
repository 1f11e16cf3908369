import DeconvPlan
package import DeconvVolume

// How an estimate that is multiplied goes on beyond the product, along the way that it came.

// MARK: - On the host

extension RowOperation {
    /// A field's row, which is x, to max(x + momentum · (x − former), 0), and the former one's to x.
    static func extrapolate(from former: HostField, momentum: Float) -> RowOperation {
        let (before, count) = (former.planes, former.shape.x)
        return RowOperation { z, y, row in
            let old = before.row(z, y)
            guard momentum > 0 else {
                old.update(from: row, count: count)
                return 0
            }
            for x in 0..<count {
                let value = row[x]
                let beyond = value + momentum * (value - old[x])
                old[x] = value
                // A NaN stays one.
                row[x] = beyond < 0 ? 0 : beyond
            }
            return 0
        }
    }

    /// The same after a product with a row of the work volume, which becomes the estimate's; see `Workspace.multiply`.
    static func multiply(
        into estimate: HostField,
        normalization: HostField?,
        least: Float,
        extrapolatingFrom former: HostField,
        momentum: Float
    ) -> RowOperation {
        let product = multiply(into: estimate, normalization: normalization, least: least)
        let beyond = extrapolate(from: former, momentum: momentum)
        let (target, count) = (estimate.planes, estimate.shape.x)
        return RowOperation { z, y, row in
            _ = product.run(z, y, row)
            _ = beyond.run(z, y, row)
            target.row(z, y).update(from: row, count: count)
            return 0
        }
    }

    /// As `multiply`, with the change that it makes; gives Σ of the change times the one before.
    /// - Parameter squares: gets Σ change² of each row.
    static func multiply(
        into estimate: HostField,
        normalization: HostField?,
        least: Float,
        following change: HostField,
        squares: OrderedSums
    ) -> RowOperation {
        let product = multiply(into: estimate, normalization: normalization, least: least)
        let (target, changes, shape) = (estimate.planes, change.planes, estimate.shape)
        return RowOperation { z, y, row in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: shape.x) { scratch in
                let before = scratch.baseAddress!
                before.initialize(from: target.row(z, y), count: shape.x)
                _ = product.run(z, y, row)
                let change = changes.row(z, y)
                var (common, square) = (0.0, 0.0)
                for x in 0..<shape.x {
                    let difference = row[x] - before[x]
                    common += Double(difference) * Double(change[x])
                    square += Double(difference) * Double(difference)
                    change[x] = difference
                }
                squares.values[z * shape.y + y] = square
                return common
            }
        }
    }
}

extension HostWorkspace {
    package func multiply(
        _ estimate: HostField,
        byWorkAnd normalization: HostField?,
        least: Float,
        extrapolatingFrom former: HostField,
        momentum: Float,
        projectingNext: Bool
    ) throws(DeconvolutionError) {
        let update = RowOperation.multiply(
            into: estimate,
            normalization: normalization,
            least: least,
            extrapolatingFrom: former,
            momentum: momentum
        )
        willChange(former)
        applyToWork(update, layout.domain, projectingNext ? .update : .read)
        didUpdate(estimate, projectingNext: projectingNext)
        ended(.rowsAndUpdate)
    }

    package func multiply(
        _ estimate: HostField,
        byWorkAnd normalization: HostField?,
        least: Float,
        following change: HostField
    ) throws(DeconvolutionError) -> ChangeSums {
        let shape = layout.domain.shape
        let squares = OrderedSums(count: shape.z * shape.y)
        let update = RowOperation.multiply(
            into: estimate,
            normalization: normalization,
            least: least,
            following: change,
            squares: squares
        )
        willChange(estimate)
        willChange(change)
        let product = applyToWork(update, layout.domain, .read)
        didUpdate(estimate, projectingNext: false)
        ended(.rowsAndUpdate)
        return ChangeSums(product: product, square: squares.total)
    }

    package func extrapolate(
        _ estimate: HostField,
        from former: HostField,
        momentum: Float
    ) throws(DeconvolutionError) {
        willChange(estimate)
        willChange(former)
        estimate.planes.apply(.extrapolate(from: former, momentum: momentum), to: layout.domain, pool)
    }
}

// MARK: - On a device

extension KernelTable {
    /// estimate ← max(x + momentum · (x − former), 0), former ← x, where x is the estimate.
    package func extrapolate(
        _ estimate: DeviceBuffer,
        from former: DeviceBuffer,
        momentum: Float,
        count: Int
    ) throws(DeconvolutionError) {
        try self["extrapolate"].run(
            x: count,
            [.buffer(estimate), .buffer(former), .float(momentum), .ulong(count)]
        )
    }

    /// estimate ← x = estimate · max(work · normalization, least), change ← x − estimate.
    /// - Returns: the sums of the new change.
    package func multiplyEstimate(
        _ estimate: DeviceBuffer,
        _ work: DeviceBuffer,
        _ layout: WorkspaceLayout,
        normalization: DeviceBuffer?,
        least: Float,
        following change: DeviceBuffer
    ) throws(DeconvolutionError) -> ChangeSums {
        let shape = layout.domain.shape
        let kernel = self["multiply_and_follow"]
        let groups = groups(for: shape.voxelCount, kernel)
        try kernel.run(
            x: groups * kernel.groupSize,
            [.buffer(estimate), .uint(shape.z), .uint(shape.y), .uint(shape.x), .buffer(work)] + pitches(layout) + [
                .buffer(normalization), .float(least), .buffer(change), .buffer(partialSums),
                .local(kernel.groupSize * (hasDouble ? 16 : 8)),
            ]
        )
        let sums: [Double]
        if hasDouble {
            sums = try queue.read(2 * groups, of: Double.self, from: partialSums)
        } else {
            sums = try queue.read(2 * groups, of: Float.self, from: partialSums).map(Double.init)
        }
        return ChangeSums(
            product: sums.prefix(groups).reduce(0, +),
            square: sums.suffix(groups).reduce(0, +)
        )
    }
}

extension OpenCLWorkspace {
    package func multiply(
        _ estimate: Field,
        byWorkAnd normalization: Field?,
        least: Float,
        extrapolatingFrom former: Field,
        momentum: Float,
        projectingNext: Bool
    ) throws(DeconvolutionError) {
        try multiply(estimate, byWorkAnd: normalization, least: least, projectingNext: false)
        try extrapolate(estimate, from: former, momentum: momentum)
    }

    package func multiply(
        _ estimate: Field,
        byWorkAnd normalization: Field?,
        least: Float,
        following change: Field
    ) throws(DeconvolutionError) -> ChangeSums {
        var sums = ChangeSums(product: 0, square: 0)
        try checkUpdate(of: estimate, normalization: normalization, usesPlans: true) { former, projection, weight in
            former * (weight <= 0 ? 0 : max(projection * weight, Double(least)))
        } update: { () throws(DeconvolutionError) in
            try finishRows()
            sums = try kernels.multiplyEstimate(
                estimate.buffer,
                work,
                layout,
                normalization: normalization?.buffer,
                least: least,
                following: change.buffer
            )
            try queue.ended(.update)
        }
        return sums
    }

    package func extrapolate(_ estimate: Field, from former: Field, momentum: Float) throws(DeconvolutionError) {
        check?.projected = nil
        try kernels.extrapolate(
            estimate.buffer,
            from: former.buffer,
            momentum: momentum,
            count: layout.domain.shape.voxelCount
        )
    }
}
