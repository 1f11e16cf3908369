import DeconvVolume

/// A volume that has been looked at once.
struct SurveyedVolume: Sendable {
    var position: VolumePosition
    /// Of its good voxels.
    var statistics: ImageStatistics
    /// What the mean of its voxels would be if they were all as sensitive.
    var mean: Double
    /// Whether it has no light above the background, so that its result is 0.
    var isDark: Bool
    /// Its f; nil for 1.
    var sensitivity: VolumeSensitivity?
    /// What tells its f from that of others; nil where there are no maps.
    var sensitivityKey: VolumeSensitivity.Key?
    /// Voxels that are bad for no other reason than that they are saturated.
    var saturatedCount: Int
    /// Its voxels, 0 on bad ones; nil where they are read again, plane by plane.
    var voxels: VoxelData?
    /// The same volume in the second view of the object; empty where there is one view.
    var secondView: [SurveyedVolume] = []
    /// The values of its f; nil where they are read again, or known from the volume before.
    var sensitivityValues: [Float]?
}
