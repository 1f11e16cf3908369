import DeconvIO
import DeconvTestSupport
import DeconvVolume
import Foundation

/// A folder of tiny TIFF files, of which each plane has a value of its own, and what is read of them.
final class FileSets {
    let folder = try! TemporaryFolder()

    /// Writes a file whose planes hold the values from `value` on.
    func write(
        _ name: String,
        _ description: String = "",
        pages: Int = 1,
        from value: Int = 0,
        resolution: [(UInt32, UInt32)] = [],
        unit: UInt16 = 1,
        extra: (tag: UInt16, bytes: [UInt8])? = nil
    ) throws {
        let url = folder.url.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        let bytes = TinyTIFF.bytes(
            pages: pages,
            description: description,
            resolution: resolution,
            resolutionUnit: unit,
            firstValue: value,
            extra: extra
        )
        try Data(bytes).write(to: url)
    }

    func open(_ name: String, axes: String? = nil, array: String? = nil) throws -> any ImageFileSource {
        try ImageFile.open(
            path: folder.path(name),
            options: ImageFile.Options(array: array, axes: axes, offersOptions: true)
        )
    }

    /// Channels, planes and time points.
    func counts(_ source: any ImageFileSource) -> [Int] {
        [source.image.channelCount, source.image.shape.z, source.image.timepointCount]
    }

    /// The value of every plane, channel fastest, then z, then time.
    func values(_ source: any ImageFileSource) throws -> [Int] {
        var values: [Int] = []
        for timepoint in 0..<source.image.timepointCount {
            let channels = try (0..<source.image.channelCount).map {
                try source.readVolume(channel: $0, timepoint: timepoint).floats
            }
            for z in 0..<source.image.shape.z { values += channels.map { Int($0[2 * z]) } }
        }
        return values
    }

    /// What the body throws, with the folder written as `DIR`; nil where it throws nothing.
    func problem(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch let error as DeconvolutionError {
            return error.text(.flag).replacingOccurrences(of: folder.url.path, with: "DIR")
        } catch {
            return "\(error)"
        }
    }

    /// OME-XML of 2 x 1 pixels in `XYZCT`.
    static func ome(_ sizes: String, _ data: String, uuid: String? = nil, calibration: String = "") -> String {
        """
        <?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"\
        \(uuid.map { " UUID=\"\($0)\"" } ?? "")><Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" \
        Type="uint8" SizeX="2" SizeY="1" \(sizes) \(calibration)>\(data)</Pixels></Image></OME>
        """
    }
}
