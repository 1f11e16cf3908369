/// The values that are shown black and white.
package struct DisplayWindow: Hashable, Sendable {
    /// Shown black, and all below it.
    package var black: Float
    /// Shown white, and all above it; larger than `black`.
    package var white: Float

    /// 1 %: the dark level is the background's.
    package static let standardLow = 0.01
    /// 99.8 %: a few hot pixels stay white.
    package static let standardHigh = 0.998

    /// A window from two values.
    package init(black: Float, white: Float) {
        self.black = black
        self.white = white
    }

    /// Black below the `low` fraction of an image's projection along z, and white above the `high` fraction.
    /// - Parameters:
    ///   - low: 0 … 1.
    ///   - high: more than `low`, to 1.
    ///   - projection: the largest value along each line; those that are not finite do not count.
    package init(
        of projection: [Float],
        low: Double = DisplayWindow.standardLow,
        high: Double = DisplayWindow.standardHigh
    ) {
        let step = Self.sampleStep(of: projection.count)
        self.init(
            sample: stride(from: 0, to: projection.count, by: step).map { projection[$0] },
            brightest: projection.filter(\.isFinite).max(),
            low: low,
            high: high
        )
    }

    /// As many pixels lie between two of the sample: a million give a percentile to a thousandth.
    static func sampleStep(of count: Int) -> Int { max(1, count / 1_000_000) }

    /// The window of a sample of a projection, of which all is known of its brightest value.
    init(sample: [Float], brightest: Float?, low: Double = standardLow, high: Double = standardHigh) {
        let sorted = sample.filter(\.isFinite).sorted()
        guard let darkest = sorted.first, let brightest else {
            self.init(black: 0, white: 1)
            return
        }
        let black = sorted[Int(low * Double(sorted.count - 1))]
        let white = sorted[Int((high * Double(sorted.count - 1)).rounded())]
        if black < white {
            self.init(black: black, white: white)
        } else if black < brightest {
            // So few pixels are bright that the percentile misses them: a point on a dark ground.
            self.init(black: black, white: brightest)
        } else {
            self.init(black: darkest, white: darkest + max(abs(darkest), 1))
        }
    }

    /// One that shows what this and another one show.
    package func union(_ other: DisplayWindow) -> DisplayWindow {
        DisplayWindow(black: min(black, other.black), white: max(white, other.white))
    }

    /// The same in values that a type has.
    package func rounded(to type: PixelType) -> DisplayWindow {
        let top: Float
        switch type {
        case .uint8: top = 255
        case .uint16: top = 65_535
        default: return self
        }
        let black = min(max(black.rounded(.toNearestOrEven), 0), top - 1)
        return DisplayWindow(black: black, white: max(min(white.rounded(.toNearestOrEven), top), black + 1))
    }
}

/// What finds the window of a volume while its planes come: their largest values along z, of no more pixels than the window needs.
package struct DisplayWindowSearch: Sendable {
    private let planeVoxelCount: Int
    private let step: Int
    /// The largest value of each pixel of the sample.
    private var sample: [Float]
    private var brightest = -Float.infinity

    /// The most bytes that a search takes: its sample, and that in order.
    package static func byteCount(planeVoxelCount: Int) -> Int {
        let step = DisplayWindow.sampleStep(of: planeVoxelCount)
        return 2 * (planeVoxelCount + step - 1) / step * MemoryLayout<Float>.stride
    }

    /// A search in a volume none of whose planes has come.
    package init(planeVoxelCount: Int) {
        self.planeVoxelCount = planeVoxelCount
        step = DisplayWindow.sampleStep(of: planeVoxelCount)
        sample = [Float](repeating: -.infinity, count: (planeVoxelCount + step - 1) / step)
    }

    /// Takes a plane, x fastest.
    package mutating func add(_ plane: UnsafeBufferPointer<Float>) {
        precondition(plane.count == planeVoxelCount, "a plane has \(planeVoxelCount) voxels")
        let step = step
        sample.withUnsafeMutableBufferPointer { sample in
            for index in 0..<sample.count {
                // False for NaN.
                let value = plane[index * step]
                if value > sample[index], value < .infinity { sample[index] = value }
            }
        }
        guard step > 1 else { return }
        typealias Lanes = SIMD16<Float>
        let whole = plane.count / Lanes.scalarCount * Lanes.scalarCount
        var high = Lanes(repeating: brightest)
        for start in stride(from: 0, to: whole, by: Lanes.scalarCount) {
            let values = UnsafeRawPointer(plane.baseAddress! + start).loadUnaligned(as: Lanes.self)
            high.replace(with: values, where: (values .> high) .& (values .< .infinity))
        }
        brightest = high.max()
        for value in plane[whole...] where value > brightest && value < .infinity { brightest = value }
    }

    /// The window of the planes so far, which are forgotten; nil where no voxel is finite.
    package mutating func takeWindow() -> DisplayWindow? {
        let brightest = step > 1 ? brightest : sample.max() ?? -.infinity
        defer {
            for index in sample.indices { sample[index] = -.infinity }
            self.brightest = -.infinity
        }
        return brightest > -.infinity ? DisplayWindow(sample: sample, brightest: brightest) : nil
    }
}
