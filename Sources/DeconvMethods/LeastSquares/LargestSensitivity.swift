import DeconvDevice
import DeconvVolume

extension Workspace {
    /// Sets f on the frame; see `setSensitivity`.
    /// - Returns: the largest f, or 1 where it is 1 everywhere or 0.
    func setSensitivity(
        findingLargest read: ((Region) throws(DeconvolutionError) -> [Float])?
    ) throws(DeconvolutionError) -> Double {
        guard let read else {
            try setSensitivity(reading: nil)
            return 1
        }
        var largest: Float = 0
        try setSensitivity { (region) throws(DeconvolutionError) in
            let values = try read(region)
            largest = values.reduce(largest, max)
            return values
        }
        return largest > 0 ? Double(largest) : 1
    }
}
