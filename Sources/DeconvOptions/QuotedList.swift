/// A list of names in one text, with commas between them: `a.tif,b.tif`, and `"a,1.tif",b.tif` for names that have commas themselves.
package enum QuotedList {
    /// The names; commas and colons within double quotes are part of them, and the quotes are not.
    ///
    /// Quotes without an end are letters like others.
    package static func parse(_ text: String) -> [String] {
        var names = [""]
        var rest = text[...]
        while let letter = rest.popFirst() {
            if letter == "\"", let end = rest.firstIndex(of: "\"") {
                names[names.count - 1] += rest[..<end]
                rest = rest[rest.index(after: end)...]
            } else if letter == "," {
                names.append("")
            } else {
                names[names.count - 1].append(letter)
            }
        }
        return names
    }

    /// A name as `parse` takes it for one.
    package static func quoted(_ name: String) -> String { name.contains(",") ? "\"\(name)\"" : name }
}
