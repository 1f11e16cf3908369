package import DeconvVolume

// The step of host memory is `SlabConvolution.invertTransferFunction`, which knows how it holds transfer functions.

extension OpenCLWorkspace {
    package func invertTransferFunction(_ filter: InverseFilter, probing field: Field) throws(DeconvolutionError) {
        if isProjectionDue {
            // The filter has no sums that it could be held against, but the plans that apply it have.
            try forwardProject(field)
            try finishRows()
            try checkProjection()
        }
        check?.forget()
        guard let transfer = transforms.transfer else { preconditionFailure("setPSF comes before its inverse") }
        try kernels.invertOTF(
            transfer.values,
            isReal: transfer.isReal,
            filter,
            layout
        )
        isInverse = true
    }
}
