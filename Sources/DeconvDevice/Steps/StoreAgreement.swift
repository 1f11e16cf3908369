package import DeconvVolume

// MARK: - On the host

extension RowOperation {
    /// A row into a field's, as the product of the changes of two halves; see `Workspace.storeAgreement`.
    static func storeAgreement(in target: HostField, of whole: HostField, normalization: HostField?) -> RowOperation {
        let (values, wholes, weights, count) = (target.planes, whole.planes, normalization?.planes, target.shape.x)
        return RowOperation { z, y, half in
            let (products, both) = (values.row(z, y), wholes.row(z, y))
            if let weight = weights?.row(z, y) {
                for x in 0..<count {
                    let product = (weight[x] * half[x] - 1) * (weight[x] * (2 * both[x] - half[x]) - 1)
                    products[x] = weight[x] <= 0 ? 0 : product
                }
            } else {
                for x in 0..<count { products[x] = (half[x] - 1) * (2 * both[x] - half[x] - 1) }
            }
            return 0
        }
    }
}

extension HostWorkspace {
    package func storeAgreement(
        in target: HostField,
        of whole: HostField,
        normalization: HostField?
    ) throws(DeconvolutionError) {
        willChange(target)
        let store = RowOperation.storeAgreement(in: target, of: whole, normalization: normalization)
        applyToWork(store, layout.domain, .read)
    }
}

// MARK: - On a device

extension KernelTable {
    /// target ← (W · work − 1) (W · (2 · whole − work) − 1) with the normalization W, 0 where that is 0.
    package func storeAgreement(
        in target: DeviceBuffer,
        of whole: DeviceBuffer,
        _ work: DeviceBuffer,
        _ layout: WorkspaceLayout,
        normalization: DeviceBuffer?
    ) throws(DeconvolutionError) {
        let shape = layout.domain.shape
        try self["store_agreement"].run(
            x: shape.x,
            y: shape.y,
            z: shape.z,
            [.buffer(target), .buffer(whole), .uint(shape.y), .uint(shape.x), .buffer(work)] + pitches(layout)
                + [.buffer(normalization)]
        )
    }
}

extension OpenCLWorkspace {
    package func storeAgreement(
        in target: Field,
        of whole: Field,
        normalization: Field?
    ) throws(DeconvolutionError) {
        try finishRows()
        try checkBackProjection()
        try kernels.storeAgreement(
            in: target.buffer,
            of: whole.buffer,
            work,
            layout,
            normalization: normalization?.buffer
        )
    }
}
