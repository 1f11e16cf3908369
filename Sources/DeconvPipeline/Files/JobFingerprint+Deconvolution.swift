import DeconvDevice
import DeconvIO
import DeconvMethods
import DeconvOptics
import DeconvOptions
import DeconvPlan
import DeconvVolume
import Foundation

extension JobFingerprint {
    /// What decides the voxels of a result: input, PSFs, and every option whose effect is on voxels.
    ///
    /// The last bits of a voxel depend on the devices, the FFT library that is asked for, and the tiles of a volume, so these are
    /// part of it. Threads are not. What chunk files of the image are like is kept for each volume by itself, with its result.
    /// - Parameters:
    ///   - secondPSFs: those of the second view.
    ///   - maps: the second view among them, with a number that changes with the chunk files of a map, where there are any.
    init(
        _ input: InputImage,
        psfs: [MeasuredPSF],
        secondPSFs: [MeasuredPSF],
        maps: [(option: OptionName, file: (any ImageFileSource)?, chunkStamp: UInt64?)],
        _ options: JobOptions,
        plans: [JobPlan]
    ) {
        self.init()
        let image = input.source.image
        append("the image", Self.description(of: input.whole))
        append("its volumes", "\(image.channelCount) x \(image.timepointCount) of \(image.shape) \(image.pixelType)")
        for (number, psf) in (psfs + secondPSFs).enumerated() {
            let spacing = (options.deconvolution.psfSpacing ?? psf.volume.spacing).map(\.inMessage) ?? "unknown"
            append(
                "PSF \(number + 1)",
                "\(psf.volume.shape) voxels of \(spacing) with the checksum \(String(psf.volume.checksum, radix: 16))"
            )
        }
        // Of these it matters what they come to, not how they were given.
        var found: [OptionName: String] = [
            .array: input.whole.imageNumber.map { "image \($0)" } ?? "as the image",
            .axes: input.whole.axes ?? "-",
            .channel: input.selected.map { Self.description(of: $0.channels) } ?? "all",
            .time: input.selected.map { Self.description(of: $0.timepoints) } ?? "all",
            .spacing: (options.deconvolution.spacing ?? image.spacing).map(\.inMessage) ?? "unknown",
            .psfAt: options.deconvolution.choosesPSFPlaces
                ? "auto" : options.deconvolution.psfPlaces.map { "\($0.map(\.axes))" } ?? "none",
            .psfSpacing: "as the PSFs",
            .viewPSF: secondPSFs.isEmpty ? "none" : "the last \(secondPSFs.count) of the PSFs",
        ]
        for map in maps {
            let chunks = map.chunkStamp.map { ", chunk files with the checksum \(String($0, radix: 16))" } ?? ""
            let isFound = map.option == .mask && options.mask == JobOptions.foundMask
            found[map.option] =
                map.file.map { Self.description(of: $0) + chunks } ?? (isFound ? JobOptions.foundMask : "none")
        }
        for option in OptionTable.standard.options where [.voxels, .psf].contains(option.effect) {
            append("\(option.name)", found[option.name] ?? option.text(options) ?? "none")
        }
        let devices = Set(plans.map { "\($0.backend.device.name) (\($0.backend.device.backend.rawValue))" })
        append("\(.device)", devices.sorted().joined(separator: ", "))
        append("\(.fft)", options.deconvolution.fft.rawValue)
        let tilings = Set(plans.map(\.tiles.inFingerprint))
        append(Self.tiling, tilings.sorted().joined(separator: ", "))
        tileShape = tilings.count == 1 ? plans[0].tiles.tile?.frame.shape : nil
        append("gpudeconv", ProgramVersion.text)
    }

    /// A number that changes with any of some words.
    static func checksum(of words: [String]) -> String {
        String(Checksum.of(words.joined(separator: "\n").utf8), radix: 16)
    }

    /// Name, size and time of a file, or where a store lies and when its metadata were written.
    static func description(of path: String) -> String { stamp(path) ?? arrayStamp(path) }

    private static let tiling: Message = "the tiling (\(.tile), \(.memoryLimit))"

    /// Whether a job would be this one but for its tiles. What else is in its fingerprint does not count.
    func isSameButForTiles(as begun: JobFingerprint) -> Bool {
        fields.allSatisfy { ($0.key == Self.tiling.text(.flag)) != (begun.value($0.name) == $0.value) }
    }

    /// Whether a job is this one, whatever its tiles. What else is in its fingerprint does not count.
    func isSameWithAnyTiles(as begun: JobFingerprint) -> Bool {
        fields.allSatisfy { $0.key == Self.tiling.text(.flag) || begun.value($0.name) == $0.value }
    }

    /// How volumes are cut.
    var tiles: String { value(Self.tiling) ?? "none" }

    /// Numbers of volumes, shortened where they are many.
    private static func description(of indices: [Int]) -> String {
        guard indices.count > 20 else { return indices.map(String.init).joined(separator: ",") }
        let all = indices.map(String.init).joined(separator: ",")
        return "\(indices.count) with the checksum \(String(Checksum.of(all.utf8), radix: 16))"
    }

    /// What tells a file from another of its name: for a file its size and when it was written, for an array where it is, its
    /// shape, and when its metadata were written, or of which version a server says they are.
    private static func description(of file: any ImageFileSource) -> String {
        if let identity = file.identity { return identity }
        let stamps = file.paths.map { description(of: $0) }
        guard stamps.count > 1 else { return stamps[0] }
        return
            "\(stamps.count) files with the checksum \(String(Checksum.of(stamps.joined(separator: "\n").utf8), radix: 16))"
    }

    /// Name, size and time of a file, or nil where it is none.
    private static func stamp(_ path: String) -> String? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        let name = path.split(separator: "/").last ?? "/"
        return "\(name) of \(status.st_size) bytes, written at \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
    }

    /// Where an array lies, and when its metadata were written.
    private static func arrayStamp(_ path: String) -> String {
        let place = realpath(path, nil).map { real -> String in
            defer { free(real) }
            return String(cString: real)
        }
        let metadata = [ZarrMetadataFile.version3, ZarrMetadataFile.array].compactMap { stamp("\(path)/\($0)") }
        return ([place ?? path] + metadata).joined(separator: ", ")
    }
}

extension TilePlan {
    /// What of it decides the last digits of a result: `2x1x2 of 40x192x96 voxels in transforms of 80x256x160`.
    fileprivate var inFingerprint: String {
        tile.map { "\(tileCounts) of \($0.frame.shape) voxels in transforms of \($0.workShape)" } ?? "none"
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
