import DeconvOptics
import DeconvOptions
package import DeconvVolume

/// What PSFs were computed from, for people and programs.
package struct ComputedPSFReport: Encodable, Sendable {
    /// The figures of one channel.
    private struct Channel: Encodable {
        let microscope: String
        let emission: Double
        let excitation: Double?
        let pinhole: String?
        let shape: [Int]
        let shareCutOff: Double
        let focalShift: Double
        /// What holds where; nil for one PSF.
        let places: [Place]?
    }

    /// The PSF of a depth.
    private struct Place: Encodable {
        /// Distance from the first plane, µm.
        let z: Double
        /// How deep that is under the cover glass, µm.
        let depth: Double
        let shape: [Int]
        let shareCutOff: Double
        let focalShift: Double
    }

    private let model: String
    private let na: Double
    private let immersion: Double
    private let channels: [Channel]
    private let given: [Message]
    private let read: [Message]
    private let assumed: [Message]
    private let passedOver: [Message]
    private let reasonForOne: Message?

    private enum CodingKeys: CodingKey { case model, na, immersion, channels, given, read, assumed, passedOver }

    /// Of PSFs that were computed.
    package init(_ psfs: ComputedPSFs) {
        let figures = psfs.figures
        model = figures.options.model.rawValue
        na = figures.numericalAperture.value
        immersion = figures.immersionIndex.value
        channels = figures.channels.enumerated().map { index, channel in
            let computed = psfs[index]
            let places = psfs.places.map { places in
                zip(places, psfs.places(channel: index)).map { place, psf in
                    Place(
                        z: place.z,
                        depth: psf.depth,
                        shape: psf.computed.psf.shape.axes,
                        shareCutOff: psf.computed.shareCutOff,
                        focalShift: psf.computed.focalShift
                    )
                }
            }
            return Channel(
                microscope: channel.kind.value.rawValue,
                emission: channel.emission.value,
                excitation: channel.excitation?.value,
                pinhole: channel.pinhole?.value.text,
                shape: (0..<3).map { axis in computed.map { $0.psf.shape[axis] }.max()! },
                shareCutOff: computed.map(\.shareCutOff).max()!,
                focalShift: computed[0].focalShift,
                places: places
            )
        }
        given = figures.given
        read = figures.read
        assumed = figures.assumed
        passedOver = figures.passedOver
        reasonForOne = psfs.reasonForOne
    }

    /// What a person should read: what was computed, what it was computed from, and what nobody said.
    package var lines: [Message] {
        let kinds = Set(channels.map(\.microscope)).sorted().listed("and")
        let shapes = channels.map { VolumeShape(z: $0.shape[0], y: $0.shape[1], x: $0.shape[2]) }
        let largest = shapes.max { $0.voxelCount < $1.voxelCount } ?? VolumeShape(z: 1, y: 1, x: 1)
        let cut = (1000 * (channels.map(\.shareCutOff).max() ?? 0)).rounded() / 10
        var lines: [Message] = [
            "PSF: computed, \(kinds), \(model), \(largest) voxels, which hold all but \(cut.inMessage) % of its light"
        ]
        if let places = channels[0].places {
            let (distances, depths) = (places.map(\.z.inMessage), places.map(\.depth.inMessage))
            lines.append(
                "PSF: for \(places.count) depths: at \(distances.listed("and")) µm from the first plane, which are "
                    + "\(depths.listed("and")) µm under the cover glass"
            )
        } else if let reasonForOne {
            lines.append("PSF: \(reasonForOne)")
        }
        let known = [("given: ", given), ("read: ", read)].filter { !$0.1.isEmpty }.map { name, phrases in
            "\(name)\(phrases.joined(separator: ", "))" as Message
        }
        lines.append("PSF: \(known.joined(separator: "; "))")
        let doubts = [("assumed: ", assumed), ("passed over: ", passedOver)].filter { !$0.1.isEmpty }.map {
            name,
            phrases in
            "\(name)\(phrases.joined(separator: ", "))" as Message
        }
        if !doubts.isEmpty { lines.append("PSF: \(doubts.joined(separator: "; "))") }
        return lines
    }
}
