/// What the values of a page are taken for.
enum TIFFMeaning {
    /// They rise with light.
    case intensities
    /// They rise with light, and those of a palette image do.
    case indices
    /// 0 or not, however they are shown.
    case mask
}
