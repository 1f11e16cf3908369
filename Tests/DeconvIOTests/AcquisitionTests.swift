import DeconvIO
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

@Suite struct AcquisitionTests {
    /// What a TIFF with a description says of its microscope.
    private func acquisition(_ description: String, pages: Int = 2) throws -> AcquisitionMetadata? {
        let folder = try TemporaryFolder()
        let bytes = TinyTIFF.bytes(pages: pages, description: description)
        try Data(bytes).write(to: folder.url.appendingPathComponent("tiny.tif"))
        return try TIFFSource(path: folder.path("tiny.tif")).image.acquisition
    }

    private func ome(_ instrument: String, _ settings: String, _ channels: String, channelCount: Int = 2) -> String {
        """
        <OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">\(instrument)<Image ID="Image:0">\(settings)\
        <Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="2" SizeY="1" SizeZ="\(2 / channelCount)" \
        SizeC="\(channelCount)" SizeT="1">\(channels)<TiffData/></Pixels></Image></OME>
        """
    }

    @Test func everythingThatOMEXMLSaysIsReadWithItsPlace() throws {
        let text = ome(
            """
            <Instrument ID="Instrument:0"><Objective ID="Objective:0" LensNA="0.4" Immersion="Air"/>\
            <Objective ID="Objective:1" LensNA="1.4" NominalMagnification="63" Immersion="Oil"/></Instrument>
            """,
            #"<ObjectiveSettings ID="Objective:1" RefractiveIndex="1.518"/>"#,
            """
            <Channel ID="Channel:0:0" Name="DAPI" EmissionWavelength="461" ExcitationWavelength="405" PinholeSize="57.2" \
            AcquisitionMode="LaserScanningConfocalMicroscopy"/>\
            <Channel ID="Channel:0:1" EmissionWavelength="0.525" EmissionWavelengthUnit="µm" Fluor="EGFP"/>
            """
        )
        let found = try #require(try acquisition(text))
        #expect(found.numericalAperture == .init(1.4, "LensNA of its OME-XML"))
        #expect(found.magnification == .init(63, "NominalMagnification of its OME-XML"))
        #expect(found.immersion == .init("Oil", "Immersion of its OME-XML"))
        #expect(found.refractiveIndex == .init(1.518, "RefractiveIndex of its OME-XML"))
        try #require(found.channels.count == 2)
        #expect(found.channels[0].emission?.value == 461)
        #expect(found.channels[0].excitation?.value == 405)
        #expect(found.channels[0].pinhole?.value == 57.2)
        #expect(found.channels[0].mode?.value == "LaserScanningConfocalMicroscopy")
        #expect(found.channels[0].dye == .init("DAPI", "Name of its OME-XML"))
        #expect(abs((found.channels[1].emission?.value ?? 0) - 525) < 1e-9)
        #expect(found.channels[1].dye?.value == "EGFP")
    }

    @Test func objectivesOfOlderSchemasHadElements() throws {
        let text = ome(
            """
            <Instrument><Objective ID="O"><LensNA>1.2</LensNA><Immersion>Water</Immersion>\
            <NominalMagnification>60</NominalMagnification></Objective></Instrument>
            """,
            #"<ObjectiveRef ID="O"/><LogicalChannel ID="L" EmWave="520" ExWave="488" Mode="Wide-field"/>"#,
            "",
            channelCount: 1
        )
        let found = try #require(try acquisition(text))
        #expect(found.numericalAperture?.value == 1.2)
        #expect(found.immersion?.value == "Water")
        #expect(found.magnification?.value == 60)
        #expect(found.channels.map { $0.emission?.value } == [520])
        #expect(found.channels.map { $0.excitation?.value } == [488])
        #expect(found.channels.map { $0.mode?.value } == ["Wide-field"])
    }

    @Test func theLaserOfAChannelExcitesIt() throws {
        let text = ome(
            #"<Instrument ID="I"><Laser ID="LightSource:0" Wavelength="561"/></Instrument>"#,
            "",
            #"<Channel ID="C"><LightSourceSettings ID="LightSource:0"/></Channel>"#,
            channelCount: 1
        )
        #expect(try acquisition(text)?.channels.map { $0.excitation?.value } == [561])
    }

    @Test func aFileThatSaysNothingHasNoMetadata() throws {
        #expect(try acquisition(ome("", "", #"<Channel ID="C"/>"#, channelCount: 1)) == nil)
        #expect(try acquisition("ImageJ=1.54f\nimages=2\nslices=2\n") == nil)
        #expect(try acquisition("") == nil)
    }

    @Test(
        arguments: [
            // Bio-Formats' keys for the formats of Zeiss, Leica, Nikon, Olympus; an objective's name as Zeiss and Nikon have it.
            (
                "Information|Instrument|Objective|LensNA #1 = 1.4\nInformation|Instrument|Objective|Immersion #1 = Oil",
                1.4, "Oil"
            ),
            ("HardwareSetting|ATLConfocal|NumericalAperture = 1.2\nImage|Immersion = WATER", 1.2, "WATER"),
            ("Numerical Aperture = 1.45\nObjectiveName: x", 1.45, nil),
            ("[Objective] NAValue = 0.95", 0.95, nil),
            ("Recording Objective #1 = Plan-Apochromat 63x/1.40 Oil DIC M27", 1.4, "oil"),
            ("wsObjectiveName = Plan Apo TIRF 100x 1.49 NA Oil", 1.49, "oil"),
        ] as [(String, Double, String?)]
    )
    func makersKeysAreKnown(info: String, aperture: Double, immersion: String?) throws {
        let found = AcquisitionText.acquisition(info, channelCount: 1, place: "ImageJ's info")
        #expect(found.numericalAperture?.value == aperture)
        #expect(found.immersion?.value == immersion)
    }

    @Test func numbersBehindKeysAreThoseOfChannels() throws {
        let info = """
            Information|Image|Channel|EmissionWavelength #1 = 461
            Information|Image|Channel|EmissionWavelength #2 = 525 nm
            Information|Image|Channel|EmissionWavelength #3 = 700
            Information|Image|Channel|PinholeSizeAiry #2 = 1.2
            Information|Image|Channel|AcquisitionMode #1 = LaserScanningConfocalMicroscopy
            RefractiveIndex = 1.518
            Modality = Widefield Fluorescence
            """
        let found = AcquisitionText.acquisition(info, channelCount: 2, place: "ImageJ's info")
        #expect(found.channels.map { $0.emission?.value } == [461, 525])
        #expect(found.channels.map { $0.pinholeAiryUnits?.value } == [nil, 1.2])
        #expect(found.channels.map { $0.mode?.value } == ["LaserScanningConfocalMicroscopy", "Widefield Fluorescence"])
        #expect(found.refractiveIndex == .init(1.518, "RefractiveIndex in ImageJ's info"))
    }

    /// As programs write numbers where decimals stand behind a comma.
    @Test func aCommaBeforeDecimalsIsRead() throws {
        let text = ome(
            #"<Instrument ID="I"><Objective ID="O" LensNA="1,4" Immersion="Oil"/></Instrument>"#,
            "",
            #"<Channel ID="C" EmissionWavelength="520,5"/>"#,
            channelCount: 1
        )
        let found = try #require(try acquisition(text))
        #expect(found.numericalAperture?.value == 1.4 && found.channels[0].emission?.value == 520.5)
        func info(_ text: String) -> AcquisitionMetadata {
            AcquisitionText.acquisition(text, channelCount: 1, place: "ImageJ's info")
        }
        #expect(info("LensNA = 1,4").numericalAperture?.value == 1.4)
        #expect(info("RefractiveIndex = 1,515").refractiveIndex?.value == 1.515)
        #expect(info("ObjectiveName = Plan-Apochromat 63x/1,40 Oil").numericalAperture?.value == 1.4)
        #expect(info("ExcitationWavelength = 488,561").channels.map { $0.excitation?.value } == [488])
        #expect(info("ExcitationWavelength = 488, 561").channels.map { $0.excitation?.value } == [488])
    }

    @Test func lightThatIsSaidOnceIsSharedByChannels() {
        let info = "EmissionWavelength = 520\nExcitationWavelength #2 = 561"
        let found = AcquisitionText.acquisition(info, channelCount: 2, place: "ImageJ's info")
        #expect(found.channels.map { $0.emission?.isShared } == [true, true])
        #expect(found.channels.map { $0.excitation?.isShared } == [nil, false])
        let one = AcquisitionText.acquisition(info, channelCount: 1, place: "ImageJ's info")
        #expect(one.channels.map { $0.emission?.isShared } == [false])
    }
}
