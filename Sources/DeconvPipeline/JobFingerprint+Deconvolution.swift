import DeconvIO
import DeconvMethods
import DeconvOptics
import DeconvPlan
import DeconvVolume
import Foundation

extension JobFingerprint {
    /// What decides the voxels of a result: input, PSFs and options.
    ///
    /// Devices are told apart by their kind only: those of one kind may go on with each other's work. Threads and memory are
    /// not part of it.
    init(
        _ input: InputImage,
        _ selection: InputSelection,
        psfs: [DeconvolutionJob.MeasuredPSF],
        maps: [(option: String, file: (any ImageFileSource)?)],
        _ options: DeconvolutionOptions,
        backend: String
    ) {
        self.init()
        let image = input.source.image
        append("the image", Self.description(of: input.whole))
        append("its array", selection.array ?? "-")
        append("--axes", (input.whole as? ZarrSource).map { $0.layout.axes.map(\.rawValue).joined() } ?? "-")
        append("--channel", selection.channels ?? "all")
        append("--time", selection.timepoints ?? "all")
        append("its volumes", "\(image.channelCount) x \(image.timepointCount) of \(image.shape) \(image.pixelType)")
        append("--spacing", (options.spacing ?? image.spacing).map(\.inMessage) ?? "unknown")
        for (number, psf) in psfs.enumerated() {
            let spacing = (options.psfSpacing ?? psf.volume.spacing).map(\.inMessage) ?? "unknown"
            append(
                "PSF \(number + 1)",
                "\(psf.volume.shape) voxels of \(spacing) with the checksum \(String(psf.volume.checksum, radix: 16))"
            )
        }
        append("--psf-background", "\(options.psfBackground)")
        append("--psf-as-is", "\(options.psfAsIs)")
        for map in maps { append(map.option, map.file.map(Self.description) ?? "none") }
        append("--saturation", options.saturation.map(\.inMessage) ?? "none")
        append("--method", "richardson-lucy")
        append("--iterations", "\(options.iterationCount)")
        append("--boundary", options.boundary.rawValue)
        append("--background", options.background.inMessage)
        append("--read-noise", options.readNoise.inMessage)
        append("--start", options.start.rawValue)
        append("--backend", backend)
        append("gpudeconv", ProgramVersion.text)
    }

    /// What tells a file from another of its name: for a file its size and when it was written, for a store its shape.
    private static func description(of file: any ImageFileSource) -> String {
        let paths = (file as? SeriesSource)?.paths ?? [file.name]
        let stamps = paths.map { path -> String in
            var status = stat()
            guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return path }
            let name = path.split(separator: "/").last ?? "/"
            let (seconds, nanoseconds) = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
            return "\(name) of \(status.st_size) bytes, written at \(seconds).\(nanoseconds)"
        }
        if let zarr = file as? ZarrSource {
            let metadata = zarr.array.metadata
            return "\(metadata.shape) \(metadata.dataType) in chunks of \(metadata.chunkShape)"
        }
        guard stamps.count > 1 else { return stamps[0] }
        return
            "\(stamps.count) files with the checksum \(String(Checksum.of(stamps.joined(separator: "\n").utf8), radix: 16))"
    }
}

/// FNV-1a with 64 bits: tells contents apart that are not meant to be alike.
private enum Checksum {
    static func of(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}

extension Volume {
    /// A number that changes with the voxels.
    fileprivate var checksum: UInt64 {
        voxels.withUnsafeBytes { Checksum.of($0) }
    }
}
