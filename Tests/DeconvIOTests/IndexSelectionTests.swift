import DeconvIO
import DeconvTestSupport
import DeconvVolume
import Testing

@Suite struct IndexSelectionTests {
    /// What Python 3 gives for `list(range(8))[...]`.
    @Test(arguments: [
        ("3", [3]), ("-1", [7]), ("-8", [0]), (":", Array(0..<8)), ("0:10", Array(0..<8)), ("0:10:2", [0, 2, 4, 6]),
        ("5:", [5, 6, 7]), (":3", [0, 1, 2]), ("-3:", [5, 6, 7]), (":-5", [0, 1, 2]),
        ("::-1", Array((0..<8).reversed())),
        ("6:2:-2", [6, 4]), ("-100:2", [0, 1]), ("::3", [0, 3, 6]), ("-2::-3", [6, 3, 0]), ("::100", [0]),
        ("100::-1", Array((0..<8).reversed())), ("::9223372036854775807", [0]), ("::-9223372036854775807", [7]),
        ("0,2,5", [0, 2, 5]), ("5,0:2,-1", [5, 0, 1, 7]), (" 1 , 2 : 4 ", [1, 2, 3]),
    ])
    func rangesMeanWhatTheyMeanInPython(text: String, expected: [Int]) throws {
        #expect(try IndexSelection(text, option: .time).indices(of: 8, "time points") == expected)
    }

    @Test(arguments: ["", "a", "1:2:3:4", "1,", "::0", "1.5", "0x1", "1;2", "99999999999999999999", "١"])
    func whatIsNoSelectionIsRefused(text: String) {
        let error = #expect(throws: DeconvolutionError.self) { try IndexSelection(text, option: .time) }
        #expect(error?.code == .invalidArgument)
        #expect(error?.text(.flag).hasPrefix("--time \(text): give numbers or ranges") ?? false)
    }

    @Test(arguments: [
        ("8", "there is no 8"), ("-9", "there is no -9"), ("3:3", "selects nothing"), ("8:", "selects nothing"),
        ("5:2", "selects nothing"), ("0:3,2", "selects 2 twice"),
    ])
    func whatIsNotThereNamesOptionValueAndCount(text: String, problem: String) {
        let error = #expect(throws: DeconvolutionError.self) {
            try IndexSelection(text, option: .channel).indices(of: 8, "channels")
        }
        #expect(error?.code == .invalidArgument)
        #expect(error?.text(.flag) == "--channel \(text): \(problem): the channels are 0 to 7, 8 in all")
    }

    private func series() -> TestSeries {
        TestSeries((0..<12).map { .uint8([UInt8($0)]) }, shape: VolumeShape(z: 1, y: 1, x: 1), channelCount: 3)
    }

    @Test func aSelectionReadsOnlyWhatItNames() throws {
        let series = series()
        let source = try SelectedSource(
            series,
            channels: IndexSelection("2,0", option: .channel),
            timepoints: IndexSelection("-1::-2", option: .time)
        )
        #expect(series.readCount == 0)
        #expect((source.image.channelCount, source.image.timepointCount) == (2, 2))
        #expect((source.channels, source.timepoints) == ([2, 0], [3, 1]))
        #expect(try source.readVolume(channel: 0, timepoint: 1) == .uint8([5]))
        #expect(try source.readVolume(channel: 1, timepoint: 0) == .uint8([9]))
        #expect(series.readCount == 2)
        // Messages have the numbers of the file, also where only one volume was picked.
        #expect(source.name(channel: 1, timepoint: 0) == "series.tif, channel 0, time point 3")
        #expect(
            SelectedSource(series, channels: [1], timepoints: [2]).volumeName(channel: 0, timepoint: 0)
                == "channel 1, time point 2"
        )
        #expect(
            TestSeries([.uint8([1])], shape: VolumeShape(z: 1, y: 1, x: 1)).name(channel: 0, timepoint: 0)
                == "series.tif"
        )
    }

    @Test(
        arguments: [
            (nil, 2.0), (":", 2), ("::2", 4), ("1:3", 2), ("0,2", 4), ("0,1,3", nil), ("::-1", nil), ("3", nil),
        ] as [(String?, Double?)]
    )
    func theIntervalFollowsTheStep(text: String?, interval: Double?) throws {
        struct Timed: VolumeSource {
            let name = "timed"
            var image: ImageDescription {
                ImageDescription(
                    shape: VolumeShape(z: 1, y: 1, x: 1),
                    channelCount: 2,
                    timepointCount: 4,
                    pixelType: .uint8,
                    timeInterval: 2,
                    channelNames: ["a", "b"]
                )
            }
            func read(_: Region, channel: Int, timepoint: Int) throws(DeconvolutionError) -> VoxelData { .uint8([0]) }
        }
        let source = try SelectedSource(
            Timed(),
            channels: IndexSelection("1", option: .channel),
            timepoints: text.map { try IndexSelection($0, option: .time) }
        )
        #expect(source.image.timeInterval == interval)
        #expect(source.image.channelNames == ["b"])
    }
}
