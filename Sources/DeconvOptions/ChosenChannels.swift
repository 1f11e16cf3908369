package import DeconvVolume

/// The channels of an image that are deconvolved, and which value of a list is that of which channel.
package struct ChosenChannels: Hashable, Sendable {
    /// Their numbers in the image, from 0, in the order in which they are deconvolved.
    package let numbers: [Int]
    /// Channels of the image.
    package let imageCount: Int

    /// All channels of an image.
    package init(all count: Int) {
        numbers = Array(0..<count)
        imageCount = count
    }

    /// Some channels of an image, which must be there.
    package init(_ numbers: [Int], of count: Int) {
        self.numbers = numbers
        imageCount = count
    }

    /// The values of the chosen channels, of a list of one for all channels, one a channel of the image, or one a chosen channel.
    /// - Returns: as it is where it is empty or has one value, else one a chosen channel in their order; nil for other lengths.
    package func values<Value>(of list: [Value]) -> [Value]? {
        if list.count <= 1 { return list }
        if list.count == imageCount { return numbers.map { list[$0] } }
        return list.count == numbers.count ? list : nil
    }

    /// The same for the values of an option.
    /// - Parameters:
    ///   - text: the option with its values.
    ///   - name: what messages call the image.
    /// - Throws: `invalidArgument` for other lengths.
    package func values<Value>(of list: [Value], _ text: Message, _ name: String) throws(DeconvolutionError) -> [Value]
    {
        if let values = values(of: list) { return values }
        let chosen: Message =
            numbers.count == imageCount ? "" : ", of which \(.channel) chooses \(numbers.count)"
        throw DeconvolutionError(
            .invalidArgument,
            "\(text): \(list.count) values, but \(name) has \(imageCount == 1 ? "1 channel" : "\(imageCount) channels")"
                + "\(chosen); give one for all or one a channel"
        )
    }
}

extension DeconvolutionOptions {
    /// The options for the chosen channels of an image: of every list with a value for each channel those of these.
    /// - Parameter name: what messages call the image.
    /// - Throws: `invalidArgument` for a list of another length.
    package func chosen(_ channels: ChosenChannels, _ name: String) throws(DeconvolutionError) -> DeconvolutionOptions {
        var chosen = self
        if let given = background.given {
            chosen.background = .values(try channels.values(of: given, "\(.background, background.text)", name))
        }
        if let given = viewBackground?.given, let text = viewBackground?.text {
            chosen.viewBackground = .values(try channels.values(of: given, "\(.viewBackground, text)", name))
        }
        chosen.microscope = try microscope.chosen(channels, name)
        return chosen
    }
}

extension MicroscopeOptions {
    /// The options for the chosen channels of an image: see `DeconvolutionOptions.chosen`.
    package func chosen(_ channels: ChosenChannels, _ name: String) throws(DeconvolutionError) -> MicroscopeOptions {
        func text(_ values: [Double]) -> String { values.map(\.inMessage).joined(separator: ",") }
        var chosen = self
        chosen.emission = try channels.values(of: emission, "\(.emission, text(emission))", name)
        chosen.excitation = try channels.values(of: excitation, "\(.excitation, text(excitation))", name)
        chosen.dyes = try channels.values(of: dyes, "\(.dye, dyes.joined(separator: ","))", name)
        return chosen
    }
}
