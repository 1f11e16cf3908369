import DeconvVolume

/// What is tried of a library's transforms before an image is trusted to them.
extension OpenCLWorkspace {
    /// By how much a voxel may differ from what it must be; the light of a point is at most 3.
    private static let tolerance: Float = 1e-4

    /// Light of a point and where it lies; or what a PSF of the trial does, which moves that part of the light so far.
    private struct Point {
        var place: VolumeIndex
        var value: Float
    }

    /// Whether PSFs that move light by one voxel do that to a few points, their adjoints move it back, and an update by the ratio
    /// is right; once to one side, which takes a complex transfer function, and once to both sides, for which it is real.
    ///
    /// Whole planes are looked at, so that light in wrong places is found as well. Takes one field and an observed frame, or
    /// one field alone where fields are only projected: no more than what it is tried for. Leaves a PSF that is of no use.
    func movesPoints() throws(DeconvolutionError) -> Bool {
        let step = VolumeIndex { layout.frame.shape[$0] > 1 ? 1 : 0 }
        let back = VolumeIndex { -step[$0] }
        let field = try makeField()
        // Where all is estimated that is seen, volumes with a sensitivity have a normalization and others have none.
        let extends = layout.frame != layout.domain
        for (moves, isNormalized) in [
            ([Point(place: step, value: 1)], extends),
            ([Point(place: step, value: 0.5), Point(place: back, value: 0.5)], true),
        ] {
            try setPSF(of: moves, step)
            guard try projects(field, moves) else { return false }
            guard !layout.isOnlyProjected else { continue }
            let updates = try updates(field, moves, isNormalized: isNormalized)
            forgetObserved()
            guard updates else { return false }
        }
        return true
    }

    /// Seconds that an update takes with all that belongs to it, or a forward and a back projection where fields are only
    /// projected: the least of a few. Leaves a PSF that is of no use.
    func secondsOfUpdate() throws(DeconvolutionError) -> Double {
        let step = VolumeIndex { layout.frame.shape[$0] > 1 ? 1 : 0 }
        try setPSF(of: [Point(place: step, value: 1)], step)
        let field = try makeField()
        let normalization: Field? = layout.isOnlyProjected || layout.frame == layout.domain ? nil : try makeField()
        if let normalization { try fill(normalization, with: 1) }
        if !layout.isOnlyProjected { try setObservedOnes() }
        defer { forgetObserved() }
        let clock = ContinuousClock()
        var least = Double.infinity
        // The first round makes plans.
        for round in 0...3 {
            try fill(field, with: 1)
            try synchronize()
            let started = clock.now
            try forwardProject(field)
            if layout.isOnlyProjected {
                try finishRows()
                try backProject(field)
                try finishRows()
            } else {
                _ = try takeRatio(Self.plainRatio, measuring: nil)
                try backProject()
                try multiply(field, byWorkAnd: normalization, least: 0, projectingNext: true)
            }
            try synchronize()
            if round > 0 { least = min(least, (clock.now - started) / .seconds(1)) }
        }
        return least
    }

    private static let plainRatio = RatioConstants(background: 0, readNoiseVariance: 0, floor: 1)

    private func setObservedOnes() throws(DeconvolutionError) {
        try setObserved { region throws(DeconvolutionError) in .ones(region.shape.voxelCount, layout.pixelType) }
    }

    private func setPSF(of moves: [Point], _ step: VolumeIndex) throws(DeconvolutionError) {
        let shape = VolumeShape { 2 * step[$0] + 1 }
        var psf = [Float](repeating: 0, count: shape.voxelCount)
        for move in moves {
            let place = VolumeIndex { step[$0] + move.place[$0] }
            psf[(place.z * shape.y + place.y) * shape.x + place.x] += move.value
        }
        try setPSF(psf, shape: shape)
    }

    /// Puts the same few points into a field and gives them.
    private func setPoints(in field: Field) throws(DeconvolutionError) -> [Point] {
        let frame = layout.frame
        /// A place in the frame, off its ends where there is room.
        func place(_ part: (Int) -> Int) -> VolumeIndex {
            VolumeIndex { axis in
                let margin = frame.shape[axis] > 2 ? 1 : 0
                return frame.origin[axis] + margin + part(frame.shape[axis] - 1 - 2 * margin)
            }
        }
        // Where places coincide, the last value stands.
        var values: [VolumeIndex: Float] = [:]
        for (number, place) in [place { _ in 0 }, place { $0 / 3 }, place { $0 }].enumerated() {
            values[place] = Float(number + 1)
        }
        try fill(field, with: 0)
        for (place, value) in values { try set(field, at: place, to: value) }
        return values.map { Point(place: $0.key, value: $0.value) }
    }

    /// Where light goes, or with −1 for `direction` where it comes from; the work volume has no ends.
    private func moved(_ points: [Point], by moves: [Point], direction: Int = 1) -> [Point] {
        let size = layout.workShape
        return points.flatMap { point in
            moves.map { move in
                let place = VolumeIndex {
                    (point.place[$0] + direction * move.place[$0] + size[$0]) % size[$0]
                }
                return Point(place: place, value: point.value * move.value)
            }
        }
    }

    /// Whether points are moved there and back.
    private func projects(_ field: Field, _ moves: [Point]) throws(DeconvolutionError) -> Bool {
        // No plan has room for it beside a frame.
        defer { forgetBox() }
        let points = try setPoints(in: field)
        try forwardProject(field)
        guard try holds(moved(points, by: moves), in: layout.frame) else { return false }
        try backProject(field)
        return try holds(moved(points, by: moves, direction: -1), in: layout.mirroredFrame)
    }

    /// Whether the work volume has these points in a region and no other light, in the planes where they are.
    private func holds(_ points: [Point], in region: Region) throws(DeconvolutionError) -> Bool {
        for z in Set(points.map(\.place.z)).intersection(region.zRange) {
            let plane = region.plane(z)
            var expected = [Float](repeating: 0, count: plane.shape.voxelCount)
            add(points, to: &expected, plane)
            guard try isNear(downloadWork(plane), expected) else { return false }
        }
        return true
    }

    /// Whether an update by a frame of ones gives the back projection of the ratio, which is 1 on the frame but for the places
    /// to which points were moved: times 1, or times the field's own ½ and that of a normalization, for which the same field
    /// stands.
    private func updates(
        _ field: Field,
        _ moves: [Point],
        isNormalized: Bool
    ) throws(DeconvolutionError) -> Bool {
        let (frame, domain) = (layout.frame, layout.domain)
        let ranges = [frame.zRange, frame.yRange, frame.xRange]
        let points = try setPoints(in: field)
        try setObservedOnes()
        try forwardProject(field)
        _ = try takeRatio(Self.plainRatio, measuring: nil)
        try backProject()
        try fill(field, with: isNormalized ? 0.5 : 1)
        let weight: Float = isNormalized ? 0.25 : 1
        try multiply(field, byWorkAnd: isNormalized ? field : nil, least: 0, projectingNext: false)

        var projection: [VolumeIndex: Float] = [:]
        for point in moved(points, by: moves) where frame.holds(point.place) {
            projection[point.place, default: 0] += point.value
        }
        let changes = projection.map { Point(place: $0.key, value: weight * (1 / max($0.value, 1) - 1)) }
        for z in Set([0, domain.shape.z - 1] + points.map(\.place.z)) {
            let plane = domain.plane(z)
            var expected = [Float](repeating: 0, count: plane.shape.voxelCount)
            for move in moves {
                // The frame as it is seen from where its light comes.
                func isInside(_ axis: Int, _ range: Range<Int>) -> [Bool] {
                    let size = layout.workShape[axis]
                    return range.map { ranges[axis].contains(($0 + move.place[axis] + size) % size) }
                }
                guard isInside(0, plane.zRange)[0] else { continue }
                let rows = isInside(1, plane.yRange)
                let columns = isInside(2, plane.xRange)
                for y in rows.indices where rows[y] {
                    for x in columns.indices where columns[x] { expected[y * columns.count + x] += weight * move.value }
                }
            }
            add(moved(changes, by: moves, direction: -1), to: &expected, plane)
            guard try isNear(download(field, region: plane), expected) else { return false }
        }
        return true
    }

    private func add(_ points: [Point], to values: inout [Float], _ plane: Region) {
        for point in points where plane.holds(point.place) {
            values[(point.place.y - plane.origin.y) * plane.shape.x + point.place.x - plane.origin.x] += point.value
        }
    }

    private func isNear(_ values: [Float], _ expected: [Float]) -> Bool {
        // Also false where a value is no number.
        zip(values, expected).allSatisfy { abs($0 - $1) <= Self.tolerance }
    }
}

extension Region {
    fileprivate func holds(_ place: VolumeIndex) -> Bool {
        zRange.contains(place.z) && yRange.contains(place.y) && xRange.contains(place.x)
    }

    fileprivate func plane(_ z: Int) -> Region {
        Region(
            origin: VolumeIndex(z: z, y: origin.y, x: origin.x),
            shape: VolumeShape(z: 1, y: shape.y, x: shape.x)
        )
    }
}

extension VoxelData {
    fileprivate static func ones(_ count: Int, _ type: PixelType) -> VoxelData {
        switch type {
        case .uint8: .uint8([UInt8](repeating: 1, count: count))
        case .uint16: .uint16([UInt16](repeating: 1, count: count))
        default: .float32([Float](repeating: 1, count: count))
        }
    }
}
