public import Foundation

/// Programs in Java that open our files as ImageJ and Bio-Formats do, and write files for us.
public enum TestJava {
    /// Programs of other people, in a JAR file each.
    private enum Library {
        case imageJ, bioFormats

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

    /// A program that opens files.
    public enum Reader: String, Sendable {
        /// ImageJ 1, which Fiji has in it.
        case imageJ = "ImageJReader"
        /// The importer of Fiji, QuPath and OMERO.
        case bioFormats = "BioFormatsReader"

        /// What the voxels' file has behind the name of the image.
        public var voxelSuffix: String { self == .imageJ ? ".imagej" : ".bioformats" }
    }

    /// A program that writes files, each as its name says.
    public enum Writer: String, Sendable {
        /// ImageJ 1.
        case imageJ = "ImageJWriter"
        /// What `bfconvert` writes with.
        case bioFormats = "BioFormatsWriter"
    }

    /// Opens files, and writes their voxels beside them; see the program in `Fixtures/Java`.
    /// - Returns: what the program prints about each file.
    public static func open<Found: Decodable>(
        _ paths: [String],
        in reader: Reader,
        as _: Found.Type = Found.self
    ) throws -> [Found] {
        let lines = try run(reader.rawValue, reader == .imageJ ? .imageJ : .bioFormats, paths)
        guard lines.count == paths.count else {
            throw Failure(description: "\(reader.rawValue) says \(lines.count) lines of \(paths.count) files")
        }
        return try lines.map { try JSONDecoder().decode(Found.self, from: Data($0.utf8)) }
    }

    /// Makes files; see the program in `Fixtures/Java`.
    public static func write(_ paths: [String], by writer: Writer) throws {
        _ = try run(writer.rawValue, writer == .imageJ ? .imageJ : .bioFormats, paths)
    }

    /// Runs a program of the fixtures, and gives the lines of JSON that it prints.
    private static func run(_ program: String, _ library: Library, _ paths: [String]) throws -> [Substring] {
        guard let archive = library.archive else { throw Failure(description: library.missing) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            ["java", "-Djava.awt.headless=true", "-Dfile.encoding=UTF-8", "-cp", archive]
            + [Fixtures.url("Java/\(program).java").path] + paths
        let (output, error) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = error
        try process.run()
        // What it says of errors is little, and fits the pipe.
        let lines = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            .split(separator: "\n").filter { $0.hasPrefix("{") }
        let words = String(decoding: error.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(description: "\(program) ended with \(process.terminationStatus): \(words)")
        }
        return lines
    }

    /// A program that did not run.
    public struct Failure: Error, CustomStringConvertible {
        /// Why.
        public let description: String
    }
}
