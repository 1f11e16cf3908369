package import DeconvVolume

/// Every option, declared once. What checks, parses, compares, reports or documents options is derived from here.
package struct OptionTable: Sendable {
    /// In the order of help: group after group.
    package let options: [OptionDescription]
    private let methods: [MethodDescription]
    private let byName: [OptionName: OptionDescription]

    /// The table with the methods that there are.
    package init(methods: [MethodDescription]) {
        self.methods = methods
        options = Self.records.map { $0.completed(methods) }
        byName = Dictionary(uniqueKeysWithValues: options.map { ($0.name, $0) })
    }

    /// The record of an option; nil where there is none of that name.
    package subscript(name: OptionName) -> OptionDescription? { byName[name] }

    /// Sets an option by its name.
    /// - Parameters:
    ///   - name: its words with dashes or underscores between them.
    ///   - text: its value; nil for its default.
    /// - Throws: `invalidArgument` for a name or value that there is not.
    package func set(_ options: inout JobOptions, _ name: String, to text: String?) throws(DeconvolutionError) {
        guard let option = option(named: name) else {
            let names = self.options.map(\.name.words)
            let remedy =
                names.nearest(to: name).map { "did you mean \($0)?" }
                ?? "there are \(names.sorted().joined(separator: ", "))"
            throw DeconvolutionError(.invalidArgument, "\(name): no such option; \(remedy)")
        }
        try option.set(&options, to: text)
    }

    /// The record of an option; nil where there is none of that name.
    /// - Parameter name: its words with dashes or underscores between them, or its keyword.
    package func option(named name: String) -> OptionDescription? {
        let words = name.replacing("_", with: "-")
        return options.first { $0.name.words == words }
            ?? options.first { $0.name.keyword.replacing("_", with: "-") == words }
    }

    /// Checks what no file is needed for: values against their ranges, and what was given against the method.
    /// - Throws: `invalidArgument` naming the option, its value and its range.
    package func validate(_ options: JobOptions) throws(DeconvolutionError) {
        for option in self.options { try option.check(options) }
        let method = method(of: options)
        // Halves of photons are asked for whatever the method.
        let ofHalves: Set<OptionName> = options.halvesPhotons ? [.gain, .seed] : []
        for option in self.options where options.given.subtracting(ofHalves).contains(option.name) {
            guard let takers = option.methods, !takers.contains(method) else { continue }
            throw DeconvolutionError(
                .invalidArgument,
                "\(option.name) means nothing to \(.method, method): it is for "
                    + "\(takers.map(\.rawValue).listed("and")); leave it out"
            )
        }
        for name in methods.first(where: { $0.name == method })?.divisors ?? []
        where self[name]?.value(options) == .number(0) {
            throw DeconvolutionError(
                .invalidArgument,
                "\(name, 0): \(.method, method) would divide by nearly nothing; give one above 0, or leave it out"
            )
        }
        try checkStop(options, method)
    }

    /// The method that options name; where they name none the first there is, or Richardson-Lucy where something was given that this
    /// takes and the first does not.
    package func method(of options: JobOptions) -> MethodName {
        if let name = options.deconvolution.method { return name }
        guard let standard = methods.first, let expected = methods.first(where: { $0.name == .richardsonLucy }) else {
            return .richardsonLucy
        }
        let wants = options.given.contains { expected.options.contains($0) && !standard.options.contains($0) }
        return wants ? expected.name : standard.name
    }

    /// The same options with the method that they come to.
    package func settled(_ options: JobOptions) -> JobOptions {
        var options = options
        options.deconvolution.method = method(of: options)
        return options
    }

    /// Refuses what contradicts a stop rule, or does nothing without one.
    private func checkStop(_ options: JobOptions, _ method: MethodName) throws(DeconvolutionError) {
        let (given, wanted) = (options.given, options.deconvolution)
        guard self[.stop]?.methods?.contains(method) ?? true else { return }
        let description = methods.first { $0.name == method }
        let stop = wanted.stop == .auto ? description?.stop(wanted) ?? .none : wanted.stop
        if stop != .none, given.contains(.iterations) {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.stop, stop.text) finds the number of iterations, which \(.iterations) gives; leave one of them out, or "
                    + "give \(.maxIterations)"
            )
        }
        if stop == .consensus, description?.stop != .consensus {
            let takers = methods.filter { $0.stop == .consensus }.map(\.name.rawValue).listed("and")
            throw DeconvolutionError(
                .invalidArgument,
                "\(.stop, stop.text) means nothing to \(.method, method), which has no halves that could agree: it is "
                    + "for \(takers); give \(.stop, "held-out")"
            )
        }
        if wanted.totalVariation == .auto, stop != .heldOut {
            throw DeconvolutionError(
                .invalidArgument,
                "\(.totalVariation, "auto"): only photons that are held out tell; give \(.stop, "held-out"), or a weight"
            )
        }
        try checkPenalties(wanted)
        let hasHalves = options.halvesPhotons
        let asksForPhotons = description?.asksForPhotons ?? false
        let isTuned = stop != .none || wanted.totalVariation != 0 || asksForPhotons
        let needsPhotons = stop == .heldOut || wanted.totalVariation != 0 || asksForPhotons || hasHalves
        let drawsPhotons = stop == .heldOut || description?.stop == .consensus || hasHalves
        let uses: [(OptionName, Bool, Message)] = [
            (.maxIterations, stop != .none, "\(.stop)"),
            (.gain, needsPhotons, "\(.stop, "held-out"), \(.totalVariation) or \(.uncertainty)"),
            (.seed, drawsPhotons, "\(.stop, "held-out") or \(.uncertainty)"),
            (.tuning, isTuned, "\(.stop) or \(.totalVariation)"),
        ]
        for (option, isUsed, use) in uses where given.contains(option) && !isUsed {
            throw DeconvolutionError(
                .invalidArgument,
                "\(option): does nothing without \(use); give that too, or leave it out"
            )
        }
    }

    /// Refuses more than one penalty, for they share a divisor.
    private func checkPenalties(_ wanted: DeconvolutionOptions) throws(DeconvolutionError) {
        let penalties: [(name: OptionName, isWanted: Bool)] = [
            (.totalVariation, wanted.totalVariation != 0), (.goodRoughness, wanted.goodRoughness > 0),
            (.tikhonovMiller, wanted.tikhonovMiller > 0),
        ]
        let chosen = penalties.filter(\.isWanted)
        guard chosen.count > 1 else { return }
        throw DeconvolutionError(
            .invalidArgument,
            "\(chosen[0].name) and \(chosen[1].name) both say how smooth the estimate is to be; give one of them"
        )
    }

    /// The values of all options of a group: what is kept for one of these keys suits all jobs of the same.
    package func key(_ group: OptionDescription.Group, of options: DeconvolutionOptions) -> [OptionScalar?] {
        var job = JobOptions()
        job.deconvolution = options
        return self.options.filter { $0.group == group }.map { $0.value(job) }
    }
}

extension OptionTable {
    /// The records, as far as they do not depend on the methods that there are.
    static let records: [OptionDescription] = [
        // MARK: Input
        OptionDescription(
            .psfAt,
            .input,
            \.psfAt,
            "PSFs that differ from place to place: z or z/y/x of each in µm from the image's first voxel, and its file; z alone, "
                + "or auto, for PSFs that are computed.",
            effect: .voxels
        ),
        OptionDescription(
            .psfModes,
            .input,
            \.deconvolution.psfModeCount,
            "Modes that PSFs of several places are made of; each takes as long as one PSF.",
            range: .from(1, to: 8),
            otherwise: "as few as leave 10 % of none",
            effect: .voxels
        ),
        OptionDescription(
            .array,
            .input,
            \.selection.array,
            "Array or image in a Zarr store, or the number or name of an image in an OME-TIFF.",
            as: "path",
            otherwise: "the only one, or the first of an OME-TIFF",
            effect: .voxels,
            ofFiles: true
        ),
        OptionDescription(
            .axes,
            .input,
            \.selection.axes,
            "Axes of a Zarr array, such as ctzyx, or of the pages of TIFF files, slowest first: zyx, tzcyx or with sizes t3z5c2yx.",
            as: "letters",
            otherwise: "what the metadata say, else the last three are z, y, x",
            effect: .voxels,
            ofFiles: true
        ),
        OptionDescription(
            .channel,
            .input,
            \.selection.channels,
            "Channels to deconvolve, from 0: 1, 0:2 or 0,2.",
            as: "range",
            otherwise: "all",
            effect: .voxels,
            ofFiles: true
        ),
        OptionDescription(
            .time,
            .input,
            \.selection.timepoints,
            "Time points to deconvolve, from 0: 5, 0:10, 0:100:10 or -1.",
            as: "range",
            otherwise: "all that are whole",
            effect: .voxels,
            ofFiles: true
        ),
        OptionDescription(
            .spacing,
            .input,
            \.deconvolution.spacing,
            "Voxel size of the image in µm.",
            in: "µm",
            otherwise: "what its file says",
            ofArrays: "equal",
            effect: .voxels
        ),
        OptionDescription(
            .flatField,
            .input,
            \.flatField,
            "File with the flat field: how sensitive each voxel is, divided by its mean; 0 is bad.",
            as: "file",
            effect: .voxels,
            ofFiles: true
        ),
        OptionDescription(
            .mask,
            .input,
            \.mask,
            "File that is 0 on bad voxels, which then do not count, and not 0 on good ones; or auto to find pixels that "
                + "are hot or dead in every plane, and empty planes.",
            as: "file",
            effect: .voxels,
            ofFiles: true
        ),
        OptionDescription(
            .view,
            .input,
            \.view,
            "A second image of the object, aligned with the first voxel by voxel: another view of it, or one with another PSF.",
            as: "file",
            effect: .voxels,
            ofFiles: true
        ),
        OptionDescription(
            .viewPSF,
            .input,
            \.viewPSF,
            "PSF of the second image: for all channels, or with a channel for each.",
            as: "file",
            effect: .voxels,
            ofFiles: true
        ),
        OptionDescription(
            .viewBackground,
            .input,
            \.deconvolution.viewBackground,
            "Camera offset and haze of the second image, in its counts: for all channels, one a channel (100,90), or auto.",
            in: "counts",
            range: .atLeast(0),
            otherwise: "as background, of the second image where that is auto",
            effect: .voxels,
            ofFiles: true
        ),
        OptionDescription(
            .saturation,
            .input,
            \.deconvolution.saturation,
            "Counts from which on a voxel is saturated and does not count, or auto to find them where the image stops.",
            in: "counts",
            range: .above(0),
            effect: .voxels
        ),

        // MARK: Output
        OptionDescription(
            .dtype,
            .output,
            \.output.pixelType,
            "Type of its voxels; integers are rounded, and saturate at their ends.",
            effect: .output,
            ofFiles: true
        ),
        OptionDescription(
            .ome,
            .output,
            \.isOME,
            "Write OME-TIFF, as for a name in .ome.tif, instead of a TIFF for ImageJ; of a plain Zarr array, OME-Zarr "
                + "instead of an array.",
            effect: .output,
            ofFiles: true
        ),
        OptionDescription(
            .deflate,
            .output,
            \.isDeflated,
            "Compress the voxels of a TIFF file with deflate, without loss.",
            effect: .output,
            ofFiles: true
        ),
        OptionDescription(
            .overwrite,
            .output,
            \.output.overwrite,
            "Replace outputs that exist.",
            effect: .output,
            ofFiles: true
        ),
        OptionDescription(
            .writeMask,
            .output,
            \.output.maskPath,
            "TIFF file for a mask that is 0 on pixels that are hot or dead in every plane.",
            as: "file",
            effect: .report,
            ofFiles: true
        ),
        OptionDescription(
            .uncertainty,
            .output,
            \.output.uncertaintyPath,
            "File or Zarr array for the standard error of each voxel, and the resolution by Fourier shell correlation: from "
                + "two runs more, with half of the photons each.",
            as: "file",
            effect: .report,
            ofFiles: true
        ),
        OptionDescription(
            .divergenceInterval,
            .output,
            \.deconvolution.divergenceInterval,
            "Iterations from one measure of the Poisson divergence in the report to the next; 0 measures none.",
            range: .from(0, to: 1e6),
            effect: .report,
            ofFiles: true
        ),

        // MARK: Zarr output
        OptionDescription(
            .outputArray,
            .zarr,
            \.output.zarr.array,
            "Put the result into the store under this path, beside what it has.",
            as: "path",
            effect: .output,
            ofFiles: true
        ),
        OptionDescription(
            .zarrFormat,
            .zarr,
            \.output.zarr.version,
            "Version of the format, 2 or 3.",
            as: "2|3",
            range: .from(2, to: 3),
            otherwise: "as the input, else 2",
            effect: .output,
            ofFiles: true
        ),
        OptionDescription(
            .chunks,
            .zarr,
            \.output.zarr.chunkShape,
            "Voxels of a chunk, of one volume.",
            in: "voxels",
            otherwise: "as the input, else up to 64 MiB",
            effect: .output,
            ofFiles: true
        ),
        OptionDescription(
            .shards,
            .zarr,
            \.output.zarr.shardShape,
            "Voxels of a shard, which holds chunks in one file; format 3 only.",
            in: "voxels",
            effect: .output,
            ofFiles: true
        ),
        OptionDescription(
            .codec,
            .zarr,
            \.output.zarr.codec,
            "blosc-lz4, blosc-zstd, zstd, gzip or none, and a level: zstd:9.",
            otherwise: "as the input, else blosc-lz4",
            effect: .output,
            ofFiles: true
        ),

        // MARK: Method
        OptionDescription(
            .method,
            .method,
            \.deconvolution.method,
            "How to deconvolve.",
            as: "name",
            otherwise:
                "auto; richardson-lucy where an option is given that only it takes, such as a number of iterations",
            effect: .voxels
        ),
        OptionDescription(
            .iterations,
            .method,
            \.deconvolution.iterationCount,
            "Updates of the estimate; more are sharper and noisier.",
            // Far more than any image gains from, and few enough to be counted over all tiles and volumes.
            range: .from(1, to: 1e6),
            otherwise: "as many as the method takes of itself: 10, or 7 of fast",
            effect: .voxels
        ),
        OptionDescription(
            .boundary,
            .method,
            \.deconvolution.boundary,
            "What lies outside the image; extend estimates it.",
            effect: .voxels
        ),
        OptionDescription(
            .background,
            .method,
            \.deconvolution.background,
            "Camera offset and haze, in counts of the image: for all channels, one a channel (100,90), or auto to find "
                + "them in the dark parts of the image.",
            in: "counts",
            range: .atLeast(0),
            effect: .voxels
        ),
        OptionDescription(
            .readNoise,
            .method,
            \.deconvolution.readNoise,
            "Read noise of the camera, in counts of the image.",
            // More than any camera has; its square still leaves room in single precision.
            in: "counts",
            range: .from(0, to: 1e6),
            effect: .voxels
        ),
        OptionDescription(
            .snr,
            .method,
            \.deconvolution.snr,
            "Signal over noise of the image: how much noise is held down.",
            // Their squares are in single precision.
            range: .from(1e-3, to: 1e6),
            effect: .voxels
        ),
        OptionDescription(
            .regularization,
            .method,
            \.deconvolution.regularization,
            "How smooth the result is kept by least squares: 0.01 suits bright images, 0.1 dim ones.",
            range: .from(0, to: 1e6),
            effect: .voxels
        ),
        OptionDescription(
            .start,
            .method,
            \.deconvolution.start,
            "Where the estimate starts; light clears the haze of a background soonest.",
            effect: .voxels
        ),
        OptionDescription(
            .accelerate,
            .method,
            \.deconvolution.acceleration,
            "How the estimate goes on beyond each update: 15 iterations then do the work of 50.",
            effect: .voxels
        ),
        OptionDescription(
            .stop,
            .method,
            \.deconvolution.stop,
            "How the number of iterations is found, once a channel: where photons that were held out are foretold best "
                + "(held-out), where nothing of the image is left but noise (whiteness), where an iteration takes less "
                + "than a part off the divergence (divergence:1e-3), or where halves of the photons agree on little more "
                + "(consensus, for rlgc). auto is none, held-out for gated and consensus for rlgc.",
            effect: .voxels
        ),
        OptionDescription(
            .maxIterations,
            .method,
            \.deconvolution.maximumIterationCount,
            "The most iterations that a stop rule may come to.",
            range: .from(1, to: 1e4),
            effect: .voxels
        ),
        OptionDescription(
            .totalVariation,
            .method,
            \.deconvolution.totalVariation,
            "How much the estimate is held to a small total variation, over the root of its light in photons; 0.15 suits "
                + "most cells, 0 single points. auto asks photons that were held out.",
            range: .from(0, to: 100),
            effect: .voxels
        ),
        OptionDescription(
            .goodRoughness,
            .method,
            \.deconvolution.goodRoughness,
            "How much the estimate is held to a small roughness as Good has it, which asks as much of faint light as of "
                + "bright; 0.01 to 0.05 suit most cells, 0 single points.",
            range: .from(0, to: 100),
            effect: .voxels
        ),
        OptionDescription(
            .tikhonovMiller,
            .method,
            \.deconvolution.tikhonovMiller,
            "How much the estimate is held to small squares of the differences between neighbors (Tikhonov, Miller), which "
                + "asks most of bright light; 0.001 to 0.003 suit most cells.",
            range: .from(0, to: 100),
            effect: .voxels
        ),
        OptionDescription(
            .sieve,
            .method,
            \.deconvolution.sieve,
            "How coarse the result is made, which has nothing finer than a Gaussian whose standard deviation is this part of the "
                + "PSF's full width at half maximum (Snyder, Miller); 0.25 suits most cells.",
            range: .from(0, to: 1),
            effect: .voxels
        ),
        OptionDescription(
            .gain,
            .method,
            \.deconvolution.gain,
            "Counts a photon.",
            in: "counts",
            range: .above(0),
            otherwise: "what the noise of the image says",
            effect: .voxels
        ),
        OptionDescription(
            .seed,
            .method,
            \.deconvolution.seed,
            "Number that photons are drawn with, to be held out or for halves.",
            range: .from(0, to: 4_294_967_295),
            effect: .voxels
        ),
        OptionDescription(
            .tuning,
            .method,
            \.deconvolution.tuning,
            "Report of another run, whose iterations and weights are used in place of what this image says: so that images are "
                + "treated alike.",
            as: "file",
            effect: .voxels
        ),

        // MARK: PSF
        OptionDescription(
            .psfSpacing,
            .psf,
            \.deconvolution.psfSpacing,
            "Voxel size of the PSF in µm.",
            in: "µm",
            otherwise: "what its file says",
            ofArrays: "equal",
            effect: .psf
        ),
        OptionDescription(
            .psfBackground,
            .psf,
            \.deconvolution.psfBackground,
            "Counts to subtract from the PSF, or auto to find them at its border.",
            in: "counts",
            effect: .psf
        ),
        OptionDescription(
            .psfAsIs,
            .psf,
            \.deconvolution.psfAsIs,
            "Normalize the PSF and do nothing else to it: no background, centering, cropping or resampling.",
            effect: .psf
        ),
        OptionDescription(
            .radialAverage,
            .psf,
            \.deconvolution.psfRadialAverage,
            "Average the OTF over rings around the optical axis.",
            effect: .psf
        ),
        OptionDescription(
            .symmetrize,
            .psf,
            \.deconvolution.psfSymmetrize,
            "Average the PSF with its mirror images in y and x.",
            effect: .psf
        ),

        // MARK: Microscope
        OptionDescription(
            .microscope,
            .microscope,
            \.deconvolution.microscope.kind,
            "Kind of microscope to compute the PSF of.",
            otherwise: OptionDescription.imageFileSays,
            effect: .psf,
            ofFiles: true
        ),
        OptionDescription(
            .model,
            .microscope,
            \.deconvolution.microscope.model,
            "How light is described: by its phase, or with its polarization, which counts above an NA of 0.8.",
            effect: .psf,
            ofFiles: true
        ),
        OptionDescription(
            .na,
            .microscope,
            \.deconvolution.microscope.numericalAperture,
            "Numerical aperture of the objective.",
            range: .from(0.01, to: 2),
            otherwise: OptionDescription.imageFileSays,
            effect: .psf,
            ofFiles: true
        ),
        OptionDescription(
            .emission,
            .microscope,
            \.emission,
            "Wavelength of the emitted light in nm, one for all channels or one a channel.",
            in: "nm",
            range: .from(200, to: 2000),
            otherwise: OptionDescription.imageFileSays,
            effect: .psf,
            ofFiles: true
        ),
        OptionDescription(
            .excitation,
            .microscope,
            \.excitation,
            "Wavelength of the exciting light in nm, one for all channels or one a channel.",
            in: "nm",
            range: .from(200, to: 2000),
            otherwise: OptionDescription.imageFileSays,
            effect: .psf,
            ofFiles: true
        ),
        OptionDescription(
            .dye,
            .microscope,
            \.dyes,
            "Dye, such as GFP, which has both wavelengths; one for all channels or one a channel.",
            as: "name",
            effect: .psf,
            ofFiles: true
        ),
        OptionDescription(
            .immersion,
            .microscope,
            \.deconvolution.microscope.immersion,
            "What is between objective and cover glass: air, water, silicone, glycerol, oil, or a refractive index.",
            as: "air|water|silicone|glycerol|oil|index",
            otherwise: OptionDescription.imageFileSays,
            effect: .psf,
            ofFiles: true
        ),
        OptionDescription(
            .sampleIndex,
            .microscope,
            \.deconvolution.microscope.sampleIndex,
            "Refractive index of what the sample lies in.",
            range: .from(1, to: 2),
            otherwise: "that of the immersion",
            effect: .psf,
            ofFiles: true
        ),
        OptionDescription(
            .coverGlass,
            .microscope,
            \.deconvolution.microscope.coverGlass,
            "Thickness of the cover glass in µm.",
            in: "µm",
            range: .from(0, to: 5000),
            otherwise: "that which the objective is made for",
            effect: .psf,
            ofFiles: true
        ),
        OptionDescription(
            .depth,
            .microscope,
            \.deconvolution.microscope.depth,
            "How far under the cover glass the sample is, in µm.",
            in: "µm",
            range: .from(0, to: 5000),
            effect: .psf,
            ofFiles: true
        ),
        OptionDescription(
            .pinhole,
            .microscope,
            \.deconvolution.microscope.pinhole,
            "Diameter of the pinhole in Airy units (1.2), or in the sample in µm (0.3um).",
            as: "1.2|0.3um",
            otherwise: "\(OptionDescription.imageFileSays), else 1AU",
            effect: .psf,
            ofFiles: true
        ),
        OptionDescription(
            .sheetThickness,
            .microscope,
            \.deconvolution.microscope.sheetThickness,
            "Full width of the light sheet at half maximum, in µm.",
            in: "µm",
            range: .above(0),
            effect: .psf,
            ofFiles: true
        ),
        OptionDescription(
            .sheetNA,
            .microscope,
            \.deconvolution.microscope.sheetNA,
            "Numerical aperture of the light sheet, in place of its thickness.",
            range: .from(0.001, to: 1),
            effect: .psf,
            ofFiles: true
        ),
        OptionDescription(
            .psfShape,
            .microscope,
            \.deconvolution.microscope.psfShape,
            "Voxels of the computed PSF.",
            in: "voxels",
            otherwise: "as many as hold 99 % of the light of its planes",
            effect: .psf,
            ofFiles: true
        ),

        // MARK: Device
        OptionDescription(
            .backend,
            .device,
            \.deconvolution.backend,
            "What computes; auto takes a GPU if there is one, else the CPU.",
            effect: .place
        ),
        OptionDescription(
            .device,
            .device,
            \.deconvolution.device,
            "Device by its number or part of its name, as 'gpudeconv devices' lists it; several (0,2), or all GPUs: all.",
            otherwise: "the best one",
            effect: .place
        ),
        OptionDescription(
            .fft,
            .device,
            \.deconvolution.fft,
            "FFT library on an OpenCL device; auto takes clFFT, and VkFFT where that fails or is faster.",
            effect: .place
        ),
        OptionDescription(
            .threads,
            .device,
            \.deconvolution.threadCount,
            "Threads of the CPU back end.",
            // More than any machine has cores.
            range: .from(1, to: 4096),
            otherwise: "one for each core",
            effect: .place
        ),

        // MARK: Memory
        OptionDescription(
            .memoryLimit,
            .memory,
            \.memoryLimit,
            "Most memory to compute in, such as 8GB.",
            in: "bytes",
            range: .atLeast(1),
            otherwise: "what is free",
            effect: .place
        ),
        OptionDescription(
            .tile,
            .memory,
            \.deconvolution.tileShape,
            "Voxels that a tile delivers.",
            in: "voxels",
            otherwise: "as many as fit",
            effect: .place
        ),
    ]
}

extension JobOptions {
    fileprivate var isOME: Bool {
        get { output.format == .ome }
        set { output.format = newValue ? .ome : nil }
    }

    fileprivate var isDeflated: Bool {
        get { output.compression == .deflate }
        set { output.compression = newValue ? .deflate : .none }
    }

    fileprivate var emission: ChannelNumbers? {
        get {
            deconvolution.microscope.emission.isEmpty ? nil : ChannelNumbers(values: deconvolution.microscope.emission)
        }
        set { deconvolution.microscope.emission = newValue?.values ?? [] }
    }

    fileprivate var excitation: ChannelNumbers? {
        get {
            deconvolution.microscope.excitation.isEmpty
                ? nil : ChannelNumbers(values: deconvolution.microscope.excitation)
        }
        set { deconvolution.microscope.excitation = newValue?.values ?? [] }
    }

    fileprivate var dyes: ChannelTexts? {
        get { deconvolution.microscope.dyes.isEmpty ? nil : ChannelTexts(values: deconvolution.microscope.dyes) }
        set { deconvolution.microscope.dyes = newValue?.values ?? [] }
    }

    fileprivate var psfAt: PSFPlaceList? {
        get {
            deconvolution.choosesPSFPlaces
                ? .auto : deconvolution.psfPlaces.flatMap { PSFPlaceList($0, files: psfFiles) }
        }
        set {
            deconvolution.choosesPSFPlaces = newValue == .auto
            (deconvolution.psfPlaces, psfFiles) = newValue == .auto ? (nil, nil) : (newValue?.places, newValue?.files)
        }
    }

    fileprivate var memoryLimit: OptionBytes? {
        get { deconvolution.memoryLimitBytes.map { OptionBytes(count: $0) } }
        set { deconvolution.memoryLimitBytes = newValue?.count }
    }
}

extension [String] {
    /// The name that a mistyped one is most like: about a third of its letters may be another, missing or too many.
    package func nearest(to mistyped: String) -> String? {
        let ranked = map { ($0, $0.editDistance(to: mistyped)) }
        guard let best = ranked.min(by: { $0.1 < $1.1 }), best.1 <= Swift.max(1, (best.0.count + 1) / 3) else {
            return nil
        }
        return best.0
    }
}

extension String {
    /// Letters to insert, remove or replace to get from one text to another (Levenshtein 1966, Sov. Phys. Dokl. 10:707).
    fileprivate func editDistance(to other: String) -> Int {
        let other = Array(other)
        var row = Array(0...other.count)
        for (i, letter) in enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, otherLetter) in other.enumerated() {
                let replaced = diagonal + (letter == otherLetter ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = Swift.min(replaced, diagonal + 1, row[j] + 1)
            }
        }
        return row[other.count]
    }
}
