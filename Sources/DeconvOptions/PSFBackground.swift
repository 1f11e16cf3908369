extension DeconvolutionOptions {
    /// How the PSF's background is found.
    public enum PSFBackground: Hashable, Sendable {
        /// From the PSF's border.
        case auto
        /// A number of counts.
        case value(Double)

        /// Where nobody says.
        public static let standard = PSFBackground.auto

        /// As a person gives it.
        package var inMessage: String {
            switch self {
            case .auto: "auto"
            case .value(let counts): counts.inMessage
            }
        }
    }
}

extension DeconvolutionOptions.PSFBackground {
    /// `auto` or a number of counts; nil where the text is something else.
    package init?(text: String) {
        if text == "auto" {
            self = .auto
        } else if let value = Double(text) {
            self = .value(value)
        } else {
            return nil
        }
    }
}
