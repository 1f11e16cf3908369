import DeconvVolume

extension PlaneGrid {
    /// Files by the counters in their names, or nil where these count nothing that differs from file to file.
    /// - Parameters:
    ///   - names: last parts of paths.
    ///   - folder: what messages call their folder or pattern.
    ///   - offersAxes: whether a person can say what the files are.
    /// - Throws: `invalidData` where names count several positions, are those of several images, or leave gaps.
    init?(ofFiles names: [String], in folder: String, _ offersAxes: Bool) throws(DeconvolutionError) {
        let all = names.map(FileCounters.init)
        func problem(_ what: String) -> DeconvolutionError {
            let other: Message =
                offersAxes ? ", or say with \(.axes, "zyx") or \(.axes, "tyx") what they are in their order" : ""
            return DeconvolutionError(
                .invalidData,
                "\(folder.inMessage): the names of its files \(what); give a pattern that matches the files of one image"
                    + other
            )
        }
        guard all.allSatisfy({ $0.pattern == all[0].pattern && $0.counters.count == all[0].counters.count }) else {
            guard all.contains(where: { $0.counters.contains { $0.axis == .plane } }) else { return nil }
            let other = zip(names, all).first { $0.1.pattern != all[0].pattern }?.0 ?? names[0]
            throw problem("are not those of one image, such as \(names[0].inMessage) and \(other.inMessage)")
        }
        // Of a counter that is the same in all names nothing depends.
        let varying = all[0].counters.indices.filter { index in
            all.contains { $0.counters[index] != all[0].counters[index] }
        }
        guard !varying.isEmpty else { return nil }
        guard Set(varying.map { all[0].counters[$0].axis }).count == varying.count else { return nil }
        if let position = varying.first(where: { all[0].counters[$0].axis == .position }) {
            let count = Set(all.map { $0.counters[position].value }).count
            throw problem("count \(count) positions (\(all[0].counters[position].word)), which are images of their own")
        }
        let places = all.map { file in
            Place(uniqueKeysWithValues: varying.map { (file.counters[$0].axis, file.counters[$0].value) })
        }
        do throws(DescriptionProblem) { try self.init(places, names: names) } catch { throw problem(error.message) }
    }
}
