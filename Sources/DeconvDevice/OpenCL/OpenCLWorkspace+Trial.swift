import DeconvVolume

/// What is tried of a library's transforms before an image is trusted to them.
extension OpenCLWorkspace {
    /// Part of a value by which a moved point may differ from it.
    private static let tolerance: Float = 1e-4

    /// Whether a PSF that moves light by one voxel does that to a few points, and its adjoint moves them back.
    ///
    /// Whole planes are looked at, so that light in wrong places is found as well. Leaves a PSF that is of no use.
    func movesPoints() throws(DeconvolutionError) -> Bool {
        let frame = layout.frame
        let step = VolumeIndex { frame.shape[$0] > 1 ? 1 : 0 }
        let psfShape = VolumeShape { 2 * step[$0] + 1 }
        var psf = [Float](repeating: 0, count: psfShape.voxelCount)
        // The last voxel: one step after the centre along every axis that has one.
        psf[psf.count - 1] = 1
        try setPSF(psf, shape: psfShape)
        let field = try makeField()
        let isForwardRight = try movesPoints(field, in: frame, by: step) { (field) throws(DeconvolutionError) in
            try forwardProject(field)
        }
        let isAdjointRight = try movesPoints(
            field,
            in: layout.mirroredFrame,
            by: VolumeIndex { -step[$0] }
        ) { (field) throws(DeconvolutionError) in try backProject(field) }
        forget(field)
        return isForwardRight && isAdjointRight
    }

    private func movesPoints(
        _ field: Field,
        in readable: Region,
        by step: VolumeIndex,
        _ project: (Field) throws(DeconvolutionError) -> Void
    ) throws(DeconvolutionError) -> Bool {
        /// A place of the readable region to which light can be moved.
        func place(_ part: (Int) -> Int) -> VolumeIndex {
            VolumeIndex { axis in
                let least = max(step[axis], 0)
                let last = readable.shape[axis] - 1 + min(step[axis], 0)
                return readable.origin[axis] + least + part(last - least)
            }
        }
        let places = [place { _ in 0 }, place { $0 / 3 }, place { $0 }]
        var expected: [[Int]: Float] = [:]
        try fill(field, with: 0)
        for (number, place) in places.enumerated() {
            let value = Float(number + 1)
            let source = VolumeIndex { place[$0] - step[$0] }
            try set(field, at: source, to: value)
            // Where places coincide, the last value stands, in the field as here.
            expected[[place.z, place.y, place.x]] = value
        }
        try project(field)
        for z in Set(places.map(\.z)) {
            let plane = Region(
                origin: VolumeIndex(z: z, y: readable.origin.y, x: readable.origin.x),
                shape: VolumeShape(z: 1, y: readable.shape.y, x: readable.shape.x)
            )
            let values = try downloadWork(plane)
            var index = 0
            for y in plane.yRange {
                for x in plane.xRange {
                    let difference = abs(values[index] - (expected[[z, y, x]] ?? 0))
                    // Also false where it is no number.
                    guard difference <= Self.tolerance else { return false }
                    index += 1
                }
            }
        }
        return true
    }

    /// Seconds that a forward and a back projection take, the least of a few.
    func secondsOfConvolutions() throws(DeconvolutionError) -> Double {
        let field = try makeField()
        defer { forget(field) }
        try fill(field, with: 1)
        return try measureTransforms(field, count: 3).min()!
    }
}
