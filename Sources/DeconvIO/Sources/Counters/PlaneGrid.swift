import DeconvVolume

/// Planes by what they are counted with: a place for each, and one plane a place.
struct PlaneGrid {
    /// Which plane has which place: channel fastest, then plane, then time point; nil where none has it.
    let planes: [Int?]
    /// How many channels, planes and time points are counted.
    let channelCount: Int
    let planeCount: Int
    let timepointCount: Int
    /// What channels are called where they are not numbers, else empty.
    let channelNames: [String]
    private let values: [FileCounters.Axis: [FileCounters.Value]]

    /// Where a plane is counted; an axis that is not in it is not counted.
    typealias Place = [FileCounters.Axis: FileCounters.Value]

    /// Planes by their places.
    /// - Parameters:
    ///   - places: one a plane; all count the same axes.
    ///   - names: one a plane, for messages.
    ///   - mayStopAndGoOn: whether time points may be left out.
    /// - Throws: where two planes have one place, or most places none.
    init(_ places: [Place], names: [String], mayStopAndGoOn: Bool = false) throws(DescriptionProblem) {
        var found: [Place: Int] = [:]
        var values: [FileCounters.Axis: Set<FileCounters.Value>] = [:]
        for (plane, place) in places.enumerated() {
            if let other = found.updateValue(plane, forKey: place) {
                throw DescriptionProblem(
                    "count one plane twice, in \(names[other].inMessage) and \(names[plane].inMessage)"
                )
            }
            for (axis, value) in place { values[axis, default: []].insert(value) }
        }
        let sorted = values.mapValues { $0.sorted() }
        for axis in [FileCounters.Axis.plane, .timepoint] where axis == .plane || !mayStopAndGoOn {
            if let gap = Self.gap(sorted[axis] ?? []) {
                throw DescriptionProblem(
                    "leave out \(axis == .plane ? "z" : "t") \(gap), which may not have been copied"
                )
            }
        }
        func counted(_ axis: FileCounters.Axis) -> [FileCounters.Value?] { sorted[axis]?.map { $0 } ?? [nil] }
        let (channels, all, times) = (counted(.channel), counted(.plane), counted(.timepoint))
        guard let count = Int.product([channels.count, all.count, times.count]), count <= 64 * places.count else {
            throw DescriptionProblem("leave out most of the planes that they count")
        }
        var planes: [Int?] = []
        planes.reserveCapacity(count)
        for time in times {
            for plane in all {
                for channel in channels {
                    var key: Place = [:]
                    (key[.timepoint], key[.plane], key[.channel]) = (time, plane, channel)
                    planes.append(found[key])
                }
            }
        }
        (self.planes, self.values) = (planes, sorted)
        (channelCount, planeCount, timepointCount) = (channels.count, all.count, times.count)
        channelNames = channels.compactMap { if case .name(let name)? = $0 { name } else { nil } }
    }

    /// Whether planes are counted, so that files of one plane are a stack.
    var countsPlanes: Bool { values[.plane] != nil }

    /// Whether channels are counted.
    var countsChannels: Bool { values[.channel] != nil }

    /// How many time points, from the first on, have all of their planes.
    var wholeTimepointCount: Int {
        let count = channelCount * planeCount
        return (0..<timepointCount).first { planes[$0 * count..<($0 + 1) * count].contains(nil) } ?? timepointCount
    }

    /// The first place that no plane has, in words; nil where all have one.
    var missing: String? {
        guard let index = planes.firstIndex(of: nil) else { return nil }
        let numbers: [(FileCounters.Axis, Int)] = [
            (.channel, index % channelCount), (.plane, index / channelCount % planeCount),
            (.timepoint, index / channelCount / planeCount),
        ]
        return numbers.compactMap { axis, number in values[axis].map { "\(axis.word) \($0[number].text)" } }
            .joined(separator: ", ")
    }

    /// The first time point that is left out of others that are one step apart; nil where none is.
    var skippedTimepoint: Int? { Self.gap(values[.timepoint] ?? []) }

    /// What is counted, such as `channel 0 to 1, plane 0 to 5`.
    var summary: String {
        let axes: [FileCounters.Axis] = [.timepoint, .channel, .plane]
        return axes.compactMap { axis in
            values[axis].map { "\(axis.word) \($0[0].text) to \($0[$0.count - 1].text)" }
        }
        .joined(separator: ", ")
    }

    /// A number that is left out of others that are one step apart, or nil.
    private static func gap(_ values: [FileCounters.Value]) -> Int? {
        let numbers = values.compactMap { if case .number(let number) = $0 { number } else { nil } }
        let steps = zip(numbers, numbers.dropFirst()).map { $1 - $0 }
        guard let least = steps.min(), let index = steps.firstIndex(where: { $0 != least }) else { return nil }
        return numbers[index] + least
    }
}

extension FileCounters.Axis {
    /// As messages call it.
    fileprivate var word: String {
        switch self {
        case .timepoint: "time point"
        case .plane: "plane"
        case .channel: "channel"
        case .position: "position"
        }
    }
}
