import DeconvPlan
import DeconvVolume
import Testing

@Suite struct TilePlanTests {
    private func request(
        _ image: VolumeShape,
        psf: VolumeShape,
        radius: VolumeShape? = nil,
        boundary: BoundaryMode,
        bytes: Int = .max,
        core: VolumeShape? = nil
    ) -> TilePlan.Request {
        TilePlan.Request(
            imageShape: image,
            pixelType: .uint16,
            psf: PSFExtent(shape: psf, energyRadius: radius ?? VolumeShape { psf[$0] / 4 }),
            boundary: boundary,
            budget: MemoryBudget(totalBytes: bytes),
            coreShape: core
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
        let geometry = plan.tiles[0].geometry
        #expect(plan.isUntiled)
        for axis in 0..<3 {
            #expect(geometry.domain.shape[axis] == image + psf - 1)
            #expect(geometry.frame.origin[axis] == psf - 1 - psf / 2)
            #expect(geometry.frame.shape[axis] == image)
            #expect(geometry.workShape[axis] >= image + psf - 1)
        }
    }

    @Test func zeroPadsByHalfThePSFAndNeedsNoNormalization() throws {
        let plan = try TilePlan(
            request(VolumeShape(z: 128, y: 512, x: 384), psf: VolumeShape(z: 51, y: 32, x: 32), boundary: .zero)
        )
        let geometry = plan.tiles[0].geometry
        #expect(geometry.mask == nil)
        #expect(geometry.domain == geometry.frame)
        #expect(geometry.workShape.z >= 128 + 25 && geometry.workShape.y >= 528 && geometry.workShape.x >= 400)
    }

    @Test(arguments: [BoundaryMode.edge, .reflect])
    func enlargedImagesFillTheWholeTransform(boundary: BoundaryMode) throws {
        let plan = try TilePlan(
            request(VolumeShape(z: 10, y: 20, x: 30), psf: VolumeShape(z: 5, y: 6, x: 7), boundary: boundary)
        )
        let tile = plan.tiles[0]
        #expect(tile.frame.shape == tile.geometry.workShape)
        for axis in 0..<3 {
            let border = [2, 3, 3][axis]
            #expect(-tile.frame.origin[axis] >= border)
            #expect(tile.frame.origin[axis] + tile.frame.shape[axis] - [10, 20, 30][axis] >= border)
        }
        #expect(tile.coreInWork.origin == VolumeIndex { -tile.frame.origin[$0] })
    }

    @Test func periodicKeepsTheLengthOrSaysWhyNot() throws {
        let psf = VolumeShape(z: 3, y: 3, x: 3)
        let plan = try TilePlan(request(VolumeShape(z: 12, y: 15, x: 14), psf: psf, boundary: .periodic))
        #expect(plan.workShape == VolumeShape(z: 12, y: 15, x: 14))
        let error = #expect(throws: DeconvolutionError.self) {
            try TilePlan(request(VolumeShape(z: 12, y: 17, x: 14), psf: psf, boundary: .periodic))
        }
        #expect(error?.code == .invalidArgument)
        #expect(
            error?.message
                == "the y axis has 17 voxels, a length this FFT engine cannot transform unpadded: "
                + "use --boundary reflect, or --backend cpu"
        )
    }

    @Test(arguments: BoundaryMode.allCases, [4, 3, 2])
    func coresCoverTheImageOnceAndKeepTheirHalo(boundary: BoundaryMode, divisor: Int) throws {
        let image = VolumeShape(z: 48, y: 160, x: 150)
        let psf = VolumeShape(z: 9, y: 20, x: 21)
        let whole = try TilePlan(request(image, psf: psf, boundary: boundary))
        let limit = whole.footprint.totalBytes / divisor
        let plan = try TilePlan(request(image, psf: psf, boundary: boundary, bytes: limit))
        #expect(plan.tiles.count > 1)
        #expect(plan.footprint.totalBytes <= limit)

        var covered = [UInt8](repeating: 0, count: image.voxelCount)
        for tile in plan.tiles {
            for z in tile.core.zRange {
                for y in tile.core.yRange {
                    for x in tile.core.xRange { covered[(z * image.y + y) * image.x + x] += 1 }
                }
            }
            #expect(tile.frame.contains(tile.core))
            #expect(tile.geometry.workShape == plan.workShape)
            #expect(tile.frame.shape == tile.geometry.frame.shape)
            for axis in 0..<3 where plan.tileCounts[axis] > 1 {
                let before = tile.core.origin[axis] - tile.frame.origin[axis]
                let after =
                    tile.frame.origin[axis] + tile.frame.shape[axis] - tile.core.origin[axis] - tile.core.shape[axis]
                let isFirst = tile.core.origin[axis] == 0
                let isLast = tile.core.origin[axis] + tile.core.shape[axis] == image[axis]
                let outside = boundary == .extend || boundary == .zero
                #expect(before >= (isFirst && outside ? 0 : plan.halo[axis]))
                #expect(after >= (isLast && outside ? 0 : plan.halo[axis]))
            }
        }
        #expect(covered.allSatisfy { $0 == 1 })
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

    @Test func zeroBoundaryTilesKeepLightInsideTheImage() throws {
        let image = VolumeShape(z: 8, y: 64, x: 64)
        let plan = try TilePlan(
            request(image, psf: VolumeShape(z: 3, y: 9, x: 9), boundary: .zero, core: VolumeShape(z: 8, y: 32, x: 64))
        )
        #expect(plan.tiles.count == 2)
        for tile in plan.tiles {
            // Support in image coordinates stays within the image.
            for axis in 0..<3 {
                let offset = tile.frame.origin[axis] - tile.geometry.frame.origin[axis]
                let support = tile.geometry.support
                #expect(support.origin[axis] + offset >= 0)
                #expect(support.origin[axis] + support.shape[axis] + offset <= image[axis])
            }
        }
    }

    @Test func theSearchForALargeVolumeIsQuick() throws {
        let plan = try TilePlan(
            request(
                VolumeShape(z: 2000, y: 4096, x: 4096),
                psf: VolumeShape(z: 101, y: 64, x: 64),
                boundary: .extend,
                bytes: 8_000_000_000
            )
        )
        #expect(plan.footprint.totalBytes <= 8_000_000_000)
        // The halo and padding of a sensible cut cost less than as much again.
        #expect(plan.tiles.count * plan.workShape.voxelCount < 2 * 2000 * 4096 * 4096)
    }
}

@Suite struct FFTPaddingTests {
    @Test func lengthsAreSmoothAndNeverShorter() {
        for minimum in 1...1300 {
            let length = FFTPadding.length(atLeast: minimum, even: true)
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
