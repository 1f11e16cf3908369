package import DeconvVolume

extension ZarrSource {
    /// The letter of each axis.
    package var axes: String? { layout.axes.map(\.rawValue).joined() }

    /// How many axes are none of channel, z, y and x.
    package var timeAxisCount: Int { layout.timeAxes.count }

    /// A ZIP file where the store is one.
    package var paths: [String] {
        array.store.storage is ZIPStorage && !RemoteURL.isRemote(array.store.path) ? [array.store.path] : [name]
    }

    /// See `ImageFileSource.identity`.
    package var identity: String? { array.store.storage.identity(of: array.path) }

    /// The array's axes and metadata, and what OME-Zarr says of the image.
    package func storageTemplate(for image: ImageDescription) -> ZarrOutputContent {
        var shape = layout.shape
        if let axis = layout.index(of: .channel) { shape[axis] = image.channelCount }
        if let axis = layout.timeAxes.first, timeAxisCount == 1 { shape[axis] = image.timepointCount }
        return ZarrOutputContent(
            layout: ArrayLayout(axes: layout.axes, shape: shape),
            image: image,
            template: array.metadata,
            multiscale: ome,
            attributes: array.metadata.attributes
        )
    }
}
