package import DeconvVolume

/// What OME-Zarr says of an image: the first of a group's `multiscales`.
///
/// Version 0.4 lies in the attributes of a group of Zarr version 2, version 0.5 in the member `ome` of those of version 3.
/// - SeeAlso: https://ngff.openmicroscopy.org/0.4 and /0.5.
package struct OMEZarrMetadata: Hashable, Sendable {
    /// One axis, as it is written.
    package struct Axis: Hashable, Sendable {
        /// Such as `t`, `c`, `z`, `y`, `x`.
        package var name: String
        /// `time`, `channel`, `space`, or nil.
        package var type: String?
        /// Such as `micrometer` or `second`, or nil.
        package var unit: String?

        package init(name: String, type: String?, unit: String?) {
            self.name = name
            self.type = type
            self.unit = unit
        }
    }

    /// One level of the pyramid, the finest first.
    package struct Level: Hashable, Sendable {
        /// Path of the array in the group.
        package var path: String
        /// Size of an element per axis, in the axis' unit: the product of the level's scale and that of the whole image.
        package var scale: [Double]
        /// Position of the first element's center per axis, in the axis' unit.
        package var translation: [Double]?

        package init(path: String, scale: [Double], translation: [Double]?) {
            self.path = path
            self.scale = scale
            self.translation = translation
        }
    }

    /// Whether it is 0.4 or 0.5 follows from the version of Zarr.
    package var zarrVersion: ZarrVersion
    /// One per axis of the arrays.
    package var axes: [Axis]
    /// At least one.
    package var levels: [Level]
    /// The image's name.
    package var name: String?
    /// How viewers show the channels, carried over as it is.
    package var omero: JSONValue?
    /// What was not as the format wants it and can only mean one thing, in words: what it is and what it was taken for.
    package var repairs: [String] = []
    /// How the image came about, where it is a result of this program.
    package var provenance: Provenance?

    package init(zarrVersion: ZarrVersion, axes: [Axis], levels: [Level], name: String? = nil, omero: JSONValue? = nil)
    {
        self.zarrVersion = zarrVersion
        self.axes = axes
        self.levels = levels
        self.name = name
        self.omero = omero
    }
}
