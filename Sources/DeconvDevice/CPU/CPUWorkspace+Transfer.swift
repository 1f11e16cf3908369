package import DeconvVolume

extension CPUWorkspace {
    package func makeTransfer(for shape: VolumeShape) throws(DeconvolutionError) -> HostTransfer? {
        try HostTransfer(layout)
    }

    package func swapObserved(with transfer: HostTransfer) throws(DeconvolutionError) {
        let old: HostObserved
        if let observed { old = observed } else { old = try HostObserved(layout) }
        observed = transfer.exchange(old)
    }
}
