import DeconvComparison
import DeconvVolume
import Foundation
import Testing

@Suite struct ImageComparisonTests {
    private static let shape = VolumeShape(z: 2, y: 2, x: 3)
    private static let reference: [Float] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
    private static let image: [Float] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 15]

    private static func compare(
        _ a: [Float],
        _ b: [Float],
        shape: VolumeShape = shape,
        matchScale: Bool = false,
        slabBytes: Int = 1
    ) throws -> ImageComparison {
        try ImageComparison(
            of: ArraySource(.float32(a), shape: shape, name: "a.tif"),
            with: ArraySource(.float32(b), shape: shape, name: "b.tif"),
            matchScale: matchScale,
            slabBytes: slabBytes
        )
    }

    private static func isClose(_ value: Double?, _ expected: Double, _ tolerance: Double = 1e-12) -> Bool {
        guard let value else { return false }
        return abs(value - expected) <= tolerance * max(1, abs(expected))
    }

    /// One voxel is off by 3; Σb² = 650, 12 voxels, 4 rows.
    @Test func oneWrongVoxelGivesTheMeasuresWorkedOutByHand() throws {
        let result = try Self.compare(Self.image, Self.reference)
        #expect(result.voxelCount == 12)
        #expect(result.scale == 1)
        #expect(Self.isClose(result.nrmse, (9.0 / 650).squareRoot()))
        #expect(Self.isClose(result.psnr, 10 * log10(144 / (9.0 / 12))))
        #expect(result.maxAbsoluteDifference == 3)
        #expect(Self.isClose(result.maxRelativeDifference, 0.25))
        #expect(Self.isClose(result.largestRowNRMSE, (9 / (650.0 / 4)).squareRoot()))
        // numpy.corrcoef of the two lists.
        #expect(Self.isClose(result.pearson, 0.9826275139789609))
    }

    @Test func theSizeOfTheSlabsDoesNotMatter() throws {
        let shape = VolumeShape(z: 4, y: 3, x: 1)
        let planes = try Self.compare(Self.image, Self.reference, shape: shape, slabBytes: 1)
        let whole = try Self.compare(Self.image, Self.reference, shape: shape, slabBytes: 1 << 20)
        #expect(planes == whole)
    }

    @Test func identicalImagesDifferByExactlyNothing() throws {
        let result = try Self.compare(Self.reference, Self.reference)
        #expect(result.nrmse == 0)
        #expect(result.psnr == nil)
        #expect(result.maxAbsoluteDifference == 0)
        #expect(result.largestRowNRMSE == 0)
        #expect(Self.isClose(result.pearson, 1))
    }

    @Test func matchingTheScaleForgivesAFactorAndReportsIt() throws {
        let faint = Self.reference.map { $0 / 4 }
        let result = try Self.compare(faint, Self.reference, matchScale: true)
        #expect(result.scale == 4)
        #expect(result.maxAbsoluteDifference == 0)
        #expect(Self.isClose(try Self.compare(faint, Self.reference).nrmse, 0.75))
    }

    /// With the best factor s the squared difference is Σb² − (Σab)² / Σa²: here Σa² = 731, Σab = 686, Σb² = 650.
    @Test func matchingTheScaleMakesTheDifferenceSmallest() throws {
        let result = try Self.compare(Self.image, Self.reference, matchScale: true)
        #expect(Self.isClose(result.scale, 686.0 / 731))
        #expect(Self.isClose(result.nrmse, ((650 - 686.0 * 686 / 731) / 650).squareRoot()))
        #expect(Self.isClose(result.maxAbsoluteDifference, abs(15 * 686.0 / 731 - 12)))
        #expect(Self.isClose(result.pearson, 0.9826275139789609))
    }

    @Test func correlationSurvivesALargeCommonOffset() throws {
        // 16000000 is where a Float still counts in ones.
        let offset = try Self.compare(Self.image.map { $0 + 16_000_000 }, Self.reference.map { $0 + 16_000_000 })
        #expect(Self.isClose(offset.pearson, 0.9826275139789609))
    }

    @Test func aConstantImageHasNoCorrelation() throws {
        #expect(try Self.compare([Float](repeating: 0.1, count: 12), Self.reference).pearson == nil)
    }

    @Test func anEmptyReferenceHasNoRelativeMeasures() throws {
        let result = try Self.compare(Self.image, [Float](repeating: 0, count: 12))
        #expect(result.nrmse == nil)
        #expect(result.psnr == nil)
        #expect(result.maxRelativeDifference == nil)
        #expect(result.largestRowNRMSE == nil)
        #expect(result.maxAbsoluteDifference == 15)
    }

    @Test func aSeamOfOneRowShowsInItsRow() throws {
        let shape = VolumeShape(z: 10, y: 100, x: 10)
        let flat = [Float](repeating: 1, count: shape.voxelCount)
        var torn = flat
        for x in 0..<10 { torn[5000 + x] = 1.1 }
        let result = try Self.compare(torn, flat, shape: shape)
        #expect(Self.isClose(result.largestRowNRMSE, 0.1, 1e-6))
        #expect(try #require(result.nrmse) < 0.004)
    }

    @Test func emptyRowsDoNotBlowUpTheRowMeasure() throws {
        let shape = VolumeShape(z: 1, y: 2, x: 2)
        let result = try Self.compare([0.5, 0, 3, 4], [0, 0, 3, 4], shape: shape)
        #expect(Self.isClose(result.largestRowNRMSE, 0.5 / (25.0 / 2).squareRoot()))
    }

    @Test func everyKeyIsInTheJSONAndMissingMeasuresAreNull() throws {
        let data = try JSONEncoder().encode(Self.compare(Self.reference, Self.reference))
        let object = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
        #expect(
            Set(object.keys) == [
                "voxelCount", "scale", "nrmse", "psnr", "pearson", "maxAbsoluteDifference", "maxRelativeDifference",
                "largestRowNRMSE",
            ]
        )
        #expect(object["psnr"] is NSNull)
        #expect(object["nrmse"] as? Double == 0)
    }

    @Test func imagesOfDifferentShapesAreRefusedByName() throws {
        let other = VolumeShape(z: 1, y: 4, x: 3)
        let error = try #require(throws: DeconvolutionError.self) {
            try ImageComparison(
                of: ArraySource(.float32(Self.image), shape: Self.shape, name: "a.tif"),
                with: ArraySource(.float32(Self.reference), shape: other, name: "b.tif")
            )
        }
        #expect(error.code == .invalidArgument)
        #expect(
            error.message
                == "a.tif has 2x2x3 voxels and b.tif 1x4x3 voxels; only images of one shape can be compared"
        )
    }

    @Test func aVoxelThatIsNotANumberIsAnErrorThatSaysWhere() throws {
        var broken = Self.reference
        broken[10] = .nan
        let error = try #require(throws: DeconvolutionError.self) { try Self.compare(Self.reference, broken) }
        #expect(error.code == .invalidData)
        #expect(
            error.message
                == "b.tif holds a voxel that is not a finite number at (z 1, y 1, x 1); it cannot be compared"
        )
    }

    @Test func channelsAndTimePointsAreComparedToo() throws {
        struct TwoChannels: VolumeSource {
            let name = "two"
            let values: [Float]
            let image = ImageDescription(shape: VolumeShape(z: 1, y: 1, x: 1), channelCount: 2, pixelType: .float32)
            func read(_ region: Region, channel: Int, timepoint: Int) throws(DeconvolutionError) -> VoxelData {
                .float32([values[channel]])
            }
        }
        let result = try ImageComparison(of: TwoChannels(values: [3, 5]), with: TwoChannels(values: [3, 4]))
        #expect(result.voxelCount == 2)
        #expect(result.maxAbsoluteDifference == 1)
        #expect(Self.isClose(result.nrmse, 0.2))
    }

    @Test func planesThatMemoryCannotHoldAreAnErrorBeforeTheyAreRead() throws {
        let source = ArraySource(.float32(Self.image), shape: Self.shape, name: "a.tif")
        #expect(try ImageComparison(of: source, with: source, slabBytes: 1, memoryLimit: 96).nrmse == 0)
        let error = #expect(throws: DeconvolutionError.self) {
            try ImageComparison(of: source, with: source, slabBytes: 1, memoryLimit: 95)
        }
        #expect(error?.code == .outOfMemory)
        #expect(error?.message.hasPrefix("a.tif: planes of 2x3 voxels take ") == true)
    }
}
