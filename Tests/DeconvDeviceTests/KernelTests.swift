import DeconvDevice
import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Glibc
import Testing

/// Every OpenCL kernel beside a plain loop, over shapes of 1, odd and prime lengths and one more than a work-group.
@Suite struct KernelTests {
    /// A work volume with a domain and a frame inside it.
    struct Case: Sendable, CustomStringConvertible {
        let layout: WorkspaceLayout
        let support: Region
        var description: String { "work \(layout.workShape), domain \(layout.domain.shape), frame \(layout.frame)" }

        init(work: [Int], domain: [Int], frame: [Int], at origin: [Int], support: [Int], at start: [Int]) {
            let domain = Region(VolumeShape { domain[$0] })
            let frame = Region(origin: VolumeIndex { origin[$0] }, shape: VolumeShape { frame[$0] })
            self.support = Region(origin: VolumeIndex { start[$0] }, shape: VolumeShape { support[$0] })
            let geometry = WorkGeometry(
                workShape: VolumeShape { work[$0] },
                frame: frame,
                domain: domain,
                wraps: false
            )
            layout = WorkspaceLayout(geometry, pixelType: .float32)
        }
    }

    static let cases = [
        Case(
            work: [1, 1, 1],
            domain: [1, 1, 1],
            frame: [1, 1, 1],
            at: [0, 0, 0],
            support: [1, 1, 1],
            at: [0, 0, 0]
        ),
        Case(
            work: [5, 7, 12],
            domain: [4, 6, 11],
            frame: [2, 3, 5],
            at: [1, 2, 3],
            support: [3, 3, 9],
            at: [1, 2, 1]
        ),
        Case(
            work: [3, 2, 257],
            domain: [3, 2, 257],
            frame: [3, 1, 256],
            at: [0, 1, 1],
            support: [3, 2, 256],
            at: [0, 0, 1]
        ),
        Case(
            work: [1, 257, 3],
            domain: [1, 251, 2],
            frame: [1, 241, 1],
            at: [0, 4, 1],
            support: [1, 248, 1],
            at: [0, 3, 1]
        ),
        Case(
            work: [257, 1, 2],
            domain: [251, 1, 2],
            frame: [7, 1, 2],
            at: [13, 0, 0],
            support: [250, 1, 2],
            at: [1, 0, 0]
        ),
        // More voxels than one round of a reduction's work-groups takes.
        Case(
            work: [19, 85, 98],
            domain: [17, 83, 97],
            frame: [16, 83, 97],
            at: [1, 0, 0],
            support: [17, 83, 97],
            at: [0, 0, 0]
        ),
    ]

    static let devices = OpenCLDevice.all.indices

    /// The kernels of one device, and buffers of one layout.
    private final class Bench {
        /// One a device: a new context has its kernels to build.
        private static let contexts = OpenCLDevice.all.map { device in Result { try OpenCLContext(device) } }

        let layout: WorkspaceLayout
        let queue: CommandQueue
        let context: OpenCLContext
        let kernels: KernelTable
        var rowPitch: Int { 2 * layout.halfRow }
        var planePitch: Int { 2 * layout.planePitch }
        var workCount: Int { 2 * layout.spectrumCount }

        init(_ device: Int, _ layout: WorkspaceLayout, _ type: PixelType = .float32) throws {
            self.layout = layout
            context = try Self.contexts[device].get()
            queue = try CommandQueue(context)
            kernels = try KernelTable(for: type, on: queue)
        }

        func buffer<T: BitwiseCopyable>(_ values: [T]) throws -> DeviceBuffer {
            let buffer = try DeviceBuffer(byteCount: values.count * MemoryLayout<T>.stride, in: context)
            try values.withUnsafeBytes { try queue.write($0, to: buffer) }
            return buffer
        }

        func floats(_ count: Int, in buffer: DeviceBuffer) throws -> [Float] {
            try queue.read(count, of: Float.self, from: buffer)
        }

        /// Calls `body` with the position of every voxel of a shape in its field and in the work volume.
        func forEach(_ shape: VolumeShape, _ body: (_ z: Int, _ y: Int, _ x: Int, _ field: Int, _ work: Int) -> Void) {
            for z in 0..<shape.z {
                for y in 0..<shape.y {
                    for x in 0..<shape.x {
                        body(z, y, x, (z * shape.y + y) * shape.x + x, z * planePitch + y * rowPitch + x)
                    }
                }
            }
        }

        /// Calls `body` for every float of the rows of some planes, the room beyond the voxels included.
        func forEachRowFloat(of planes: Range<Int>, _ body: (_ z: Int, _ y: Int, _ x: Int, _ work: Int) -> Void) {
            for z in planes {
                for y in 0..<layout.workShape.y {
                    for x in 0..<rowPitch { body(z, y, x, z * planePitch + y * rowPitch + x) }
                }
            }
        }
    }

    /// Numbers from −1 to 2 with zeros among them.
    private func mixed(_ count: Int, seed: UInt64) -> [Float] {
        TestImage.random(count, seed: seed).enumerated().map { $0.offset % 7 == 3 ? 0 : 3 * $0.element - 1 }
    }

    private func expectEqual(
        _ a: [Float],
        _ b: [Float],
        relative: Float = 0,
        _ location: SourceLocation = #_sourceLocation
    ) {
        #expect(a.count == b.count, sourceLocation: location)
        let wrong = zip(a, b).enumerated().first { _, pair in
            !(abs(pair.0 - pair.1) <= relative * abs(pair.1)) && pair.0.bitPattern != pair.1.bitPattern
        }
        if let wrong { Issue.record("at \(wrong.offset): \(wrong.element)", sourceLocation: location) }
    }

    @Test(arguments: devices, cases)
    func embedFieldPadsWithZeros(device: Int, sizes: Case) throws {
        let bench = try Bench(device, sizes.layout)
        let shape = bench.layout.domain.shape
        let field = mixed(shape.voxelCount, seed: 1)
        var expected = mixed(bench.workCount, seed: 2)
        let work = try bench.buffer(expected)
        try bench.kernels.embedField(bench.buffer(field), into: work, bench.layout)
        bench.forEachRowFloat(of: 0..<shape.z) { _, _, _, work in expected[work] = 0 }
        bench.forEach(shape) { _, _, _, voxel, work in expected[work] = field[voxel] }
        expectEqual(try bench.floats(bench.workCount, in: work), expected)
    }

    @Test(arguments: devices, cases)
    func embedPSFPutsTheCenterOnTheFirstVoxelAndWraps(device: Int, sizes: Case) throws {
        let bench = try Bench(device, sizes.layout)
        let size = bench.layout.workShape
        for shape in [VolumeShape(z: 1, y: 1, x: 1), VolumeShape(z: 4, y: 5, x: 6), VolumeShape(z: 7, y: 3, x: 29)] {
            let psf = TestImage.random(shape.voxelCount, seed: 3)
            var expected = mixed(bench.workCount, seed: 4)
            let work = try bench.buffer(expected)
            try bench.kernels.embedPSF(bench.buffer(psf), shape: shape, into: work, bench.layout)
            bench.forEachRowFloat(of: 0..<size.z) { _, _, _, work in expected[work] = 0 }
            for z in 0..<shape.z {
                for y in 0..<shape.y {
                    for x in 0..<shape.x {
                        let position = zip([z, y, x], shape.axes).map { $0 - $1 / 2 }
                        let wrapped = zip(position, size.axes).map { (($0 % $1) + $1) % $1 }
                        let target = wrapped[0] * bench.planePitch + wrapped[1] * bench.rowPitch + wrapped[2]
                        expected[target] += psf[(z * shape.y + y) * shape.x + x]
                    }
                }
            }
            expectEqual(try bench.floats(bench.workCount, in: work), expected, relative: 1e-5)
        }
    }

    @Test(arguments: devices, cases)
    func extractBoxTakesTheRegionWithoutGaps(device: Int, sizes: Case) throws {
        let bench = try Bench(device, sizes.layout)
        let values = mixed(bench.workCount, seed: 1)
        let box = try bench.buffer(mixed(sizes.support.shape.voxelCount, seed: 2))
        try bench.kernels.extractBox(sizes.support, of: bench.buffer(values), bench.layout, into: box)
        var expected: [Float] = []
        bench.forEach(bench.layout.domain.shape) { z, y, x, _, work in
            if sizes.support.contains(z, y, x) { expected.append(values[work]) }
        }
        expectEqual(try bench.floats(expected.count, in: box), expected)
    }

    @Test(arguments: devices, cases)
    func fillFromObservedTakesTheFrame(device: Int, sizes: Case) throws {
        let bench = try Bench(device, sizes.layout)
        let (shape, frame) = (bench.layout.domain.shape, bench.layout.frame)
        let observed = mixed(frame.shape.voxelCount, seed: 1)
        for sensitivity in sensitivities(frame) {
            let field = try bench.buffer(mixed(shape.voxelCount, seed: 2))
            try bench.kernels.fillFromObserved(
                field,
                bench.buffer(observed),
                sensitivity: sensitivity.map { try bench.buffer($0) },
                bench.layout,
                offset: 0.5,
                least: 0.25,
                outside: 7
            )
            var expected = [Float](repeating: 7, count: shape.voxelCount)
            bench.forEach(shape) { z, y, x, voxel, _ in
                guard frame.contains(z, y, x) else { return }
                let f = sensitivity?[frame.offset(z, y, x)] ?? 1
                if f > 0 { expected[voxel] = max((observed[frame.offset(z, y, x)] - 0.5) / f, 0.25) }
            }
            expectEqual(try bench.floats(shape.voxelCount, in: field), expected, relative: 1e-6)
        }
    }

    @Test(arguments: devices, cases)
    func fillWorkClearsTheRestOfItsPlanes(device: Int, sizes: Case) throws {
        let bench = try Bench(device, sizes.layout)
        let frame = bench.layout.frame
        for sensitivity in sensitivities(frame) {
            var expected = mixed(bench.workCount, seed: 1)
            let work = try bench.buffer(expected)
            let buffer = try sensitivity.map { try bench.buffer($0) }
            try bench.kernels.fillWork(work, bench.layout, sensitivity: buffer)
            bench.forEachRowFloat(of: frame.zRange) { z, y, x, work in
                expected[work] = frame.contains(z, y, x) ? sensitivity?[frame.offset(z, y, x)] ?? 1 : 0
            }
            expectEqual(try bench.floats(bench.workCount, in: work), expected)
        }
    }

    @Test(arguments: devices, cases)
    func complementWorkIsOneLessTheDomain(device: Int, sizes: Case) throws {
        let bench = try Bench(device, sizes.layout)
        var expected = mixed(bench.workCount, seed: 1)
        let work = try bench.buffer(expected)
        try bench.kernels.complementWork(work, bench.layout)
        bench.forEach(bench.layout.domain.shape) { _, _, _, _, work in expected[work] = 1 - expected[work] }
        expectEqual(try bench.floats(bench.workCount, in: work), expected)
    }

    @Test(arguments: devices, [1, 31, 256, 257, 1009])
    func spectraAreScaledAndMultiplied(device: Int, count: Int) throws {
        let bench = try Bench(device, Self.cases[0].layout)
        let (a, b) = (mixed(2 * count, seed: 1), mixed(2 * count, seed: 2))
        // Values beyond `count` stay as they are.
        let beyond: [Float] = [5, 6]
        let (source, target) = try (bench.buffer(a), bench.buffer(b + beyond))
        try bench.kernels.scaleSpectrum(source, into: target, by: 0.125, count: count)
        expectEqual(try bench.floats(2 * count + 2, in: target), a.map { $0 * 0.125 } + beyond)

        for conjugate in [false, true] {
            let spectrum = try bench.buffer(a + beyond)
            try bench.kernels.complexMultiply(spectrum, by: bench.buffer(b), conjugate: conjugate, count: count)
            let product = try bench.floats(2 * count + 2, in: spectrum)
            let sign: Float = conjugate ? -1 : 1
            for index in 0..<count {
                let (p, q) = ((a[2 * index], a[2 * index + 1]), (b[2 * index], sign * b[2 * index + 1]))
                #expect(abs(product[2 * index] - (p.0 * q.0 - p.1 * q.1)) < 2e-6)
                #expect(abs(product[2 * index + 1] - (p.0 * q.1 + p.1 * q.0)) < 2e-6)
            }
            #expect(product.suffix(2) == beyond[...])
        }
    }

    @Test(arguments: devices, [1, 31, 256, 257, 1009])
    func realTransferFunctionsAreTakenAndMultiplied(device: Int, count: Int) throws {
        let bench = try Bench(device, Self.cases[0].layout)
        let a = mixed(2 * count, seed: 1)
        let beyond: [Float] = [5, 6]
        let source = try bench.buffer(a + beyond)
        let real = try bench.buffer(mixed(count, seed: 2) + beyond)
        try bench.kernels.realPart(of: source, into: real, by: 0.125, count: count)
        let parts = (0..<count).map { a[2 * $0] * 0.125 }
        expectEqual(try bench.floats(count + 2, in: real), parts + beyond)
        try bench.kernels.realMultiply(source, by: real, count: count)
        let product = a.indices.map { a[$0] * parts[$0 / 2] }
        expectEqual(try bench.floats(2 * count + 2, in: source), product + beyond)
    }

    /// The last count is more than one round of a reduction's work-groups takes.
    @Test(arguments: devices, [1, 31, 256, 257, 1009, 140_001])
    func largestImaginaryIsThatOfALoop(device: Int, count: Int) throws {
        let bench = try Bench(device, Self.cases[0].layout)
        let spectrum = mixed(2 * count, seed: 5)
        // What lies beyond the spectrum does not count.
        let buffer = try bench.buffer(spectrum + [100, 100])
        let expected = (0..<count).map { abs(spectrum[2 * $0 + 1]) }.max()
        #expect(try bench.kernels.largestImaginary(buffer, count: count) == expected)
    }

    /// More planes than NVIDIA's drivers take work-groups along an axis.
    @Test(arguments: devices)
    func kernelsReachEveryPlaneOfATallVolume(device: Int) throws {
        let sizes = Case(
            work: [65_541, 1, 2],
            domain: [65_539, 1, 2],
            frame: [3, 1, 2],
            at: [0, 0, 0],
            support: [1, 1, 1],
            at: [0, 0, 0]
        )
        let bench = try Bench(device, sizes.layout)
        var expected = mixed(bench.workCount, seed: 1)
        let work = try bench.buffer(expected)
        try bench.kernels.complementWork(work, bench.layout)
        bench.forEach(bench.layout.domain.shape) { _, _, _, _, work in expected[work] = 1 - expected[work] }
        #expect(try bench.floats(bench.workCount, in: work) == expected)
    }

    @Test(arguments: devices, cases)
    func takeRatioIsZeroOutsideTheFrame(device: Int, sizes: Case) throws {
        for type in [PixelType.uint8, .uint16, .float32] {
            let bench = try Bench(device, sizes.layout, type)
            let frame = bench.layout.frame
            let (observed, buffer) = try observed(type, frame.shape.voxelCount, bench)
            let constants = RatioConstants(offset: 0.75, background: 0.5, readNoiseVariance: 0.25, floor: 0.125)
            for sensitivity in sensitivities(frame) {
                var expected = mixed(bench.workCount, seed: 1)
                let work = try bench.buffer(expected)
                let weights = try sensitivity.map { try bench.buffer($0) }
                try bench.kernels.takeRatio(buffer, sensitivity: weights, work, bench.layout, constants)
                bench.forEachRowFloat(of: frame.zRange) { z, y, x, work in
                    var ratio: Float = 0
                    if frame.contains(z, y, x) {
                        let f = sensitivity?[frame.offset(z, y, x)] ?? 1
                        let model = max(f * expected[work] + 0.5 + 0.25, 0.125)
                        ratio = f * (max(observed[frame.offset(z, y, x)], 0) - 0.75 + 0.25) / model
                    }
                    expected[work] = ratio
                }
                expectEqual(try bench.floats(bench.workCount, in: work), expected, relative: 2e-6)
            }
        }
    }

    @Test(arguments: devices, cases)
    func takeDifferenceIsZeroOutsideTheFrame(device: Int, sizes: Case) throws {
        for type in [PixelType.uint8, .uint16, .float32] {
            let bench = try Bench(device, sizes.layout, type)
            let frame = bench.layout.frame
            let (observed, buffer) = try observed(type, frame.shape.voxelCount, bench)
            for sensitivity in sensitivities(frame) {
                var expected = mixed(bench.workCount, seed: 1)
                let work = try bench.buffer(expected)
                let weights = try sensitivity.map { try bench.buffer($0) }
                try bench.kernels.takeDifference(
                    buffer,
                    sensitivity: weights,
                    work,
                    bench.layout,
                    DifferenceConstants(background: 0.5, floor: 0.125)
                )
                bench.forEachRowFloat(of: frame.zRange) { z, y, x, work in
                    var difference: Float = 0
                    if frame.contains(z, y, x) {
                        let f = sensitivity?[frame.offset(z, y, x)] ?? 1
                        difference = f * (observed[frame.offset(z, y, x)] - 0.5 - f * expected[work])
                    }
                    expected[work] = difference
                }
                let result = try bench.floats(bench.workCount, in: work)
                #expect(zip(result, expected).allSatisfy { abs($0 - $1) <= 2e-6 * max(abs($1), 1) })
            }
        }
    }

    @Test(arguments: devices, cases)
    func differencesMayBeRelativeToWhatIsExpected(device: Int, sizes: Case) throws {
        for type in [PixelType.uint8, .float32] {
            let bench = try Bench(device, sizes.layout, type)
            let frame = bench.layout.frame
            let (observed, buffer) = try observed(type, frame.shape.voxelCount, bench)
            for sensitivity in sensitivities(frame) {
                var expected = mixed(bench.workCount, seed: 1)
                let work = try bench.buffer(expected)
                let weights = try sensitivity.map { try bench.buffer($0) }
                let constants = DifferenceConstants(background: 0.5, floor: 0.125, scale: 1.25, relativeTo: 0.25)
                try bench.kernels.takeDifference(buffer, sensitivity: weights, work, bench.layout, constants)
                bench.forEachRowFloat(of: frame.zRange) { z, y, x, work in
                    var difference: Float = 0
                    if frame.contains(z, y, x) {
                        let f = sensitivity?[frame.offset(z, y, x)] ?? 1
                        let model = 1.25 * f * expected[work] + 0.5
                        difference = f * (max(observed[frame.offset(z, y, x)], 0) - model) / max(model + 0.25, 0.125)
                        if f == 0 { difference = 0 }
                    }
                    expected[work] = difference
                }
                let result = try bench.floats(bench.workCount, in: work)
                #expect(zip(result, expected).allSatisfy { abs($0 - $1) <= 4e-6 * max(abs($1), 1) })
            }
        }
    }

    @Test(arguments: devices, cases)
    func projectionsAreSummedOnTheFrame(device: Int, sizes: Case) throws {
        let bench = try Bench(device, sizes.layout)
        let frame = bench.layout.frame
        let values = mixed(bench.workCount, seed: 1)
        let work = try bench.buffer(values)
        for sensitivity in sensitivities(frame) {
            var (expected, size) = (0.0, 0.0)
            bench.forEachRowFloat(of: frame.zRange) { z, y, x, work in
                guard frame.contains(z, y, x) else { return }
                let term = Double(sensitivity?[frame.offset(z, y, x)] ?? 1) * Double(values[work])
                expected += term
                size += abs(term)
            }
            let weights = try sensitivity.map { try bench.buffer($0) }
            let sum = try bench.kernels.sumProjection(sensitivity: weights, work, bench.layout)
            #expect(abs(sum - expected) <= 1e-6 * size)
        }
    }

    @Test(arguments: devices, cases)
    func addToEstimateLeavesNothingBelowZero(device: Int, sizes: Case) throws {
        let bench = try Bench(device, sizes.layout)
        let shape = bench.layout.domain.shape
        let values = mixed(bench.workCount, seed: 1)
        let before = TestImage.random(shape.voxelCount, seed: 3)
        let (estimate, work) = try (bench.buffer(before), bench.buffer(values))
        try bench.kernels.addToEstimate(estimate, work, bench.layout, factor: 1.75)
        var expected = before
        bench.forEach(shape) { _, _, _, voxel, work in
            expected[voxel] = max(expected[voxel] + 1.75 * values[work], 0)
        }
        let result = try bench.floats(shape.voxelCount, in: estimate)
        #expect(zip(result, expected).allSatisfy { abs($0 - $1) <= 1e-6 && $0 >= 0 })
    }

    @Test(arguments: devices, cases)
    func transferFunctionsAreInverted(device: Int, sizes: Case) throws {
        let bench = try Bench(device, sizes.layout)
        let (layout, shape) = (bench.layout, bench.layout.workShape)
        let (count, size) = (layout.spectrumCount, Float(shape.voxelCount))
        let beyond: [Float] = [5, 6]
        let a = mixed(2 * count, seed: 1).map { $0 / size }
        for filter in [
            InverseFilter(noise: 0.25), InverseFilter(noise: 0.1, smoothness: 0.3, rates: SIMD3(0.4, 0.8, 1)),
        ] {
            func inverse(_ otf: [Float], isReal: Bool) throws -> [Float] {
                let buffer = try bench.buffer(otf + beyond)
                try bench.kernels.invertOTF(buffer, isReal: isReal, filter, layout)
                return try bench.floats(otf.count + 2, in: buffer)
            }
            let (noise, smoothness) = (Double(filter.noise), Double(filter.smoothness))
            /// What a value is multiplied by at a place of the spectrum, for its square.
            func factor(_ index: Int, _ square: Float) -> Double {
                let place = [
                    index / layout.planePitch, index % layout.planePitch / layout.halfRow,
                    index % layout.planePitch % layout.halfRow,
                ]
                let curvature = (0..<3).reduce(0.0) { sum, axis in
                    let rate = Double(filter.rates[axis])
                    return sum + rate * rate * (2 - 2 * cos(2 * Double.pi * Double(place[axis]) / Double(shape[axis])))
                }
                return (1 + noise)
                    / (Double(size) * Double(size) * Double(square) + noise + smoothness * curvature * curvature)
            }
            let complex = (0..<count).flatMap { index -> [Float] in
                let (p, q) = (a[2 * index], a[2 * index + 1])
                let factor = Float(factor(index, p * p + q * q))
                return [p * factor, -q * factor]
            }
            expectEqual(try inverse(a, isReal: false), complex + beyond, relative: 1e-5)
            let real = (0..<count).map { a[$0] * Float(factor($0, a[$0] * a[$0])) }
            expectEqual(try inverse(Array(a.prefix(count)), isReal: true), real + beyond, relative: 1e-5)
        }
    }

    @Test(arguments: devices, cases)
    func diffusionIsThatOfALoop(device: Int, sizes: Case) throws {
        let bench = try Bench(device, sizes.layout)
        let shape = bench.layout.domain.shape
        let field = TestImage.random(shape.voxelCount, seed: 1)
        let target = try bench.buffer(mixed(shape.voxelCount, seed: 3))
        let rates = SIMD3<Float>(0.4, 0.8, 1)
        try bench.kernels.diffuse(bench.buffer(field), into: target, shape, factor: 0.15, rates: rates)
        let before = field.map(Double.init)
        let curvature = CurvatureReference.laplacian(
            of: before,
            shape,
            rates: [Double(rates[0]), Double(rates[1]), Double(rates[2])]
        )
        let result = try bench.floats(shape.voxelCount, in: target)
        for (voxel, value) in result.enumerated() {
            #expect(abs(Double(value) - before[voxel] - 0.15 * curvature[voxel]) <= 1e-6, "\(voxel)")
        }
    }

    @Test(arguments: devices, cases)
    func storeNormalizationInvertsWhatIsSeen(device: Int, sizes: Case) throws {
        let bench = try Bench(device, sizes.layout)
        let shape = bench.layout.domain.shape
        let values = mixed(bench.workCount, seed: 1)
        let (field, work) = try (bench.buffer(mixed(shape.voxelCount, seed: 2)), bench.buffer(values))
        try bench.kernels.storeNormalization(field, work, bench.layout, least: 0.25)
        var expected = [Float](repeating: 0, count: shape.voxelCount)
        bench.forEach(shape) { _, _, _, voxel, work in
            if values[work] > 0.25 { expected[voxel] = 1 / values[work] }
        }
        expectEqual(try bench.floats(shape.voxelCount, in: field), expected, relative: 1e-6)
    }

    @Test(arguments: devices, cases)
    func multiplyEstimateLeavesNothingWhereNothingIsSeen(device: Int, sizes: Case) throws {
        let bench = try Bench(device, sizes.layout)
        let shape = bench.layout.domain.shape
        let (values, weights) = (mixed(bench.workCount, seed: 1), mixed(shape.voxelCount, seed: 2).map { max($0, 0) })
        let before = TestImage.random(shape.voxelCount, seed: 3)
        let work = try bench.buffer(values)
        for (normalization, least) in [(nil, Float(0)), (weights, 0), (weights, 0.5)] as [([Float]?, Float)] {
            let estimate = try bench.buffer(before)
            let buffer = try normalization.map { try bench.buffer($0) }
            try bench.kernels.multiplyEstimate(estimate, work, bench.layout, normalization: buffer, least: least)
            var expected = before
            bench.forEach(shape) { _, _, _, voxel, work in
                let weight = normalization?[voxel] ?? 1
                expected[voxel] *= weight > 0 ? max(values[work] * weight, least) : 0
            }
            expectEqual(try bench.floats(shape.voxelCount, in: estimate), expected, relative: 1e-6)
        }
    }

    @Test(arguments: devices, cases)
    func extrapolateGoesOnAndKeepsWhereItWas(device: Int, sizes: Case) throws {
        let bench = try Bench(device, sizes.layout)
        let count = bench.layout.domain.shape.voxelCount
        let (now, old) = (TestImage.random(count, seed: 1), TestImage.random(count, seed: 2))
        for momentum in [Float(0), 0.75] {
            // Nothing is taken from what is not read.
            let before = momentum == 0 ? [Float](repeating: .nan, count: count) : old
            let (estimate, former) = try (bench.buffer(now), bench.buffer(before))
            try bench.kernels.extrapolate(estimate, from: former, momentum: momentum, count: count)
            let expected = momentum == 0 ? now : zip(now, old).map { max($0 + momentum * ($0 - $1), 0) }
            let result = try bench.floats(count, in: estimate)
            #expect(zip(result, expected).allSatisfy { abs($0 - $1) <= 1e-6 })
            #expect(try bench.floats(count, in: former) == now)
        }
    }

    @Test(arguments: devices, cases)
    func multiplyAndFollowSumsTheChanges(device: Int, sizes: Case) throws {
        let bench = try Bench(device, sizes.layout)
        let shape = bench.layout.domain.shape
        let (values, weights) = (mixed(bench.workCount, seed: 1), mixed(shape.voxelCount, seed: 2).map { max($0, 0) })
        let (before, change) = (TestImage.random(shape.voxelCount, seed: 3), mixed(shape.voxelCount, seed: 4))
        for normalization in [nil, weights] {
            let (estimate, changes) = try (bench.buffer(before), bench.buffer(change))
            let sums = try bench.kernels.multiplyEstimate(
                estimate,
                bench.buffer(values),
                bench.layout,
                normalization: normalization.map { try bench.buffer($0) },
                least: 0.25,
                following: changes
            )
            var (expected, differences) = (before, change)
            var (product, square, size) = (0.0, 0.0, 0.0)
            bench.forEach(shape) { _, _, _, voxel, work in
                let weight = normalization?[voxel] ?? 1
                expected[voxel] *= weight > 0 ? max(values[work] * weight, 0.25) : 0
                differences[voxel] = expected[voxel] - before[voxel]
                product += Double(differences[voxel]) * Double(change[voxel])
                size += abs(Double(differences[voxel]) * Double(change[voxel]))
                square += Double(differences[voxel]) * Double(differences[voxel])
            }
            expectEqual(try bench.floats(shape.voxelCount, in: estimate), expected, relative: 1e-6)
            let result = try bench.floats(shape.voxelCount, in: changes)
            #expect(zip(result, differences).allSatisfy { abs($0 - $1) <= 1e-6 })
            #expect(abs(sums.product - product) <= 1e-5 * size && abs(sums.square - square) <= 1e-5 * square)
        }
    }

    @Test(arguments: devices, cases)
    func totalVariationWeightIsThatOfALoop(device: Int, sizes: Case) throws {
        let bench = try Bench(device, sizes.layout)
        let shape = bench.layout.domain.shape
        let field = TestImage.random(shape.voxelCount, seed: 1)
        let weights = TestImage.random(shape.voxelCount, seed: 2)
        let constants = TotalVariationConstants(strength: 0.3, smoothing: 0.01, rates: SIMD3(0.4, 0.8, 1))
        for normalization in [nil, weights] {
            let target = try bench.buffer(mixed(shape.voxelCount, seed: 3))
            try bench.kernels.storeTotalVariationWeight(
                in: target,
                of: bench.buffer(field),
                shape,
                normalization: normalization.map { try bench.buffer($0) },
                constants
            )
            let expected = TotalVariationReference.weight(
                of: field.map(Double.init),
                shape,
                strength: 0.3,
                smoothing: 0.01,
                rates: [0.4, 0.8, 1]
            )
            let result = try bench.floats(shape.voxelCount, in: target)
            for (voxel, value) in result.enumerated() {
                let wanted = expected[voxel] * Double(normalization?[voxel] ?? 1)
                #expect(abs(Double(value) - wanted) <= 2e-5 * abs(wanted), "\(voxel)")
            }
        }
    }

    @Test(arguments: devices, cases)
    func curvatureWeightIsThatOfALoop(device: Int, sizes: Case) throws {
        let bench = try Bench(device, sizes.layout)
        let shape = bench.layout.domain.shape
        let field = TestImage.random(shape.voxelCount, seed: 1)
        let weights = TestImage.random(shape.voxelCount, seed: 2)
        for (normalization, floor) in [(nil, nil), (weights, nil), (nil, 0.1), (weights, 0.1)] as [([Float]?, Float?)] {
            let target = try bench.buffer(mixed(shape.voxelCount, seed: 3))
            try bench.kernels.storeCurvatureWeight(
                in: target,
                of: bench.buffer(field),
                shape,
                normalization: normalization.map { try bench.buffer($0) },
                CurvatureConstants(strength: 0.3, floor: floor, rates: SIMD3(0.4, 0.8, 1))
            )
            let expected = CurvatureReference.weight(
                of: field.map(Double.init),
                shape,
                strength: 0.3,
                floor: floor.map(Double.init),
                rates: [0.4, 0.8, 1]
            )
            let result = try bench.floats(shape.voxelCount, in: target)
            for (voxel, value) in result.enumerated() {
                let wanted = expected[voxel] * Double(normalization?[voxel] ?? 1)
                #expect(abs(Double(value) - wanted) <= 2e-5 * abs(wanted), "\(voxel)")
            }
        }
    }

    /// What a result is checked for: `fmax` would make a number of it.
    @Test(arguments: devices)
    func whatIsNoNumberStaysNone(device: Int) throws {
        let bench = try Bench(device, Self.cases[2].layout)
        let (frame, shape) = (bench.layout.frame, bench.layout.domain.shape)
        func work() throws -> DeviceBuffer { try bench.buffer([Float](repeating: .nan, count: bench.workCount)) }
        let ones = [Float](repeating: 1, count: shape.voxelCount)
        func expectNone(_ count: Int, _ buffer: DeviceBuffer) throws {
            #expect(try bench.floats(count, in: buffer).allSatisfy { $0.isNaN })
        }
        for weights in [nil, try bench.buffer(ones)] {
            let estimate = try bench.buffer(ones)
            try bench.kernels.multiplyEstimate(estimate, work(), bench.layout, normalization: weights, least: 0.5)
            try expectNone(shape.voxelCount, estimate)
        }
        let (estimate, normalization) = try (bench.buffer(ones), bench.buffer(ones))
        try bench.kernels.storeNormalization(normalization, work(), bench.layout, least: 0.25)
        try expectNone(shape.voxelCount, normalization)
        let finite = try bench.buffer([Float](repeating: 1, count: bench.workCount))
        try bench.kernels.multiplyEstimate(estimate, finite, bench.layout, normalization: normalization, least: 0)
        try expectNone(shape.voxelCount, estimate)

        let constants = RatioConstants(background: 0.5, readNoiseVariance: 0.25, floor: 0.125)
        let observed = try bench.buffer(ones)
        let projection = try work()
        try bench.kernels.takeRatio(observed, sensitivity: nil, projection, bench.layout, constants)
        let ratio = try bench.floats(bench.workCount, in: projection)
        bench.forEachRowFloat(of: frame.zRange) { z, y, x, work in
            if frame.contains(z, y, x) { #expect(ratio[work].isNaN) }
        }
        let divergence = try bench.kernels.poissonDivergence(
            observed,
            sensitivity: nil,
            work(),
            bench.layout,
            in: frame,
            constants
        )
        #expect(divergence.isNaN)
    }

    @Test(arguments: devices, cases)
    func poissonDivergenceIsThatOfALoop(device: Int, sizes: Case) throws {
        for type in [PixelType.uint8, .uint16, .float32] {
            let bench = try Bench(device, sizes.layout, type)
            let frame = bench.layout.frame
            // The frame without its first voxel along every axis that has more.
            let first = VolumeIndex { frame.shape[$0] > 1 ? 1 : 0 }
            let region = Region(
                origin: VolumeIndex { frame.origin[$0] + first[$0] },
                shape: VolumeShape { frame.shape[$0] - first[$0] }
            )
            let (observed, buffer) = try observed(type, frame.shape.voxelCount, bench)
            let projection = mixed(bench.workCount, seed: 1)
            let constants = RatioConstants(offset: 0.25, background: 0.5, readNoiseVariance: 9, floor: 0.125)
            for sensitivity in sensitivities(frame) {
                let divergence = try bench.kernels.poissonDivergence(
                    buffer,
                    sensitivity: sensitivity.map { try bench.buffer($0) },
                    bench.buffer(projection),
                    bench.layout,
                    in: region,
                    constants
                )
                var expected = 0.0
                bench.forEach(bench.layout.workShape) { z, y, x, _, work in
                    guard region.contains(z, y, x) else { return }
                    let f = sensitivity?[frame.offset(z, y, x)] ?? 1
                    guard f > 0 else { return }
                    let g = Double(max(observed[frame.offset(z, y, x)], 0))
                    let model = max(Double(f * projection[work]) + 0.75, 0.125)
                    expected += g > 0 ? g * log(g / model) - g + model : model
                }
                #expect(abs(divergence - expected) <= 1e-5 * abs(expected) + 1e-6)
            }
        }
    }

    @Test(arguments: devices, cases)
    func noiseIsThatOfTheNearestVoxelOfTheFrame(device: Int, sizes: Case) throws {
        let bench = try Bench(device, sizes.layout)
        let (shape, frame) = (bench.layout.domain.shape, bench.layout.frame)
        let values = TestImage.random(bench.workCount, seed: 1)
        let (spread, weights) = (mixed(shape.voxelCount, seed: 2), TestImage.random(shape.voxelCount, seed: 3))
        for (isComplemented, isPlain) in [(false, true), (false, false), (true, false)] {
            let target = try bench.buffer(mixed(shape.voxelCount, seed: 4))
            let constants = NoiseConstants(
                noise: PhotonNoise(gain: 1.5, level: 0.75, darkVariance: 0.25),
                background: 0.5,
                readNoiseVariance: 0.125,
                floor: 0.75,
                scale: 0.3,
                isComplemented: isComplemented
            )
            try bench.kernels.storeNoise(
                in: target,
                bench.buffer(values),
                bench.layout,
                spread: isPlain ? nil : bench.buffer(spread),
                normalization: isPlain ? nil : bench.buffer(weights),
                constants
            )
            var expected = [Float](repeating: 0, count: shape.voxelCount)
            bench.forEach(shape) { z, y, x, voxel, _ in
                let near = zip([z, y, x], 0..<3).map { place, axis in
                    min(max(place, frame.origin[axis]), frame.origin[axis] + frame.shape[axis] - 1)
                }
                let counts = values[near[0] * bench.planePitch + near[1] * bench.rowPitch + near[2]] + 0.5
                let divisor = max(counts + 0.125, 0.75)
                let noise = 0.3 * max(1.5 * (counts - 0.75) + 0.25, 0) / (divisor * divisor)
                let seen = isComplemented ? 1 - spread[voxel] : spread[voxel]
                expected[voxel] = noise * (isPlain ? 1 : max(seen, 0) * weights[voxel] * weights[voxel])
            }
            let result = try bench.floats(shape.voxelCount, in: target)
            #expect(zip(result, expected).allSatisfy { abs($0 - $1) <= 1e-5 * abs($1) + 1e-6 })
        }
    }

    @Test(arguments: devices, cases)
    func averagesAreThoseOfALoop(device: Int, sizes: Case) throws {
        let bench = try Bench(device, sizes.layout)
        let shape = bench.layout.domain.shape
        let field = mixed(shape.voxelCount, seed: 1)
        let strides = [shape.planeVoxelCount, shape.x, 1]
        for (axis, radius) in [(0, 1), (1, 2), (2, 4)] {
            let target = try bench.buffer(mixed(shape.voxelCount, seed: 2))
            try bench.kernels.average(bench.buffer(field), into: target, shape, axis: axis, radius: radius)
            var expected = [Float](repeating: 0, count: shape.voxelCount)
            bench.forEach(shape) { z, y, x, voxel, _ in
                let place = [z, y, x][axis]
                for step in -radius...radius where (0..<shape[axis]).contains(place + step) {
                    expected[voxel] += field[voxel + step * strides[axis]]
                }
                expected[voxel] /= Float(2 * radius + 1)
            }
            let result = try bench.floats(shape.voxelCount, in: target)
            #expect(zip(result, expected).allSatisfy { abs($0 - $1) <= 1e-6 }, "axis \(axis)")
        }
    }

    @Test(arguments: devices, cases)
    func changesAreSquaredAndGated(device: Int, sizes: Case) throws {
        let bench = try Bench(device, sizes.layout)
        let shape = bench.layout.domain.shape
        let values = mixed(bench.workCount, seed: 1)
        let (noise, squares) = (
            TestImage.random(shape.voxelCount, seed: 2), TestImage.random(shape.voxelCount, seed: 3)
        )
        for normalization in [nil, mixed(shape.voxelCount, seed: 4).map { max($0, 0) }] {
            let weights = try normalization.map { try bench.buffer($0) }
            let work = try bench.buffer(values)
            let target = try bench.buffer(mixed(shape.voxelCount, seed: 5))
            try bench.kernels.storeSquaredChange(in: target, work, bench.layout, normalization: weights)
            try bench.kernels.gateChange(
                work,
                bench.layout,
                noise: bench.buffer(noise),
                squares: bench.buffer(squares),
                normalization: weights
            )
            var (square, factor) = ([Float](repeating: 0, count: shape.voxelCount), values)
            bench.forEach(shape) { _, _, _, voxel, work in
                let weight = normalization?[voxel] ?? 1
                let change = max(values[work] * weight, 0) - 1
                square[voxel] = weight > 0 ? change * change : 0
                let gate = min(max(1 - noise[voxel] / max(squares[voxel], 1e-20), 0), 1)
                factor[work] = weight > 0 ? 1 + gate * change : 0
            }
            let result = try bench.floats(shape.voxelCount, in: target)
            #expect(zip(result, square).allSatisfy { abs($0 - $1) <= 2e-6 * max($1, 1) })
            let gated = try bench.floats(bench.workCount, in: work)
            #expect(zip(gated, factor).allSatisfy { abs($0 - $1) <= 1e-5 * max(abs($1), 1) })
        }
    }

    @Test(arguments: devices, cases)
    func factorsOfTwoViewsMeetAsInALoop(device: Int, sizes: Case) throws {
        let bench = try Bench(device, sizes.layout)
        let shape = bench.layout.domain.shape
        let values = [mixed(bench.workCount, seed: 1), mixed(bench.workCount, seed: 2)]
        for hasWeights in [false, true] {
            let weights = [4, 5].map { mixed(shape.voxelCount, seed: $0).map { max($0, 0) } }
            let normalizations = try weights.map { hasWeights ? try bench.buffer($0) : nil }
            let (first, second) = try (bench.buffer(values[0]), bench.buffer(values[1]))
            let factor = try bench.buffer(mixed(shape.voxelCount, seed: 3))
            try bench.kernels.storeFactor(in: factor, first, bench.layout, normalization: normalizations[0])
            try bench.kernels.takeMean(of: factor, second, bench.layout, normalization: normalizations[1])
            var mean = values[1]
            bench.forEach(shape) { _, _, _, voxel, work in
                let factors = (0..<2).map { view -> Float? in
                    let weight = hasWeights ? weights[view][voxel] : 1
                    return weight > 0 ? max(values[view][work] * weight, 0) : nil
                }
                if let first = factors[0], let second = factors[1] {
                    mean[work] = (first * second).squareRoot()
                } else {
                    mean[work] = factors[0] ?? factors[1] ?? 0
                }
            }
            expectEqual(try bench.floats(bench.workCount, in: second), mean, relative: 1e-6)
        }
    }

    @Test(arguments: devices, cases)
    func halvesAgreeAsInALoop(device: Int, sizes: Case) throws {
        let bench = try Bench(device, sizes.layout)
        let shape = bench.layout.domain.shape
        let (values, whole) = (mixed(bench.workCount, seed: 1), mixed(shape.voxelCount, seed: 2))
        for normalization in [nil, mixed(shape.voxelCount, seed: 4).map { max($0, 0) }] {
            let weights = try normalization.map { try bench.buffer($0) }
            let work = try bench.buffer(values)
            let (target, both) = try (bench.buffer(mixed(shape.voxelCount, seed: 5)), bench.buffer(whole))
            try bench.kernels.storeAgreement(in: target, of: both, work, bench.layout, normalization: weights)
            try bench.kernels.takeAgreed(both, work, bench.layout, normalization: weights)
            var (product, factor) = ([Float](repeating: 0, count: shape.voxelCount), values)
            bench.forEach(shape) { _, _, _, voxel, work in
                let weight = normalization?[voxel] ?? 1
                let other = 2 * whole[voxel] - values[work]
                product[voxel] = weight > 0 ? (weight * values[work] - 1) * (weight * other - 1) : 0
                factor[work] = weight > 0 ? (values[work] >= 0 ? max(weight * whole[voxel], 0) : 1) : 0
            }
            let result = try bench.floats(shape.voxelCount, in: target)
            #expect(zip(result, product).allSatisfy { abs($0 - $1) <= 1e-5 * max(abs($1), 1) })
            expectEqual(try bench.floats(bench.workCount, in: work), factor, relative: 1e-6)
        }
    }

    /// Beside the rows of the host, whose coins have a test of their own.
    @Test(arguments: devices, cases)
    func aHalfRatioHasTheCoinsOfTheHost(device: Int, sizes: Case) throws {
        for type in [PixelType.uint8, .uint16, .float32] {
            let bench = try Bench(device, sizes.layout, type)
            let frame = bench.layout.frame
            let (observed, buffer) = try observed(type, frame.shape.voxelCount, bench)
            let constants = RatioConstants(background: 0.5, readNoiseVariance: 0.25, floor: 0.125)
            let noise = PhotonNoise(gain: 1.5, level: 0.25, darkVariance: 0.5)
            let split = PhotonSplit(
                random: Philox(seed: 4_000_000_000, stream: 2),
                step: 7,
                origin: (z: 1, y: -3, x: 2),
                noise: noise
            )
            for sensitivity in sensitivities(frame) {
                var expected = TestImage.random(bench.workCount, seed: 1)
                let work = try bench.buffer(expected)
                let weights = try sensitivity.map { try bench.buffer($0) }
                try bench.kernels.takeHalfRatio(buffer, sensitivity: weights, work, bench.layout, constants, split)
                bench.forEachRowFloat(of: frame.zRange) { z, y, x, work in
                    var ratio: Float = 0
                    if frame.contains(z, y, x) {
                        let f = sensitivity?[frame.offset(z, y, x)] ?? 1
                        let counts = max(observed[frame.offset(z, y, x)], 0)
                        let photons = Float(noise.variance(Double(counts)) / 2.25)
                        let half = counts + 3 * split.excess(photons: photons, z: z, y: y, x: x)
                        ratio = f * (half + 0.25) / max(f * expected[work] + 0.5 + 0.25, 0.125)
                    }
                    expected[work] = ratio
                }
                let result = try bench.floats(bench.workCount, in: work)
                let scale = type == .uint16 ? Float(1e3) : type == .uint8 ? 10 : 1
                #expect(zip(result, expected).allSatisfy { abs($0 - $1) <= 2e-5 * max(abs($1), scale) }, "\(type)")
            }
        }
    }

    @Test(arguments: devices, cases)
    func largestValueLooksAtTheDomainAlone(device: Int, sizes: Case) throws {
        let bench = try Bench(device, sizes.layout)
        var values = [Float](repeating: 100, count: bench.workCount)
        let voxels = mixed(bench.layout.domain.shape.voxelCount, seed: 1)
        bench.forEach(bench.layout.domain.shape) { _, _, _, voxel, work in values[work] = voxels[voxel] }
        #expect(try bench.kernels.largestValue(bench.buffer(values), bench.layout) == max(voxels.max()!, 0))
        bench.forEach(bench.layout.domain.shape) { _, _, _, voxel, work in
            values[work] = -1 - voxels[voxel] * voxels[voxel]
        }
        #expect(try bench.kernels.largestValue(bench.buffer(values), bench.layout) == 0)
    }

    /// No sensitivity, and one with voxels of 0 and of 0.5 to 1.5.
    private func sensitivities(_ frame: Region) -> [[Float]?] {
        let values = TestImage.random(frame.shape.voxelCount, seed: 9)
        return [nil, values.enumerated().map { $0.offset % 5 == 1 ? 0 : $0.element + 0.5 }]
    }

    /// Observed voxels with zeros, and as floats negative ones too; and the buffer that holds them as stored.
    private func observed(_ type: PixelType, _ count: Int, _ bench: Bench) throws -> ([Float], DeviceBuffer) {
        let values = mixed(count, seed: 8)
        switch type {
        case .uint8:
            let stored = values.map { UInt8(max($0, 0) * 120) }
            return (stored.map { Float($0) }, try bench.buffer(stored))
        case .uint16:
            let stored = values.map { UInt16(max($0, 0) * 32000) }
            return (stored.map { Float($0) }, try bench.buffer(stored))
        default:
            return (values, try bench.buffer(values))
        }
    }
}

extension Region {
    fileprivate func contains(_ z: Int, _ y: Int, _ x: Int) -> Bool {
        zRange.contains(z) && yRange.contains(y) && xRange.contains(x)
    }

    /// Where a voxel of the region lies in an array of the region's voxels.
    fileprivate func offset(_ z: Int, _ y: Int, _ x: Int) -> Int {
        ((z - origin.z) * shape.y + (y - origin.y)) * shape.x + (x - origin.x)
    }
}
