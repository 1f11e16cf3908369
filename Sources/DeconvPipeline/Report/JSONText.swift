package import DeconvVolume
import Foundation

/// Reports for programs.
package enum JSONText {
    /// A value as JSON with sorted keys, the same on every run.
    /// - Parameter style: how the front end that asks has messages name options.
    package static func of(_ value: some Encodable, _ style: OptionName.Style) -> String {
        let encoder = JSONEncoder()
        encoder.userInfo[.optionStyle] = style
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else { return "{}" }
        return String(decoding: data, as: UTF8.self)
    }
}
