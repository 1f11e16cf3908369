package import DeconvVolume

extension ArrayLayout.Axis {
    /// What a name in a file means, whatever its case; nil for one that says nothing.
    init?(name: String) {
        switch name.lowercased() {
        case "t", "time", "times", "frame", "frames", "timepoint", "timepoints": self = .timepoint
        case "c", "ch", "channel", "channels": self = .channel
        case "z", "plane", "planes", "depth": self = .z
        case "y", "row", "rows", "height": self = .y
        case "x", "column", "columns", "col", "cols", "width": self = .x
        default: return nil
        }
    }

    /// For messages.
    var word: String {
        switch self {
        case .timepoint: "time"
        case .channel: "channel"
        case .z, .y, .x: rawValue
        case .other: "other"
        }
    }
}

extension ArrayLayout {
    /// Why meanings do not make a layout, or nil where they do.
    static func problem(of axes: [Axis]) -> String? {
        for axis in [Axis.timepoint, .channel, .z, .y, .x] where axes.count(where: { $0 == axis }) > 1 {
            return "have \(axis.word) more than once"
        }
        for axis in [Axis.y, .x] where !axes.contains(axis) { return "have no \(axis.word)" }
        return nil
    }

    /// A layout as a person says it: one letter an axis.
    /// - Parameters:
    ///   - text: `t`, `c`, `z`, `y`, `x` in any order and case; `*` and other letters are other axes.
    ///   - name: what messages call the array.
    /// - Throws: `invalidArgument` where the text does not fit the array.
    package init(axes text: String, shape: [Int], of name: String) throws(DeconvolutionError) {
        func invalid(_ problem: String) -> DeconvolutionError {
            DeconvolutionError(.invalidArgument, "\(.axes, text.shortened): \(problem)")
        }
        guard text.allSatisfy({ $0 == "*" || ($0.isASCII && $0.isLetter) }) else {
            throw invalid("give one letter an axis, such as ctzyx, and * for one that is none of these")
        }
        guard text.count == shape.count else {
            throw invalid(
                "\(text.count) axes, but \(name.inMessage) has \(Self.description(shape)); give one letter for each"
            )
        }
        let axes = text.lowercased().map { Axis(rawValue: String($0)) ?? .other }
        if let problem = Self.problem(of: axes) {
            throw invalid("the axes \(problem); give y and x once, and t, c, z at most once")
        }
        self.init(axes: axes, shape: shape)
    }

    /// A layout from names that a file gives its axes, or nil where they do not tell.
    ///
    /// They tell where y and x are among them and nothing comes twice. Names that mean nothing here are other axes; so are
    /// axes without a name, but for a single one where nothing else is z.
    init?(names: [String?], shape: [Int]) {
        var axes = names.map { $0.flatMap(Axis.init(name:)) ?? .other }
        let unnamed = names.indices.filter { names[$0]?.isEmpty ?? true }
        if unnamed.count == 1, !axes.contains(.z) { axes[unnamed[0]] = .z }
        guard Self.problem(of: axes) == nil else { return nil }
        self.init(axes: axes, shape: shape)
    }

    /// A layout by position: the last axes are z, y, x; of two before them the first is the channel and the second time;
    /// whatever is in front of these is other.
    /// - Parameters:
    ///   - shape: of at least two axes.
    ///   - channelCountHint: with four axes, the first is the channel if it is as long as this and not 1, else time.
    init(positionsOf shape: [Int], channelCountHint: Int?) {
        precondition(shape.count >= 2, "an image has two axes")
        var axes: [Axis] = Array([.z, .y, .x].suffix(shape.count))
        switch shape.count {
        case ...3: break
        case 4: axes.insert(shape[0] > 1 && shape[0] == channelCountHint ? .channel : .timepoint, at: 0)
        default:
            let others = [Axis](repeating: .other, count: shape.count - 5)
            axes.insert(contentsOf: others + [.channel, .timepoint], at: 0)
        }
        self.init(axes: axes, shape: shape)
    }

    /// For example `5 axes (3, 199, 201, 1024, 768)`, or only the number where there are many.
    static func description(_ shape: [Int]) -> String {
        let count = shape.count == 1 ? "1 axis" : "\(shape.count) axes"
        return shape.count > 8 ? count : "\(count) (\(shape.map(String.init).joined(separator: ", ")))"
    }
}
