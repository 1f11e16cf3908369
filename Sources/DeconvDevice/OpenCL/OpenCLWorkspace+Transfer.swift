package import DeconvVolume

extension OpenCLWorkspace {
    package func makeTransfer(for shape: VolumeShape) throws(DeconvolutionError) -> OpenCLTransfer? {
        try OpenCLTransfer(layout, resultShape: shape, context: queue.context)
    }

    package func swapObserved(with transfer: OpenCLTransfer) throws(DeconvolutionError) {
        // What is enqueued may still read the old frame.
        try queue.finish()
        observed = try transfer.exchange(observed)
    }
}
