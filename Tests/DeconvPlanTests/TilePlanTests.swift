import DeconvPlan
import DeconvVolume
import Testing

@Suite struct TilePlanTests {
    private func request(
        _ image: VolumeShape,
        psf: VolumeShape,
        boundary: BoundaryMode,
        hasSensitivity: Bool = false,
        bytes: Int = .max,
        tile: VolumeShape? = nil
    ) -> TilePlan.Request {
        TilePlan.Request(
            imageShape: image,
            pixelType: .uint16,
            psfShape: psf,
            boundary: boundary,
            hasSensitivity: hasSensitivity,
            budget: MemoryBudget(totalBytes: bytes),
            tileShape: tile
        )
    }

    @Test(arguments: [(12, 5), (12, 6), (1, 1), (7, 31)])
    func extendSurroundsTheFrameByTheReachOfThePSF(image: Int, psf: Int) throws {
        let plan = try TilePlan(
            request(
                VolumeShape(z: image, y: image, x: image),
                psf: VolumeShape(z: psf, y: psf, x: psf),
                boundary: .extend
            )
        )
        #expect(plan.tile == nil && plan.tileCount == 1)
        for axis in 0..<3 {
            #expect(plan.whole.domain.shape[axis] == image + psf - 1)
            #expect(plan.whole.frame.origin[axis] == psf - 1 - psf / 2)
            #expect(plan.whole.frame.shape[axis] == image)
            #expect(plan.whole.workShape[axis] >= image + psf - 1)
        }
    }

    @Test func zeroPadsByHalfThePSFAndNeedsNoNormalization() throws {
        let plan = try TilePlan(
            request(VolumeShape(z: 128, y: 512, x: 384), psf: VolumeShape(z: 51, y: 32, x: 32), boundary: .zero)
        )
        #expect(!plan.whole.extendsFrame && !plan.whole.wraps)
        let work = plan.workShape
        #expect(work.z >= 128 + 25 && work.y >= 528 && work.x >= 400)
    }

    @Test(arguments: [BoundaryMode.edge, .reflect])
    func enlargedImagesFillTheWholeTransform(boundary: BoundaryMode) throws {
        let plan = try TilePlan(
            request(VolumeShape(z: 10, y: 20, x: 30), psf: VolumeShape(z: 5, y: 6, x: 7), boundary: boundary)
        )
        #expect(plan.frameInImage.shape == plan.workShape && plan.whole.wraps)
        for axis in 0..<3 {
            let border = [2, 3, 3][axis]
            #expect(-plan.frameInImage.origin[axis] >= border)
            #expect(plan.frameInImage.origin[axis] + plan.workShape[axis] - [10, 20, 30][axis] >= border)
        }
        #expect(plan.imageInWhole.origin == VolumeIndex { -plan.frameInImage.origin[$0] })
    }

    @Test func periodicKeepsTheLengthAndGoesToTilesWhereItCannotBeTransformed() throws {
        let psf = VolumeShape(z: 3, y: 3, x: 3)
        let plan = try TilePlan(request(VolumeShape(z: 12, y: 15, x: 14), psf: psf, boundary: .periodic))
        #expect(plan.tile == nil && plan.workShape == VolumeShape(z: 12, y: 15, x: 14))
        let prime = try TilePlan(request(VolumeShape(z: 12, y: 17, x: 14), psf: psf, boundary: .periodic))
        #expect(prime.whole.workShape.y == 17)
        #expect(prime.tile?.frame.shape.y == 17 && FFTPadding.isSmooth(prime.workShape.y))
    }

    @Test(arguments: BoundaryMode.allCases, [4, 3, 2])
    func tilesStayWithinTheLimitAndReadAsFarAsThePSFReaches(boundary: BoundaryMode, divisor: Int) throws {
        let image = VolumeShape(z: 48, y: 160, x: 150)
        let psf = VolumeShape(z: 9, y: 20, x: 21)
        let whole = try TilePlan(request(image, psf: psf, boundary: boundary))
        let limit = whole.footprint.deviceBytes / divisor
        let plan = try TilePlan(request(image, psf: psf, boundary: boundary, bytes: limit))
        let tile = try #require(plan.tile)
        #expect(plan.tileCount > 1 && plan.whole == whole.whole)
        #expect(plan.footprint.deviceBytes <= limit && plan.footprint.wholeBytes > 0)
        #expect(plan.halo == VolumeShape(z: 8, y: 19, x: 20))
        for axis in 0..<3 {
            #expect(tile.frame.origin[axis] == psf[axis] - 1 - psf[axis] / 2)
            #expect(tile.domain.shape[axis] == tile.frame.shape[axis] + psf[axis] - 1)
            #expect(tile.workShape[axis] >= tile.domain.shape[axis])
            #expect(plan.tileCounts[axis] * tile.frame.shape[axis] >= plan.whole.frame.shape[axis])
        }
    }

    /// f on the frame, and W where it would be 1.
    @Test(arguments: BoundaryMode.allCases)
    func aSensitivityTakesItsMemory(boundary: BoundaryMode) throws {
        let image = VolumeShape(z: 12, y: 20, x: 30)
        let psf = VolumeShape(z: 5, y: 6, x: 7)
        let without = try TilePlan(request(image, psf: psf, boundary: boundary))
        let with = try TilePlan(request(image, psf: psf, boundary: boundary, hasSensitivity: true))
        let f = 4 * without.whole.frame.shape.voxelCount
        let normalization = without.whole.extendsFrame ? 0 : 4 * without.whole.domain.shape.voxelCount
        #expect(with.footprint.sensitivityBytes == f && without.footprint.sensitivityBytes == 0)
        #expect(with.footprint.deviceBytes == without.footprint.deviceBytes + f + normalization)
        let tile = VolumeShape(z: 6, y: 10, x: 30)
        let tiles = try TilePlan(request(image, psf: psf, boundary: boundary, tile: tile))
        let tilesWith = try TilePlan(request(image, psf: psf, boundary: boundary, hasSensitivity: true, tile: tile))
        #expect(tilesWith.footprint.deviceBytes == tiles.footprint.deviceBytes)
        #expect(tilesWith.footprint.wholeBytes == tiles.footprint.wholeBytes + f)
    }

    @Test func aLimitTooSmallForOneTileSaysHowMuchItTakes() throws {
        let error = #expect(throws: DeconvolutionError.self) {
            try TilePlan(
                request(
                    VolumeShape(z: 20, y: 40, x: 40),
                    psf: VolumeShape(z: 9, y: 9, x: 9),
                    boundary: .extend,
                    bytes: 2000
                )
            )
        }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.hasPrefix("the smallest tile takes ") == true)
        #expect(error?.message.hasSuffix("but 2.0 kB are allowed: raise --memory-limit or crop the PSF") == true)
    }

    @Test func aLimitThatLeavesNearlyOnlyHaloIsRefused() throws {
        let error = #expect(throws: DeconvolutionError.self) {
            try TilePlan(
                request(
                    VolumeShape(z: 20, y: 400, x: 400),
                    psf: VolumeShape(z: 9, y: 49, x: 49),
                    boundary: .extend,
                    bytes: 300_000
                )
            )
        }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.hasPrefix("300 kB would cut the volume into ") == true, "\(String(describing: error))")
    }

    @Test func aTileAskedForIsTaken() throws {
        let plan = try TilePlan(
            request(
                VolumeShape(z: 8, y: 64, x: 64),
                psf: VolumeShape(z: 3, y: 9, x: 9),
                boundary: .zero,
                tile: VolumeShape(z: 100, y: 32, x: 64)
            )
        )
        #expect(plan.tile?.frame.shape == VolumeShape(z: 8, y: 32, x: 64))
        #expect(plan.tileCounts == VolumeShape(z: 1, y: 2, x: 1))
    }

    @Test func theSearchForALargeVolumeFindsACheapCut() throws {
        let plan = try TilePlan(
            request(
                VolumeShape(z: 2000, y: 4096, x: 4096),
                psf: VolumeShape(z: 101, y: 64, x: 64),
                boundary: .extend,
                bytes: 8_000_000_000
            )
        )
        #expect(plan.footprint.deviceBytes <= 8_000_000_000)
        // The halo and padding of a sensible cut cost less than half as much again.
        #expect(Double(plan.tileCount * plan.workShape.voxelCount) < 1.5 * 2000 * 4096 * 4096)
    }
}

@Suite struct FFTPaddingTests {
    @Test func lengthsAreSmoothAndNeverShorter() {
        for minimum in 1...1300 {
            let length = FFTPadding.length(atLeast: minimum, real: true)
            #expect(length >= minimum && length % 2 == 0 && FFTPadding.isSmooth(length))
            #expect(length <= max(2, minimum * 5 / 4 + 2))
        }
    }

    @Test func smoothMeansNoLargerPrime() {
        #expect(FFTPadding.isSmooth(1) && FFTPadding.isSmooth(2 * 3 * 5 * 7))
        #expect(
            !FFTPadding.isSmooth(11) && FFTPadding.isSmooth(11, largest: 13) && !FFTPadding.isSmooth(17, largest: 13)
        )
    }
}

@Suite struct BoundaryModeTests {
    // numpy.pad of [0, 1, 2] by 4 on both sides with mode edge, symmetric and wrap.
    @Test(arguments: [
        (BoundaryMode.edge, [0, 0, 0, 0, 0, 1, 2, 2, 2, 2, 2]),
        (.reflect, [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0]),
        (.periodic, [2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0]),
    ])
    func outsideIndicesFollowNumpyPad(boundary: BoundaryMode, expected: [Int]) {
        #expect((-4..<7).map { boundary.sourceIndex($0, extent: 3) } == expected)
    }
}

@Suite struct ByteCountTests {
    @Test(arguments: [
        ("8GB", 8_000_000_000), ("500 MB", 500_000_000), ("1.5GiB", 1_610_612_736), ("1048576", 1_048_576),
        ("2k", 2000),
    ])
    func sizesAreRead(text: String, bytes: Int) { #expect(ByteCount.parse(text) == bytes) }

    @Test(arguments: ["", "GB", "-1GB", "0", "many", "1e300GB", "nan"])
    func nonsenseIsRefused(text: String) { #expect(ByteCount.parse(text) == nil) }

    @Test func sizesReadWell() {
        #expect("\(ByteCount(999))" == "999 B")
        #expect("\(ByteCount(2_400_000_000))" == "2.4 GB")
        #expect("\(ByteCount(999_999))" == "1.0 MB")
    }
}
