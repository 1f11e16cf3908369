package import DeconvVolume

/// What may help after a device failed.
package enum DeviceRemedy: Sendable {
    /// It has too little memory for what was planned.
    case lessMemory
    /// What failed may be the context, or what was enqueued in it before.
    case newContext
    /// A library's transforms are wrong, and the next workspace is another library's.
    case otherTransforms
}

extension DeconvolutionError {
    /// What may help, or nil where nothing is known to.
    package var remedy: DeviceRemedy? {
        if code == .outOfMemory { return .lessMemory }
        guard code == .deviceFailed else { return nil }
        switch cause {
        case let error as OpenCLError where error.status.isOfBrokenContext: return .newContext
        case is WrongTransforms: return .otherTransforms
        default: return nil
        }
    }
}
