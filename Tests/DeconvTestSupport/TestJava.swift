public import Foundation

/// Programs in Java that open our files as ImageJ and Bio-Formats do.
public enum TestJava {
    /// A program with its JAR file.
    public enum Reader: String, Sendable {
        /// ImageJ 1, which Fiji has in it.
        case imageJ = "ImageJReader"
        /// The importer of Fiji, QuPath and OMERO.
        case bioFormats = "BioFormatsReader"

        /// What the voxels' file has behind the name of the image.
        public var voxelSuffix: String { self == .imageJ ? ".imagej" : ".bioformats" }

        private var variable: String { self == .imageJ ? "GPUDECONV_IMAGEJ_JAR" : "GPUDECONV_BIOFORMATS_JAR" }

        /// Nil where it is not there.
        var archive: String? {
            let named = ProcessInfo.processInfo.environment[variable]
            let usual =
                self == .imageJ
                ? "/usr/share/java/ij.jar" : TestPython.package("bioformats/jars/bioformats_package.jar")?.path
            return [named, usual].compactMap(\.self).first { FileManager.default.fileExists(atPath: $0) }
        }

        /// What a test says where it is not there: a missing check is a failure and no skip.
        var missing: String {
            self == .imageJ
                ? "no ImageJ: `make test` installs libij-java, or name ij.jar in GPUDECONV_IMAGEJ_JAR"
                : "no Bio-Formats: `make test` puts it into .venv-test, or name its JAR in GPUDECONV_BIOFORMATS_JAR"
        }
    }

    /// Opens files, and writes their voxels beside them; see the program in `Fixtures/Java`.
    /// - Returns: what the program prints about each file.
    public static func open<Found: Decodable>(
        _ paths: [String],
        in reader: Reader,
        as _: Found.Type = Found.self
    ) throws -> [Found] {
        guard let archive = reader.archive else { throw Failure(description: reader.missing) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            ["java", "-Djava.awt.headless=true", "-Dfile.encoding=UTF-8", "-cp", archive]
            + [Fixtures.url("Java/\(reader.rawValue).java").path] + paths
        let (output, error) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = error
        try process.run()
        // What it says of errors is little, and fits the pipe.
        let lines = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            .split(separator: "\n").filter { $0.hasPrefix("{") }
        let words = String(decoding: error.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0, lines.count == paths.count else {
            throw Failure(description: "\(reader.rawValue) ended with \(process.terminationStatus): \(words)")
        }
        return try lines.map { try JSONDecoder().decode(Found.self, from: Data($0.utf8)) }
    }

    /// A program that did not run.
    public struct Failure: Error, CustomStringConvertible {
        /// Why.
        public let description: String
    }
}
