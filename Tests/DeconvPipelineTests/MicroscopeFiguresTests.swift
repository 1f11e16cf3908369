import DeconvOptions
import DeconvPipeline
import DeconvVolume
import Testing

@Suite struct MicroscopeFiguresTests {
    /// A volume of some channels whose file says what a test has it say.
    private func image(
        channels: Int = 1,
        names: [String] = [],
        _ say: (inout AcquisitionMetadata) -> Void = { _ in }
    ) -> ImageDescription {
        var image = ImageDescription(
            shape: VolumeShape(z: 9, y: 17, x: 17),
            channelCount: channels,
            pixelType: .uint16,
            spacing: VoxelSpacing(z: 0.3, y: 0.1, x: 0.1),
            channelNames: names
        )
        var acquisition = AcquisitionMetadata()
        acquisition.channels = [AcquisitionMetadata.Channel](repeating: .init(), count: channels)
        say(&acquisition)
        image.acquisition = acquisition
        return image
    }

    private func confocal(_ acquisition: inout AcquisitionMetadata) {
        acquisition.numericalAperture = .init(1.4, "LensNA")
        acquisition.immersion = .init("Oil", "Immersion")
        for index in acquisition.channels.indices {
            acquisition.channels[index].mode = .init("LaserScanningConfocalMicroscopy", "AcquisitionMode")
            acquisition.channels[index].emission = .init(520, "EmissionWavelength")
        }
    }

    private func computed(_ image: ImageDescription, _ options: MicroscopeOptions = .init()) throws -> ComputedPSFs {
        var options = options
        options.psfShape = options.psfShape ?? VolumeShape(z: 5, y: 9, x: 9)
        return try ComputedPSFs(options, image: image, spacing: image.spacing, imageName: "cell.tif")
    }

    private func text(_ image: ImageDescription, _ options: MicroscopeOptions = .init()) throws -> [String] {
        try ComputedPSFReport(computed(image, options)).lines.map { $0.text(.flag) }
    }

    private func problem(_ image: ImageDescription, _ options: MicroscopeOptions = .init()) -> String? {
        do {
            _ = try computed(image, options)
            return nil
        } catch {
            return (error as? DeconvolutionError)?.text(.flag)
        }
    }

    @Test func whatIsReadAndWhatIsAssumedIsSaid() throws {
        let lines = try text(image(confocal))
        #expect(
            lines[1] == "PSF: read: confocal (AcquisitionMode), NA 1.4 (LensNA), immersion 1.515 (Immersion), "
                + "emission 520 nm (EmissionWavelength)"
        )
        #expect(
            lines[2] == "PSF: assumed: excitation 488 nm (the laser next below the emission), a pinhole of 1 Airy unit "
                + "(as is usual), the sample at the cover glass (--depth)"
        )
    }

    @Test func whatIsGivenGoesBeforeWhatIsRead() throws {
        var options = MicroscopeOptions()
        options.kind = .widefield
        options.numericalAperture = 1.3
        options.dyes = ["mCherry"]
        options.immersion = .glycerol
        let lines = try text(image(confocal), options)
        #expect(lines[1] == "PSF: given: widefield, NA 1.3, immersion 1.47, emission 610 nm")
    }

    @Test func allThatIsMissingIsSaidAtOnce() {
        #expect(
            problem(image()) == "cell.tif: there is no PSF, and its file says nothing of the microscope: give --na, "
                + "--immersion, --microscope and --emission to have one computed, or a file with --psf"
        )
        let half = image { $0.numericalAperture = .init(1.4, "LensNA") }
        #expect(
            problem(half) == "cell.tif: there is no PSF, and its file does not say all of the microscope: give "
                + "--microscope and --emission to have one computed, or a file with --psf"
        )
    }

    @Test func aDyeInTheNameOfAChannelTellsTheWavelengths() throws {
        let image = image(channels: 2, names: ["DAPI", "actin-mCherry"]) {
            confocal(&$0)
            for index in $0.channels.indices { $0.channels[index].emission = nil }
        }
        let lines = try text(image)
        #expect(lines[2].contains("emission 461 nm (DAPI, for the channel's name is DAPI)"))
        #expect(lines[2].contains("emission 610 nm (mCherry, for the channel's name is actin-mCherry)"))
        #expect(try computed(image).channels.count == 2)
    }

    @Test func figuresThatCannotBeAreRefusedWithTheirPlace() {
        let slow = image {
            confocal(&$0)
            $0.channels[0].emission = .init(0.5, "EmissionWavelength of its OME-XML")
        }
        #expect(
            problem(slow)
                == "cell.tif: EmissionWavelength of its OME-XML says that the wavelength of the emitted light is "
                + "0.5 nm, which is outside 200 to 2000 nm; give --emission"
        )
        let dry = image {
            confocal(&$0)
            $0.immersion = .init("Air", "Immersion of its OME-XML")
        }
        #expect(
            problem(dry) == "cell.tif: a numerical aperture of 1.4 (LensNA) is not below the refractive index of the "
                + "immersion, 1 (Immersion of its OME-XML); give --na or --immersion"
        )
        let red = image {
            confocal(&$0)
            $0.channels[0].excitation = .init(640, "ExcitationWavelength")
        }
        #expect(
            problem(red)?.contains("light of 640 nm (ExcitationWavelength) cannot excite light of 520 nm") == true
        )
        let swapped = image {
            confocal(&$0)
            $0.channels[0].mode = .init("WideField", "AcquisitionMode")
            $0.channels[0].excitation = .init(560, "ExcitationWavelength")
        }
        #expect(problem(swapped)?.contains("light of 560 nm (ExcitationWavelength) cannot excite") == true)
        let blue = image {
            confocal(&$0)
            $0.channels[0].mode = .init("MultiPhotonMicroscopy", "AcquisitionMode")
            $0.channels[0].excitation = .init(488, "ExcitationWavelength")
        }
        #expect(problem(blue)?.contains("two photons of 488 nm (ExcitationWavelength) cannot excite") == true)
        var thin = MicroscopeOptions()
        thin.coverGlass = 0.17
        #expect(problem(image(confocal), thin)?.contains("give it in µm, such as 170") == true)
        let sted = image {
            confocal(&$0)
            $0.channels[0].mode = .init("STED", "AcquisitionMode")
        }
        #expect(
            problem(sted)?.contains("AcquisitionMode is STED, of which no PSF is computed; give one with --psf") == true
        )
    }

    @Test func aRefractiveIndexThatIsNotThatOfTheMediumIsPassedOver() throws {
        let lines = try text(
            image {
                confocal(&$0)
                $0.refractiveIndex = .init(1.33, "RefractiveIndex")
            }
        )
        #expect(lines[1].contains("immersion 1.515 (Immersion)"))
        #expect(
            lines[2].contains("passed over: a refractive index of 1.33 (RefractiveIndex), for it is not that of Oil")
        )
    }

    @Test(arguments: [
        ("WideField", "widefield"), ("SpinningDiskConfocal", "spinning-disk"), ("MultiPhotonMicroscopy", "two-photon"),
        ("Laser Scan Confocal", "confocal"), ("Widefield Fluorescence", "widefield"), ("SPIM", "light-sheet"),
    ])
    func wordsForMicroscopesAreUnderstood(mode: String, kind: String) throws {
        var options = MicroscopeOptions()
        options.excitation = [kind == "two-photon" ? 920 : 488]
        options.sheetThickness = kind == "light-sheet" ? 1 : nil
        let image = image {
            confocal(&$0)
            $0.channels[0].mode = .init(mode, "AcquisitionMode")
        }
        #expect(try text(image, options)[1].contains("\(kind) (AcquisitionMode)"))
    }

    @Test func aPinholeIsBelievedWhereItIsOneThatPeopleUse() throws {
        func lines(_ micrometers: Double) throws -> String {
            try text(
                image {
                    confocal(&$0)
                    $0.magnification = .init(63, "NominalMagnification")
                    $0.channels[0].pinhole = .init(micrometers, "PinholeSize")
                }
            )
            .joined()
        }
        #expect(try lines(30).contains("a pinhole of 0.476 µm in the sample (PinholeSize)"))
        // Magnified further on the way to it, nobody knows how much.
        #expect(try lines(3000).contains("a pinhole of 1 Airy unit (as is usual)"))
    }

    @Test func wavelengthsAreOneForAllOrOneAChannel() {
        var options = MicroscopeOptions()
        options.emission = [461, 525, 610]
        #expect(
            problem(image(channels: 2, confocal), options)
                == "--emission 461,525,610: 3 values, but cell.tif has 2 channels; give one for all or one a channel"
        )
        options.emission = []
        options.dyes = ["mChery"]
        #expect(problem(image(confocal), options) == "--dye mChery: is not known; did you mean mCherry?")
    }

    /// As in ImageJ's info, where a key without a number says nothing of which channel it is.
    @Test func aWavelengthThatIsSaidOnceForTwoChannelsIsAssumed() throws {
        func lines(_ names: [String]) throws -> [String] {
            try text(
                image(channels: 2, names: names) {
                    confocal(&$0)
                    for index in 0..<2 {
                        $0.channels[index].emission = .init(520, "EmissionWavelength in ImageJ's info", isShared: true)
                    }
                }
            )
        }
        #expect(try lines([])[1].contains("emission") == false)
        #expect(
            try lines([])[2].contains("emission 520 nm (EmissionWavelength in ImageJ's info has one for 2 channels)")
        )
        // A dye in a channel's name says more.
        #expect(try lines(["GFP", "mCherry"])[2].contains("610 nm"))
    }

    @Test func aLightSheetWithoutFiguresIsToldBothWays() {
        var options = MicroscopeOptions()
        options.kind = .lightSheet
        #expect(problem(image(confocal), options)?.contains("give --sheet-thickness or --sheet-na to have one") == true)
    }

    @Test func figuresThatWouldDoNothingAreRefused() {
        var options = MicroscopeOptions()
        options.kind = .widefield
        options.pinhole = .airyUnits(1)
        #expect(problem(image(confocal), options) == "--pinhole: a widefield microscope has none; leave it out")
        options.pinhole = nil
        options.sheetThickness = 2
        #expect(
            problem(image(confocal), options)
                == "--sheet-thickness: a widefield microscope has no light sheet; leave it out"
        )
        options.kind = .lightSheet
        options.sheetNA = 0.1
        #expect(problem(image(confocal), options)?.contains("--sheet-thickness and --sheet-na both say") == true)
    }

    @Test(arguments: [
        ("alexa488", "Alexa Fluor 488"), ("AF-488", "Alexa Fluor 488"), ("gfp", "EGFP"), ("Hoechst", "Hoechst 33342"),
    ])
    func dyesHaveManySpellings(text: String, name: String) { #expect(Dye.named(text)?.name == name) }

    @Test(arguments: [
        ("EGFP-Lifeact", "EGFP"), ("mTagBFP2 ch1", "mTagBFP2"), ("Alexa 647 (far red)", "Alexa Fluor 647"),
    ])
    func theLongestNameInATextCounts(text: String, name: String) { #expect(Dye.mentioned(in: text)?.name == name) }

    @Test(arguments: ["Channel 1", "brightfield", "", "488"])
    func noDyeIsMadeUp(text: String) { #expect(Dye.mentioned(in: text) == nil) }
}
