/// What the name of a file counts: `S_t001_z03_ch00.tif` is plane 3 of channel 0 at time point 1.
///
/// A counter is a word and a number right behind it, as LAS X, ZEN, MetaMorph, Micro-Manager and others write them:
/// `_z003`, `t1`, `ch00`, `_w2GFP`, `channel001`. Micro-Manager's older `img_000000000_DAPI_000` counts time points, channels by
/// name, and planes.
struct FileCounters: Equatable {
    /// What can be counted.
    enum Axis: Hashable {
        case timepoint, plane, channel, position
    }

    /// One number of a name.
    struct Counter: Equatable {
        let axis: Axis
        /// The word, for messages: `z`, `ch`.
        let word: String
        let value: Value
    }

    /// What a counter says: numbers in their order, before names.
    enum Value: Hashable, Comparable {
        case number(Int)
        case name(String)

        /// As it is shown.
        var text: String {
            switch self {
            case .number(let number): "\(number)"
            case .name(let name): name
            }
        }

        static func < (first: Value, second: Value) -> Bool {
            switch (first, second) {
            case (.number(let first), .number(let second)): first < second
            case (.name(let first), .name(let second)): NaturalOrder.precedes(first, second)
            case (.number, .name): true
            case (.name, .number): false
            }
        }
    }

    /// In the order in which they stand in the name.
    private(set) var counters: [Counter] = []
    /// The name with a word in place of each number: the same for all files of one image.
    private(set) var pattern = ""

    private static let words: [String: Axis] = [
        "z": .plane, "slice": .plane, "plane": .plane, "zslice": .plane,
        "t": .timepoint, "time": .timepoint, "timepoint": .timepoint, "tp": .timepoint, "frame": .timepoint,
        "c": .channel, "ch": .channel, "chan": .channel, "channel": .channel, "w": .channel, "wavelength": .channel,
        "s": .position, "p": .position, "pos": .position, "position": .position, "stage": .position,
        "series": .position, "scene": .position, "m": .position, "tile": .position, "field": .position, "xy": .position,
    ]

    /// The counters of a file's name.
    init(_ name: String) {
        let stem = name.lastIndex(of: ".").map { name[..<$0] } ?? name[...]
        if let match = stem.wholeMatch(of: #/img_([0-9]{6,9})_(.*)_([0-9]{3,4})/#),
            let time = Int(match.1), let plane = Int(match.3)
        {
            counters = [
                Counter(axis: .timepoint, word: "time", value: .number(time)),
                Counter(axis: .channel, word: "channel", value: .name(String(match.2))),
                Counter(axis: .plane, word: "plane", value: .number(plane)),
            ]
            pattern = "img_t_c_z"
            return
        }
        var rest = stem
        while let first = rest.first {
            guard first.isLetter else {
                pattern.append(first)
                rest.removeFirst()
                continue
            }
            let word = rest.prefix { $0.isLetter }
            rest = rest[word.endIndex...]
            // At most one sign stands between the word and its number.
            let digits = rest.drop {
                $0 == rest.first && "_- =".contains($0) && rest.dropFirst().first?.isNumber == true
            }
            .prefix { $0.isASCII && $0.isNumber }
            guard let axis = Self.words[word.lowercased()], let number = Int(digits) else {
                pattern += word
                continue
            }
            rest = rest[digits.endIndex...]
            counters.append(Counter(axis: axis, word: String(word), value: .number(number)))
            pattern += "\(word)#"
            // MetaMorph puts the name of a wavelength behind its number.
            if word.lowercased() == "w" { rest = rest.drop { $0 != "_" } }
        }
    }
}
