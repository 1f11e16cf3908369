import DeconvTestSupport
import DeconvVolume
import Testing

@testable import DeconvIO

@Suite struct JournalMessageTests {
    @Test func warningsComeBackFromAJournalWithTheirOptions() throws {
        var figures = VolumeFigures()
        figures.warnings = [
            Diagnostic(.belowBackground, "\(subject: "a.tif"): not above \(.background, 98)", figures: "a mean of 3"),
            Diagnostic(.noGoodVoxel, "no light", figures: "below \(.saturation, 900), or \(on: .psfAsIs)"),
            Diagnostic(.cameraOffset, "give \(.threads)"),
        ]
        let line = figures.json.line
        #expect(VolumeFigures(try JSONValue(parsing: Array(line.utf8)))?.warnings == figures.warnings)
    }

    @Test func warningsOfOlderJournalsAreTexts() throws {
        let line = #"""
            {"light": 1, "sum": 2, "maskedVoxels": 0, "saturatedVoxels": 0,
             "warnings": [["cameraOffset", "give --background", "3 counts"], ["noLight", "dark"]]}
            """#
        let figures = VolumeFigures(try JSONValue(parsing: Array(line.utf8)))
        #expect(
            figures?.warnings == [
                Diagnostic(.cameraOffset, "give --background", figures: "3 counts"), Diagnostic(.noLight, "dark"),
            ]
        )
    }

    @Test(arguments: [#"{"option": "a"}"#, #"["a", 3]"#, #"{"option": "a", "property": "a", "value": 1}"#, "null"])
    func whatIsNoLineIsRefused(text: String) throws {
        #expect(Message(try JSONValue(parsing: Array(text.utf8))) == nil)
    }

    @Test func aJobComesBackWithItsTiles() throws {
        var job = JobFingerprint(["image": "raw.zarr", "\(.iterations)": "10"])
        job.tileShape = VolumeShape(z: 40, y: 192, x: 96)
        let line = JSONValue.object(job.json).line
        #expect(line == #"{"job": [["image", "raw.zarr"], ["--iterations", "10"]], "tile": [40, 192, 96]}"#)
        let again = try #require(try JSONValue(parsing: Array(line.utf8)).object.flatMap(JobFingerprint.init))
        #expect(again == job && again.tileShape == job.tileShape)
        #expect(job.differences(from: again).isEmpty)
    }

    @Test func aJobComesBackWithWhatWasFound() throws {
        var job = JobFingerprint(["image": "raw.zarr", "\(.iterations)": "10"])
        let plain = job
        job.findings = #"{"channels":[{"background":98.2}]}"#
        let line = JSONValue.object(job.json).line
        let again = try #require(try JSONValue(parsing: Array(line.utf8)).object.flatMap(JobFingerprint.init))
        #expect(again.findings == job.findings)
        // It follows from the image, and tells no jobs apart.
        #expect(again == plain && plain.findings == nil)
    }

    @Test func differencesNameOptions() {
        let (now, begun) = (JobFingerprint(["\(.iterations)": "20"]), JobFingerprint(["\(.iterations)": "10"]))
        let told = now.differences(from: begun)
        #expect(told.map { $0.text(.flag) } == ["--iterations is 20 and was 10"])
        #expect(told.first?.options == [.iterations])
    }
}
