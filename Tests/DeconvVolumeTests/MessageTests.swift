import DeconvVolume
import Foundation
import Testing

@Suite struct MessageTests {
    private static let line: Message =
        "\(subject: "cell.tif"): \(.background, 98) is too much; set \(.psfSpacing) or \(on: .overwrite), or \(.threads, 2)"

    @Test(arguments: [
        (OptionName.Style.flag, "--background 98 is too much; set --psf-spacing or --overwrite, or --threads 2"),
        (.keyword, "background=98 is too much; set psf_spacing= or overwrite=True, or threads=2"),
        (.property, ".background = 98 is too much; set .psfSpacing or .overwrite = true, or .threadCount = 2"),
    ])
    func everyFrontEndWritesOptionsInItsOwnWay(style: OptionName.Style, text: String) {
        #expect(Self.line.text(style) == "cell.tif: \(text)")
    }

    @Test func aLineTellsWhatItNames() {
        #expect(Self.line.options == [.background, .psfSpacing, .overwrite, .threads])
        #expect(Self.line.subject == "cell.tif")
        #expect("a --report of flat-field" as Message == Message(stringLiteral: "a --report of flat-field"))
    }

    @Test func linesThatAreMadeOfOthersKeepTheirOptions() {
        let cause = DeconvolutionError(.deviceFailed, "use \(.fft, "vkfft")")
        let error = DeconvolutionError(.outOfMemory, "lower " + "\(.memoryLimit)", cause: cause)
        let again: Message = "gave up: \(error)"
        #expect(again.text(.flag) == "gave up: lower --memory-limit: use --fft vkfft")
        #expect(error.description(.keyword) == "lower memory_limit=: use fft=vkfft")
        #expect(error.description == "lower .memoryLimitBytes: use .fft = vkfft")
        #expect(error.options == [.memoryLimit] && again.options == [.memoryLimit, .fft])
        #expect(error.reason.text(.flag) == "use --fft vkfft")
        #expect([again, error.line].joined(separator: ", ").options == [.memoryLimit, .fft, .memoryLimit])
    }

    @Test func theReasonOfAFailureIsOneLine() {
        struct Log: Error, CustomStringConvertible { var description: String { "it broke\nhere" } }
        #expect(DeconvolutionError(.deviceFailed, "use \(.device)", cause: Log()).reason.text(.flag) == "it broke")
        #expect(DeconvolutionError(.deviceFailed, "use \(.device)").reason.text(.flag) == "use --device")
    }

    @Test func linesAboutDifferentFilesThatSayTheSameAreAlikeWithoutThem() {
        let lines = ["a.tif", "b.tif"].map { "\(subject: $0): give \(.spacing)" as Message }
        #expect(lines[0] != lines[1] && lines[0].withoutSubject == lines[1].withoutSubject)
    }

    @Test func anEncoderSaysHowOptionsAreNamed() throws {
        let warning = Diagnostic(.cameraOffset, "give \(.background)", figures: "\(.saturation, 4095)")
        for (style, message, figures) in [
            (OptionName.Style.flag, "give --background", "--saturation 4095"),
            (.keyword, "give background=", "saturation=4095"), (nil, "give .background", ".saturation = 4095"),
        ] {
            let encoder = JSONEncoder()
            encoder.userInfo[.optionStyle] = style
            let object = try JSONSerialization.jsonObject(with: encoder.encode(warning)) as? [String: String]
            #expect(object == ["kind": "cameraOffset", "message": message, "figures": figures])
        }
    }
}
