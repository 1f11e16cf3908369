/// Which release this is.
package enum ProgramVersion {
    /// By semantic versioning.
    package static let text = "0.1.0"
}
