import DeconvOptions
import DeconvVolume

extension MicroscopeFigures {
    /// What somebody said, one phrase a figure.
    var given: [Message] { phrases { $0 == .given ? "" : nil } + givenBeside }

    /// What the image's file says, one phrase a figure with its place.
    var read: [Message] { phrases { if case .read(let place) = $0 { " (\(place))" } else { nil } } }

    /// What nobody says and what was taken for it, one phrase a figure with the reason.
    var assumed: [Message] {
        phrases { if case .assumed(let reason) = $0 { " (\(reason))" } else { nil } } + assumedBeside
    }

    private func phrases(_ tail: (Origin) -> Message?) -> [Message] {
        var phrases: [Message] = []
        func add<Value: Hashable>(_ figures: [Figure<Value>], _ words: (Value) -> String) {
            let chosen = figures.compactMap { figure in tail(figure.origin).map { (words(figure.value), $0) } }
            var said: [(text: String, tail: Message)] = []
            for (text, tail) in chosen where !said.contains(where: { $0.text == text && $0.tail == tail }) {
                said.append((text, tail))
            }
            // One figure a channel from one place: 509 and 610 nm.
            if Set(said.map(\.tail)).count == 1, said.count > 1 {
                phrases.append("\(said.map(\.text).listed("and"))\(said[0].tail)")
            } else {
                phrases += said.map { "\($0.text)\($0.tail)" }
            }
        }
        add(channels.map(\.kind)) { $0.rawValue }
        add([numericalAperture]) { "NA \($0.inMessage)" }
        add([immersionIndex]) { "immersion \($0.inMessage)" }
        add(channels.map(\.emission)) { "emission \($0.inMessage) nm" }
        add(channels.compactMap(\.excitation)) { "excitation \($0.inMessage) nm" }
        add(channels.compactMap(\.pinhole)) { pinhole in
            switch pinhole {
            case .airyUnits(let units): "a pinhole of \(units.inMessage) Airy unit\(units == 1 ? "" : "s")"
            case .micrometers(let diameter):
                "a pinhole of \(((diameter * 1000).rounded() / 1000).inMessage) µm in the sample"
            }
        }
        return phrases
    }

    private var givenBeside: [Message] {
        var phrases: [Message] = []
        if let index = options.sampleIndex { phrases.append("sample \(index.inMessage)") }
        if let thickness = options.coverGlass { phrases.append("a cover glass of \(thickness.inMessage) µm") }
        if options.depth > 0 { phrases.append("a depth of \(options.depth.inMessage) µm") }
        if let width = options.sheetThickness { phrases.append("a sheet of \(width.inMessage) µm") }
        if let aperture = options.sheetNA { phrases.append("a sheet of NA \(aperture.inMessage)") }
        return phrases
    }

    private var assumedBeside: [Message] {
        var phrases: [Message] = []
        if options.depth == 0 {
            phrases.append("the sample at the cover glass (\(.depth))")
        } else if options.sampleIndex == nil {
            phrases.append("a sample of the immersion's refractive index (\(.sampleIndex))")
        }
        return phrases
    }
}
