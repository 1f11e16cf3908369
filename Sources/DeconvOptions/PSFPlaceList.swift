package import DeconvVolume

/// The places of PSFs, and the file of each where files are meant: `0:a.tif,10:b.tif`, `0/5/5:a.tif,0/5/20:b.tif` or `0,10`;
/// or `auto` for places that are chosen. A name with a comma stands in double quotes.
package struct PSFPlaceList: OptionValue {
    /// Where the PSFs hold; none where that is chosen.
    package let places: [PSFPlace]
    /// The files, one a place; nil where they are named elsewhere.
    package let files: [String]?

    /// A list from its parts; nil where there are no places.
    package init?(_ places: [PSFPlace], files: [String]? = nil) {
        guard !places.isEmpty else { return nil }
        self.places = places
        self.files = files
    }

    private init() { (places, files) = ([], nil) }

    /// Places that are chosen.
    package static let auto = PSFPlaceList()

    package static var type: OptionType { .placesOrAuto }

    package static func parse(_ text: String) -> PSFPlaceList? {
        if text == "auto" { return auto }
        var places: [PSFPlace] = []
        var files: [String] = []
        for entry in QuotedList.parse(text) {
            let parts = entry.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let numbers = parts[0].split(separator: "/", omittingEmptySubsequences: false).map { Double($0) }
            let axes = numbers.compactMap(\.self)
            guard axes.count == numbers.count, axes.count == 1 || axes.count == 3 else { return nil }
            places.append(axes.count == 1 ? PSFPlace(z: axes[0]) : PSFPlace(z: axes[0], y: axes[1], x: axes[2]))
            if parts.count == 2, !parts[1].isEmpty { files.append(String(parts[1])) }
        }
        // Either all have one or none has.
        guard files.isEmpty && !text.contains(":") || files.count == places.count else { return nil }
        return PSFPlaceList(places, files: files.isEmpty ? nil : files)
    }

    package var scalar: OptionScalar {
        if places.isEmpty { return .text("auto") }
        let names =
            (files ?? []).map { ":\(QuotedList.quoted($0))" }
            + [String](repeating: "", count: files == nil ? places.count : 0)
        return .text(zip(places, names).map { $0.text + $1 }.joined(separator: ","))
    }
}

extension PSFPlace {
    /// `10`, or `10/5/25` where the place along y or x is not 0.
    fileprivate var text: String {
        (y == 0 && x == 0 ? [z] : axes).map(\.inMessage).joined(separator: "/")
    }
}
