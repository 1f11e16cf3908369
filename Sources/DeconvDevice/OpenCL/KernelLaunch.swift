/// One enqueueing of a kernel: which items, in which work-groups; x, y, z.
struct KernelLaunch: Equatable {
    /// First item along each axis.
    var offset: [Int]
    /// Items along each axis, whole work-groups of them.
    var global: [Int]
    /// Items of a work-group along each axis.
    var local: [Int]

    /// NVIDIA's drivers take no more work-groups along y and z, the others more.
    static let mostGroups = 65_535

    /// The launches that cover a box of items, one unless an axis is longer than devices take.
    ///
    /// A work-group is as wide as a row, up to its size, and takes several rows where they are short: no lanes idle on the
    /// narrow volumes that tiles have, and neighbouring lanes read neighbouring values on all others.
    /// - Parameter groupSize: items of a work-group, a power of two.
    static func covering(
        x: Int,
        y: Int,
        z: Int,
        groupSize: Int,
        mostGroups: Int = KernelLaunch.mostGroups
    ) -> [KernelLaunch] {
        var width = 1
        while width < min(x, groupSize) { width *= 2 }
        var height = 1
        while height < y, width * height < groupSize { height *= 2 }
        let columns = (x + width - 1) / width * width
        let mostRows = mostGroups * height
        return stride(from: 0, to: z, by: mostGroups).flatMap { firstPlane in
            stride(from: 0, to: y, by: mostRows).map { firstRow in
                let rows = (min(mostRows, y - firstRow) + height - 1) / height * height
                return KernelLaunch(
                    offset: [0, firstRow, firstPlane],
                    global: [columns, rows, min(mostGroups, z - firstPlane)],
                    local: [width, height, 1]
                )
            }
        }
    }
}
