import DeconvVolume

/// Formats that are known and not read.
enum ForeignFormat {
    /// What every message says of a way out that keeps the sizes of voxels.
    static let conversion =
        "convert it with bfconvert of Bio-Formats, which keeps the sizes of voxels (bfconvert FILE out.ome.tif), or with "
        + "bioformats2raw to OME-Zarr"
}
