/// A version of the format.
package enum ZarrVersion: Int, CaseIterable, Sendable {
    /// `.zarray`, `.zgroup`, `.zattrs`.
    case two = 2
    /// `zarr.json`.
    case three = 3
}
