import DeconvVolume

/// What Zeiss's LSM keeps in tag 34412, `CZ_LSMINFO`: sizes of axes, of voxels, and the kind of scan.
///
/// Offsets and meanings are those that LSM's own description has; every number is little-endian, like the file.
struct LSMDescription {
    private let sizes: (x: Int, y: Int, z: Int, channel: Int, time: Int)
    private let lengths: AxisLengths
    private let interval: Double
    private let scanType: Int

    /// What a tag says, or nil where it is none of LSM.
    init?(_ bytes: [UInt8]?) {
        guard let bytes, bytes.count >= 120 else { return nil }
        func integer(_ offset: Int, _ count: Int) -> UInt64 {
            bytes[offset..<offset + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        func size(_ offset: Int) -> Int { Int(integer(offset, 4)) }
        func number(_ offset: Int) -> Double { Double(bitPattern: integer(offset, 8)) }
        guard [0x0300_494C, 0x0400_494C].contains(integer(0, 4)) else { return nil }
        sizes = (size(8), size(12), size(16), size(20), size(24))
        // In meters.
        func length(_ offset: Int) -> Double? {
            let micrometers = number(offset) * 1e6
            return micrometers > 0 && micrometers.isFinite ? micrometers : nil
        }
        lengths = AxisLengths(z: length(56), y: length(48), x: length(40))
        scanType = Int(integer(88, 2))
        interval = number(112)
    }

    /// The layout of a file of `pageCount` pages beside its thumbnails.
    /// - Parameter samplesPerPage: planes of a page; a channel each.
    /// - Throws: where it is a kind of scan without planes of y and x, or its counts do not go with the pages.
    func layout(pageCount: Int, samplesPerPage: Int) throws(DescriptionProblem) -> TIFFLayout {
        guard [0, 3, 6].contains(scanType), min(sizes.z, sizes.time, sizes.channel) >= 1,
            sizes.channel == samplesPerPage, Int.product([sizes.z, sizes.time]) == pageCount
        else {
            throw DescriptionProblem(
                "is a Zeiss LSM file of \(sizes.time) time points, \(sizes.z) planes and \(sizes.channel) channels (scan "
                    + "type \(scanType)) with \(pageCount) pages of \(samplesPerPage), which is not read; "
                    + ForeignFormat.conversion
            )
        }
        var layout = TIFFLayout(letters: ["t", "z", "c"], sizes: [sizes.time, sizes.z, sizes.channel])
        layout.samplesPerPage = samplesPerPage
        layout.planeSize = (width: sizes.x, height: sizes.y)
        layout.acceptsPalette = true
        layout.lengths = lengths
        if sizes.time > 1, interval > 0, interval.isFinite { layout.timeInterval = interval }
        return layout
    }
}
