/// Which part of what is at a path is the image.
public struct InputSelection: Sendable, Hashable {
    /// Path of an array or an image of OME-Zarr in a Zarr store, or number (from 0) or name of an image in an OME-TIFF; nil for
    /// the only one, or the first of an OME-TIFF.
    public var array: String?
    /// What the axes of a Zarr array mean, one letter each, such as `ctzyx`, or what the pages of TIFF files are counted by, the
    /// slowest first, with sizes where the file does not say them (`t3z5c2yx`); nil for what its metadata say. Of axes without
    /// names the last three are z, y and x.
    public var axes: String?
    /// Channels, as Python picks elements: `1`, `0:2`, `0,2`; nil for all.
    public var channels: String?
    /// Time points, as Python picks elements: `5`, `0:10`, `0:100:10`, `-1`; nil for all.
    public var timepoints: String?

    /// Everything that is there.
    public init() {}
}
