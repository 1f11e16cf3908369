import DeconvIO
package import DeconvOptics
package import DeconvVolume

/// What tells a file with a PSF that this program has made from others: where the PSF comes from, and the checksum of its voxels.
///
/// A program that crops the PSF, or changes its voxels, may keep what was written of it; it is a PSF like any other then.
package struct PSFMark: Hashable, Sendable {
    /// The name of its entry.
    private static let name = "psf-origin"

    private let text: String

    /// The mark of a PSF.
    /// - Parameter voxels: z, y, x with x fastest.
    package init(_ origin: PSFPreparation.Origin, _ voxels: [Float]) {
        let checksum = voxels.withUnsafeBytes { CRC32C.checksum($0) }
        text = "\(origin.rawValue), \(voxels.count) voxels, crc32c \(String(checksum, radix: 16))"
    }

    /// Adds it to what is known of a file.
    package func add(to provenance: inout Provenance) { provenance.add(Self.name, text) }

    /// Where voxels come from, by what a file says of itself.
    static func origin(of voxels: [Float], _ provenance: Provenance?) -> PSFPreparation.Origin {
        guard let text = provenance?.value(name) else { return .measured }
        return PSFPreparation.Origin.allCases.first { PSFMark($0, voxels).text == text } ?? .measured
    }
}
