package import DeconvVolume

extension VoxelSpacing {
    /// Three sizes in micrometers, written `z,y,x`; nil where the text is something else.
    package init?(text: String) {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
        guard parts.count == 3, let z = parts[0], let y = parts[1], let x = parts[2] else { return nil }
        self.init(z: z, y: y, x: x)
    }
}

extension VolumeShape {
    /// The most voxels of an axis that a text may have: so few that no product of three overflows.
    static let mostInText = 1 << 20

    /// Three numbers of voxels, written `z,y,x`; nil where the text is something else.
    package init?(text: String) {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 3, let z = parts[0], let y = parts[1], let x = parts[2] else { return nil }
        guard z >= 1, y >= 1, x >= 1, max(z, y, x) <= Self.mostInText else { return nil }
        self.init(z: z, y: y, x: x)
    }
}

extension Double {
    /// The number as a person writes it: `98`, not `98.0`.
    package var inMessage: String {
        let text = "\(self)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}

extension VoxelSpacing {
    /// The spacing as a person gives it: `0.3,0.1,0.1`.
    package var inMessage: String { "\(z.inMessage),\(y.inMessage),\(x.inMessage)" }
}
