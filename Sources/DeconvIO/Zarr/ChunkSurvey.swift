package import DeconvVolume

/// Which files there are of the chunks or shards that volumes are read from.
package struct ChunkSurvey: Sendable {
    /// How many files there may be; the largest number there is where an array claims more.
    package var wantedCount: Int
    /// How many there are.
    package var foundCount: Int
    /// A number for each volume that changes with names, lengths and times of its files, by its number among those that were
    /// asked for; empty where it was not asked for.
    package var stamps: [VolumePosition: UInt64] = [:]
    /// The same for all files at once.
    package var stamp: UInt64 = 0
    /// What is to be said where files are missing.
    package var diagnostics: [Diagnostic] = []
}
