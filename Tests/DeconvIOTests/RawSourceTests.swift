import DeconvIO
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

@Suite struct RawSourceTests {
    private let folder = try! TemporaryFolder()

    @Test func filesOfMRCAndDeltaVisionOfOtherProgramsAreRead() throws {
        let result = try TestPython.run(Fixtures.url("Raw/make_raw.py"), [folder.url.path])
        #expect(result.status == 0, "\(result.output)")
        let deltaVision = try ImageFile.open(path: folder.path("a.dv"))
        #expect(deltaVision.image.shape == VolumeShape(z: 3, y: 4, x: 5))
        #expect(deltaVision.image.channelCount == 2)
        #expect(try #require(deltaVision.image.spacing).matches(VoxelSpacing(z: 0.3, y: 0.2, x: 0.1)))
        for channel in 0..<2 {
            var wanted: [Float] = []
            for z in 0..<3 { for pixel in 0..<20 { wanted.append(Float((z * 2 + channel) * 20 + pixel)) } }
            #expect(try deltaVision.readVolume(channel: channel).floats == wanted)
        }
        for (name, type) in [("i2", PixelType.int16), ("u2", .uint16), ("f4", .float32)] {
            let source = try ImageFile.open(path: folder.path("\(name).mrc"))
            #expect(source.image.pixelType == type)
            #expect(try #require(source.image.spacing).matches(VoxelSpacing(z: 0.3, y: 0.2, x: 0.1)))
            // A box that is narrower than the rows.
            let box = Region(origin: VolumeIndex(z: 1, y: 1, x: 2), shape: VolumeShape(z: 2, y: 3, x: 2))
            var wanted: [Float] = []
            for z in 1..<3 { for y in 1..<4 { for x in 2..<4 { wanted.append(Float(z * 40 + y * 5 + x)) } } }
            #expect(try source.read(box, channel: 0, timepoint: 0).floats == wanted)
        }
    }

    /// The header of an image of 3 x 2 pixels, 2 planes and 2 channels.
    private func header(version: Int, type: String, bits: Int, order: String, compression: String = "uncompressed")
        -> String
    {
        """
        \t
        ics_version\t\(version).0
        filename\ta
        layout\torder\tbits\tx\ty\tz\tch
        layout\tsizes\t\(bits)\t3\t2\t2\t2
        representation\tformat\t\(type)
        representation\tsign\tunsigned
        representation\tcompression\t\(compression)
        representation\tbyte_order\t\(order)
        parameter\tscale\t1\t0.1\t0.2\t300\t1
        parameter\tunits\tbits\tmicrometers\tmicrometers\tnm\tundefined
        end

        """
    }

    // By the format's description: version 1 has its voxels in a file beside the header, version 2 behind it.
    @Test(arguments: [1, 2], [true, false])
    func imagesOfICSAreRead(version: Int, isBigEndian: Bool) throws {
        let order = isBigEndian ? "2\t1" : "1\t2"
        let voxels = (0..<24).flatMap { value -> [UInt8] in isBigEndian ? [1, UInt8(value)] : [UInt8(value), 1] }
        let text = Data(header(version: version, type: "integer", bits: 16, order: order).utf8)
        try (version == 1 ? text : text + Data(voxels)).write(to: folder.url.appendingPathComponent("a.ics"))
        if version == 1 { try Data(voxels).write(to: folder.url.appendingPathComponent("a.ids")) }
        let source = try ImageFile.open(path: folder.path("a.ics"))
        #expect(source.image.shape == VolumeShape(z: 2, y: 2, x: 3))
        #expect(source.image.channelCount == 2)
        #expect(try #require(source.image.spacing).matches(VoxelSpacing(z: 0.3, y: 0.2, x: 0.1)))
        #expect(try source.readVolume(channel: 1).floats == (12..<24).map { Float(256 + $0) })
        #expect(source.paths.count == (version == 1 ? 2 : 1))
    }

    @Test func whatCannotBeReadOfICSIsSaid() throws {
        func problem(_ text: String) throws -> String {
            try Data(text.utf8).write(to: folder.url.appendingPathComponent("a.ics"))
            do throws(DeconvolutionError) {
                _ = try ImageFile.open(path: folder.path("a.ics"))
                return ""
            } catch {
                return error.message
            }
        }
        let whole = header(version: 2, type: "integer", bits: 16, order: "1\t2")
        #expect(try problem(whole).contains("is truncated: its header claims 4 planes of 3 x 2 uint16"))
        #expect(
            try problem(header(version: 2, type: "integer", bits: 16, order: "1\t2", compression: "gzip"))
                .contains("is compressed (gzip)")
        )
        #expect(
            try problem(header(version: 1, type: "integer", bits: 16, order: "1\t2")).contains(
                "a.ids, which is missing"
            )
        )
        #expect(try problem(whole.replacing("\tz\tch", with: "\tphi\tch")).contains("has the axes bits, x, y, phi, ch"))
    }
}
