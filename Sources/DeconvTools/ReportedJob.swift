import DeconvIO
import DeconvMethods
package import DeconvOptions
import DeconvPipeline
package import DeconvVolume
import Foundation

/// A run as its report describes it, to be made again.
package struct ReportedJob: Sendable {
    /// Where the image lay.
    package let image: String
    /// Where the PSFs lay.
    package let psfs: [String]
    /// Where the result lay.
    package let output: String
    /// The options that were given.
    package private(set) var options = JobOptions()
    /// Inputs that are not what they were.
    package private(set) var warnings: [Diagnostic] = []

    private struct Report: Decodable {
        struct File: Decodable {
            let path: String
            let bytes: Int?
            let crc32c: String?
        }
        struct Inputs: Decodable {
            let image: File
            let psf: [File]
            let flatField: File?
            let mask: File?
            let view: File?
            let viewPSF: [File]?
        }
        struct Option: Decodable {
            let value: OptionScalar?
            let given: Bool
        }
        let program: String
        let version: String
        let inputs: Inputs?
        let output: String?
        let options: [String: Option]
    }

    /// Reads a report that `--report` wrote.
    /// - Throws: `inputNotFound` where there is no such file, `invalidData` where it is no report of files.
    package init(path: String) throws(DeconvolutionError) {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw DeconvolutionError(
                .inputNotFound,
                "\(path): cannot be read; name the file that a run wrote its report to"
            )
        }
        let report: Report
        do { report = try JSONDecoder().decode(Report.self, from: data) } catch {
            throw DeconvolutionError(
                .invalidData,
                "\(path): is no report of gpudeconv with inputs and options; name one that this version wrote"
            )
        }
        guard report.program == "gpudeconv", let inputs = report.inputs, let output = report.output else {
            throw DeconvolutionError(
                .invalidData,
                "\(path): is the report of a run on arrays in memory, which cannot be made again from files"
            )
        }
        image = inputs.image.path
        psfs = inputs.psf.map(\.path)
        self.output = output
        for (name, option) in report.options where option.given {
            do throws(DeconvolutionError) {
                try OptionTable.standard.set(&options, name, to: option.value?.text)
            } catch {
                throw DeconvolutionError(.invalidData, "\(path): has an option that there is not: \(error.line)")
            }
        }
        // The PSFs are named by their paths from the root on, and their places stay.
        options.psfFiles = nil
        // The path of the image is that of its array, and the others are those from the root on.
        options.selection.array = nil
        options.given.remove(.array)
        // The mask that was found is there already.
        options.output.maskPath = nil
        options.given.remove(.writeMask)
        // So is the map of what is uncertain, which alone may have asked for photons.
        if options.output.uncertaintyPath != nil {
            options.output.uncertaintyPath = nil
            options.given.remove(.uncertainty)
            if (try? OptionTable.standard.validate(options)) == nil { options.given.subtract([.gain, .seed]) }
        }
        if let flatField = inputs.flatField { options.flatField = flatField.path }
        if let mask = inputs.mask { options.mask = mask.path }
        if let view = inputs.view { options.view = view.path }
        // A pattern of several stays as it is.
        if let psfs = inputs.viewPSF, psfs.count == 1 { options.viewPSF = psfs[0].path }
        if report.version != ProgramVersion.text {
            warnings.append(
                Diagnostic(
                    .versionChanged,
                    "\(path): was written by another version; results may differ",
                    figures: "\(report.version), and this is \(ProgramVersion.text)"
                )
            )
        }
        for file in [inputs.image] + inputs.psf + [inputs.flatField, inputs.mask, inputs.view].compactMap(\.self)
            + (inputs.viewPSF ?? [])
        {
            guard let then = file.crc32c else {
                warnings.append(
                    Diagnostic(
                        .inputNotCompared,
                        "\(file.path): whether it is what it was at that run cannot be told: of arrays in Zarr, and of more than "
                            + "4 GiB, no checksum is taken"
                    )
                )
                continue
            }
            guard let now = try? ImageFile.open(path: file.path), let sum = FileChecksum(of: now.paths).wait(),
                let checksum = sum.checksum, checksum != then
            else { continue }
            warnings.append(
                Diagnostic(
                    .inputChanged,
                    "\(file.path): is not the file that it was at that run; the result will be another",
                    figures: "CRC-32C \(checksum), and was \(then)"
                )
            )
        }
    }
}
