package import DeconvVolume

/// Where everything lies in the padded volume that is transformed.
///
/// All regions are in the coordinates of the work volume, whose first voxel is (0, 0, 0).
package struct WorkGeometry: Hashable, Sendable {
    /// Shape of the transform.
    package var workShape: VolumeShape
    /// Recorded voxels: where the observed image lies.
    package var frame: Region
    /// Where the estimate lives; contains the frame and starts at (0, 0, 0).
    package var domain: Region
    /// Whether what lies outside the domain is its opposite side, rather than nothing.
    package var wraps: Bool
    /// Whether fields are blurred in it and nothing else is done, as in tiles; else it takes a method's fields as well.
    package var isOnlyProjected: Bool

    /// A geometry from its regions.
    package init(
        workShape: VolumeShape,
        frame: Region,
        domain: Region,
        wraps: Bool,
        isOnlyProjected: Bool = false
    ) {
        precondition(Region(workShape).contains(domain) && domain.contains(frame), "the frame lies in the domain")
        precondition(domain.origin == .zero, "the domain starts at the first voxel")
        self.workShape = workShape
        self.frame = frame
        self.domain = domain
        self.wraps = wraps
        self.isOnlyProjected = isOnlyProjected
    }

    /// Whether light is estimated outside the frame, so that the normalization differs from 1.
    package var extendsFrame: Bool { domain != frame }

    /// Row pitch of the half spectrum in complex values: x / 2 + 1.
    package var halfRow: Int { workShape.x / 2 + 1 }

    /// Complex values of which the distance between planes is a multiple: 512 bytes, so that every plane starts where a SIMD load
    /// and an OpenCL sub-buffer may.
    package static let planeAlignment = 64

    /// Distance between planes of the work volume in complex values, a multiple of `planeAlignment`.
    package var planePitch: Int {
        (workShape.y * halfRow + Self.planeAlignment - 1) / Self.planeAlignment * Self.planeAlignment
    }

    /// Complex values of the work volume.
    package var spectrumCount: Int { workShape.z * planePitch }
}
