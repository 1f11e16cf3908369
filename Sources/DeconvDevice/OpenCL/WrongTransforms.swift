/// The cause of transforms that did not give what they must.
struct WrongTransforms: Error, CustomStringConvertible {
    var description = "its transforms are wrong"
}
