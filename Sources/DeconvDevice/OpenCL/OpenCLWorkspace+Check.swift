import DeconvPlan
import DeconvVolume

/// What is known of the plans of a workspace that is checked while it computes.
///
/// Belongs to the workspace's thread.
final class PlanCheck {
    /// Multiplications that the sums of a check may take; with a PSF of 31x31x31 that is 70 places.
    static let mostProducts = 1 << 21
    /// Places that are looked at, however small or large the PSF is.
    static let placeCounts = 8...128
    /// Voxels that are fetched at a time.
    static let mostVoxels = 1 << 18
    /// By how much a projection may differ from the sum, relative to Σ|psf| times the largest value that is projected: thirty times
    /// what single precision leaves.
    static let tolerance = 2e-5

    /// Told of a failure before it is thrown.
    let failed: (DeconvolutionError) -> Void

    init(failed: @escaping (DeconvolutionError) -> Void) { self.failed = failed }

    /// Plans that had been made when projections were last found right, forward and adjoint.
    var seen = [false: -1, true: -1]
    /// Whether an update by what rows are transformed with was found right, without and with a normalization; it may come only
    /// after other updates.
    var seenUpdates: Set<Bool> = []
    /// The field whose projection the work volume holds, as long as the field has not changed.
    var projected: (field: OpenCLWorkspace.Field, adjoint: Bool)?
    /// What the back projection must be at some places of the domain.
    var expected: [Expectation] = []
    /// Checks that were made.
    private(set) var count = 0

    /// What a projection must be at a place.
    struct Expectation {
        var place: VolumeIndex
        var value: Double
        /// By how much it may be off.
        var tolerance: Double

        var least: Double { value - tolerance }
        var most: Double { value + tolerance }
    }

    /// Forgets what the work volume held.
    func forget() {
        projected = nil
        expected = []
    }

    /// A check went well.
    func passed(adjoint: Bool, planCount: Int) {
        seen[adjoint] = planCount
        count += 1
    }
}

/// What the plans of this workspace give for real data at some places, against sums on the host.
///
/// The trial of a library says that it can transform a shape; this, that the very plans that compute do: constants of theirs that
/// never arrived show in no status. Whatever plans a projection made or used for the first time, it is looked at once its voxels are
/// there. That takes no pass over the volume, but for the largest value of a ratio.
extension OpenCLWorkspace {
    /// Has everything checked from now on.
    /// - Parameter failed: told of a failure before it is thrown.
    func checkPlans(failed: @escaping (DeconvolutionError) -> Void) { check = PlanCheck(failed: failed) }

    /// Plans made so far.
    private var planCount: Int { transforms.planCount + (passes?.planCount ?? 0) }

    private func isDue(_ check: PlanCheck, adjoint: Bool) -> Bool { check.seen[adjoint] != planCount }

    // MARK: Forward

    /// Whether a forward projection will be looked at.
    var isProjectionDue: Bool { check.map { isDue($0, adjoint: false) } ?? false }

    /// Looks at what was made of the projection of a field: its comparison with the observed frame, in the work volume.
    /// - Parameter compared: the comparison for a projection, the observed voxel and its sensitivity.
    func checkComparison(
        _ compared: (_ projection: Double, _ recorded: Double, _ sensitivity: Double) -> Double
    ) throws(DeconvolutionError) {
        guard let check, let observed, let (field, adjoint) = check.projected, !adjoint else { return }
        check.projected = nil
        guard isDue(check, adjoint: false) else { return }
        let frame = layout.frame
        var largest: Float = 0
        var expectations = try expectations(in: frame, adjoint: false, field, &largest)
        func comparisonMisfit(_ expected: PlanCheck.Expectation) throws(DeconvolutionError) -> Misfit? {
            let place = VolumeIndex { expected.place[$0] - frame.origin[$0] }
            let index = (place.z * frame.shape.y + place.y) * frame.shape.x + place.x
            let f = try sensitivity.map { buffer throws(DeconvolutionError) in try queue.read(index, of: buffer) } ?? 1
            let recorded = Double(try queue.read(index, of: observed.voxels, layout.pixelType))
            func value(_ projection: Double) -> Double { compared(projection, recorded, Double(f)) }
            return misfit(
                try valueOfWork(at: expected.place),
                value(expected.least),
                value(expected.most),
                at: expected.place
            )
        }
        var found: Misfit?
        for expected in expectations where found == nil { found = try comparisonMisfit(expected) }
        if found != nil {
            // Somewhere else there may be far more light, of which single precision leaves traces everywhere.
            let more = try kernels.largestValue(of: field.buffer, layout.domain.shape)
            expectations = expectations.map { scaled($0, from: largest, to: more) }
            found = nil
            for expected in expectations where found == nil { found = try comparisonMisfit(expected) }
        }
        try settle(check, adjoint: false, found)
    }

    /// Looks at the projection of a field, whose voxels are in the work volume.
    func checkProjection() throws(DeconvolutionError) {
        guard let check, let (field, adjoint) = check.projected, isDue(check, adjoint: adjoint) else { return }
        check.projected = nil
        var largest: Float = 0
        let region = adjoint ? layout.mirroredFrame : layout.frame
        let expectations = try expectations(in: region, adjoint: adjoint, field, &largest)
        var found: Misfit?
        for expected in expectations where found == nil {
            found = try misfit(valueOfWork(at: expected.place), expected.least, expected.most, at: expected.place)
        }
        if found != nil {
            let more = try kernels.largestValue(of: field.buffer, layout.domain.shape)
            found = nil
            for expected in expectations.map({ scaled($0, from: largest, to: more) }) where found == nil {
                found = try misfit(valueOfWork(at: expected.place), expected.least, expected.most, at: expected.place)
            }
        }
        try settle(check, adjoint: adjoint, found)
    }

    // MARK: Back

    /// Sums what the back projection of the work volume must be, before it takes the place of what is projected.
    func expectBackProjection() throws(DeconvolutionError) {
        guard let check else { return }
        check.forget()
        guard isDue(check, adjoint: true) || !check.seenUpdates.contains(isNormalized) else { return }
        try finishRows()
        defer { forgetBox() }
        let frame = layout.frame
        let largest = try kernels.largestMagnitude(planes: frame.zRange, of: work, layout)
        var sampled: Float = 0
        let expectations = try expectations(in: layout.domain, adjoint: true, data: frame, &sampled) {
            (region) throws(DeconvolutionError) in try self.extractWork(region)
        }
        check.expected = expectations.map { scaled($0, from: sampled, to: largest) }
    }

    private var isNormalized: Bool { sensitivity != nil || layout.frame != layout.domain }

    /// Looks at a back projection that is in the work volume.
    func checkBackProjection() throws(DeconvolutionError) {
        guard let check, !check.expected.isEmpty else { return }
        let expectations = check.expected
        check.forget()
        var found: Misfit?
        for expected in expectations where found == nil {
            found = try misfit(valueOfWork(at: expected.place), expected.least, expected.most, at: expected.place)
        }
        try settle(check, adjoint: true, found)
    }

    /// The next update is none that rows are transformed with, so that back projections need not be summed for it.
    func leavesUpdatesUnseen() { check?.seenUpdates.insert(isNormalized) }

    /// Looks at an update.
    /// - Parameters:
    ///   - usesPlans: whether it may be one by what rows are transformed with.
    ///   - updated: the voxel after the update, for what it was, the projection, and the normalization or 1.
    ///   - update: updates the estimate.
    func checkUpdate(
        of estimate: Field,
        normalization: Field?,
        usesPlans: Bool,
        _ updated: (_ former: Double, _ projection: Double, _ weight: Double) -> Double,
        update: () throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) {
        guard let check, !check.expected.isEmpty else {
            check?.forget()
            return try update()
        }
        let expectations = check.expected
        check.forget()
        func value(_ place: VolumeIndex, of field: Field) throws(DeconvolutionError) -> Double {
            let shape = layout.domain.shape
            return Double(try queue.read((place.z * shape.y + place.y) * shape.x + place.x, of: field.buffer))
        }
        var before: [(value: Double, weight: Double)] = []
        for expected in expectations {
            let weight = try normalization.map { field throws(DeconvolutionError) in
                try value(expected.place, of: field)
            }
            before.append((try value(expected.place, of: estimate), weight ?? 1))
        }
        try update()
        var found: Misfit?
        for (expected, (former, weight)) in zip(expectations, before) where found == nil {
            let ends = (updated(former, expected.least, weight), updated(former, expected.most, weight))
            found = misfit(try value(expected.place, of: estimate), ends.0, ends.1, at: expected.place)
        }
        try settle(check, adjoint: true, found)
        if usesPlans { check.seenUpdates.insert(isNormalized) }
    }

    // MARK: Judging

    /// A value that it cannot be.
    private struct Misfit {
        let place: VolumeIndex
        let value: Double
        let wanted: Double
    }

    /// Whether a value lies between two ends.
    ///
    /// One that is no number may follow from data that are none, wherever they are, and is found when the result is read.
    private func misfit(_ value: Double, _ one: Double, _ other: Double, at place: VolumeIndex) -> Misfit? {
        guard one.isFinite, other.isFinite, !value.isNaN else { return nil }
        let rounding = PlanCheck.tolerance * max(abs(one), abs(other)) + 1e-30
        let fits = value >= min(one, other) - rounding && value <= max(one, other) + rounding
        return fits ? nil : Misfit(place: place, value: value, wanted: (one + other) / 2)
    }

    private func scaled(
        _ expected: PlanCheck.Expectation,
        from sampled: Float,
        to largest: Float
    ) -> PlanCheck.Expectation {
        var expected = expected
        if largest > sampled { expected.tolerance = toleranceOfProjections(of: largest) }
        return expected
    }

    private func toleranceOfProjections(of largest: Float) -> Double {
        PlanCheck.tolerance * Double(largest) * Double(psf.sum)
    }

    private func settle(_ check: PlanCheck, adjoint: Bool, _ misfit: Misfit?) throws(DeconvolutionError) {
        guard let misfit else { return check.passed(adjoint: adjoint, planCount: planCount) }
        let device = queue.context.name
        let other: FFTLibrary = fft == .clfft ? .vkfft : .clfft
        let wrong = WrongTransforms(
            description:
                "\(fft.name) gave \(Float(misfit.value)) where \(Float(misfit.wanted)) is right, at \(misfit.place) "
                + "of \(layout.domain.shape)"
        )
        let error = DeconvolutionError(
            .deviceFailed,
            "\(fft.name) gives wrong results on \(device): use \(.fft, other.rawValue), another \(.device), or "
                + "\(.backend, "cpu")",
            cause: wrong
        )
        check.failed(error)
        throw error
    }

    // MARK: Sums

    /// Places of a region: its last voxel and its first, where too few or too many transforms show, its middle, and others that are
    /// the same every time.
    func placesToCheck(in region: Region) -> [VolumeIndex] {
        let counts = PlanCheck.placeCounts
        let count = min(max(PlanCheck.mostProducts / psf.volume.shape.voxelCount, counts.lowerBound), counts.upperBound)
        func place(_ part: (Int) -> Int) -> VolumeIndex { VolumeIndex { region.origin[$0] + part($0) } }
        var places = [place { region.shape[$0] - 1 }, place { _ in 0 }, place { region.shape[$0] / 2 }]
        var state: UInt64 = 1
        while places.count < min(count, region.shape.voxelCount) {
            places.append(
                place { axis in
                    // Knuth's MMIX generator; its high bits are the random ones.
                    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    return Int(state >> 33) % region.shape[axis]
                }
            )
        }
        return places
    }

    private func expectations(
        in region: Region,
        adjoint: Bool,
        _ field: Field,
        _ largest: inout Float
    ) throws(DeconvolutionError) -> [PlanCheck.Expectation] {
        let shape = layout.domain.shape
        return try expectations(in: region, adjoint: adjoint, data: layout.domain, &largest) {
            (region) throws(DeconvolutionError) in
            try queue.read(region, from: field.buffer, rowPitch: shape.x, planePitch: shape.planeVoxelCount)
        }
    }

    /// What a projection must be at the places of a region.
    /// - Parameters:
    ///   - data: where there is something to project; it counts as 0 elsewhere.
    ///   - largest: becomes the largest absolute value that was read.
    ///   - read: gives the voxels of a region of `data`.
    private func expectations(
        in region: Region,
        adjoint: Bool,
        data: Region,
        _ largest: inout Float,
        reading read: (Region) throws(DeconvolutionError) -> [Float]
    ) throws(DeconvolutionError) -> [PlanCheck.Expectation] {
        var expectations: [PlanCheck.Expectation] = []
        for place in placesToCheck(in: region) {
            let value = try sum(at: place, adjoint: adjoint, data: data, &largest, reading: read)
            expectations.append(PlanCheck.Expectation(place: place, value: value, tolerance: 0))
        }
        let tolerance = toleranceOfProjections(of: largest)
        return expectations.map {
            PlanCheck.Expectation(place: $0.place, value: $0.value, tolerance: tolerance)
        }
    }

    /// Neighboring voxels of an axis with the values of the PSF that bring their light to a place, which follow each other up or
    /// down.
    private struct Run {
        var first: Int
        var count: Int
        var firstOfPSF: Int
    }

    private func runs(_ axis: Int, at place: Int, adjoint: Bool, data: Range<Int>) -> [Run] {
        let (length, size) = (psf.volume.shape[axis], layout.workShape[axis])
        var runs: [Run] = []
        // Downwards through the PSF where light comes from below, so that voxels follow each other upwards.
        for number in 0..<length {
            let index = adjoint ? number : length - 1 - number
            let offset = index - length / 2
            let voxel = (((place + (adjoint ? offset : -offset)) % size) + size) % size
            guard data.contains(voxel) else { continue }
            if let last = runs.last, last.first + last.count == voxel,
                last.firstOfPSF + (adjoint ? last.count : -last.count) == index
            {
                runs[runs.count - 1].count += 1
            } else {
                runs.append(Run(first: voxel, count: 1, firstOfPSF: index))
            }
        }
        return runs
    }

    /// Σ psf · data, as a projection has it at a place; the work volume has no ends.
    private func sum(
        at place: VolumeIndex,
        adjoint: Bool,
        data: Region,
        _ largest: inout Float,
        reading read: (Region) throws(DeconvolutionError) -> [Float]
    ) throws(DeconvolutionError) -> Double {
        let ranges = [data.zRange, data.yRange, data.xRange]
        let axes = (0..<3).map { runs($0, at: place[$0], adjoint: adjoint, data: ranges[$0]) }
        let step = adjoint ? 1 : -1
        var sum = 0.0
        for planes in axes[0] {
            for rows in axes[1] {
                for columns in axes[2] {
                    let most = max(PlanCheck.mostVoxels / (rows.count * columns.count), 1)
                    for first in stride(from: 0, to: planes.count, by: most) {
                        let region = Region(
                            origin: VolumeIndex(z: planes.first + first, y: rows.first, x: columns.first),
                            shape: VolumeShape(z: min(most, planes.count - first), y: rows.count, x: columns.count)
                        )
                        let values = try read(region)
                        let firstPlane = planes.firstOfPSF + step * first
                        for z in 0..<region.shape.z {
                            for y in 0..<rows.count {
                                let row = (firstPlane + step * z) * psf.volume.shape.y + rows.firstOfPSF + step * y
                                sum += dot(
                                    values,
                                    from: (z * rows.count + y) * columns.count,
                                    psf.volume.voxels,
                                    from: row * psf.volume.shape.x + columns.firstOfPSF,
                                    by: step,
                                    columns.count,
                                    &largest
                                )
                            }
                        }
                    }
                }
            }
        }
        return sum
    }

    private func dot(
        _ values: [Float],
        from first: Int,
        _ weights: [Float],
        from firstWeight: Int,
        by step: Int,
        _ count: Int,
        _ largest: inout Float
    ) -> Double {
        values.withUnsafeBufferPointer { values in
            weights.withUnsafeBufferPointer { weights in
                var (sum, most) = (0.0, largest)
                for number in 0..<count {
                    let value = values[first + number]
                    sum += Double(value) * Double(weights[firstWeight + step * number])
                    most = max(most, abs(value))
                }
                largest = most
                return sum
            }
        }
    }

    private func valueOfWork(at place: VolumeIndex) throws(DeconvolutionError) -> Double {
        let index = 2 * (place.z * layout.planePitch + place.y * layout.halfRow) + place.x
        return Double(try queue.read(index, of: work))
    }
}

extension CommandQueue {
    /// One value of a buffer.
    fileprivate func read(
        _ index: Int,
        of buffer: DeviceBuffer,
        _ type: PixelType = .float32
    ) throws(DeconvolutionError) -> Float {
        switch type {
        case .uint8: Float(try read(1, of: UInt8.self, from: buffer, at: index)[0])
        case .uint16: Float(try read(1, of: UInt16.self, from: buffer, at: index * 2)[0])
        default: try read(1, of: Float.self, from: buffer, at: index * 4)[0]
        }
    }
}
