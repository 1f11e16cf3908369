import DeconvOptions
import DeconvVolume
import Testing

/// Which value of a list is that of which channel.
@Suite struct ChosenChannelsTests {
    @Test func aListIsThatOfTheImageOrThatOfTheChoice() {
        let second = ChosenChannels([1], of: 2)
        #expect(second.values(of: [100, 90]) == [90])
        #expect(second.values(of: [7]) == [7] && second.values(of: [Int]()) == [])
        #expect(second.values(of: [1, 2, 3]) == nil)
        let swapped = ChosenChannels([1, 0], of: 2)
        #expect(swapped.values(of: [100, 90]) == [90, 100])
        let two = ChosenChannels([2, 0], of: 3)
        #expect(two.values(of: [1, 2, 3]) == [3, 1] && two.values(of: [5, 6]) == [5, 6])
    }

    @Test func allListsOfOptionsAreTakenAlike() throws {
        var options = DeconvolutionOptions()
        options.background = [100, 90]
        (options.microscope.emission, options.microscope.excitation) = ([520, 600], [488, 561])
        options.microscope.dyes = ["GFP", "mCherry"]
        let chosen = try options.chosen(ChosenChannels([1], of: 2), "cell.tif")
        #expect(chosen.background == [90] && chosen.microscope.emission == [600])
        #expect(chosen.microscope.excitation == [561] && chosen.microscope.dyes == ["mCherry"])
        let error = #expect(throws: DeconvolutionError.self) {
            try options.chosen(ChosenChannels([1], of: 3), "cell.tif")
        }
        #expect(
            error?.text(.flag)
                == "--background 100,90: 2 values, but cell.tif has 3 channels, of which --channel chooses 1; give one for all "
                + "or one a channel"
        )
    }
}
