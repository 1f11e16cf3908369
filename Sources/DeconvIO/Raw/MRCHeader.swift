import DeconvVolume

/// The header of an MRC file, of electron microscopy (Cheng and others 2015, J. Struct. Biol. 192, 146), or of DeltaVision's form
/// of it, which has wavelengths and time points too.
struct MRCHeader {
    private static let byteCount: UInt64 = 1024

    /// Whether bytes are the start of one.
    static func isHeader(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= 216 else { return false }
        return deltaVisionOrder(bytes) != nil || Array(bytes[208..<211]) == Array("MAP".utf8)
    }

    /// Whether DeltaVision's number is there, and its byte order.
    private static func deltaVisionOrder(_ bytes: [UInt8]) -> Bool? {
        switch (bytes[96], bytes[97]) {
        case (0xA0, 0xC0): false
        case (0xC0, 0xA0): true
        default: nil
        }
    }

    /// A number of a header.
    private struct Reader {
        let bytes: [UInt8]
        let isBigEndian: Bool

        func bits(_ offset: Int, _ count: Int) -> UInt32 {
            let part = bytes[offset..<offset + count]
            return (isBigEndian ? Array(part) : part.reversed()).reduce(0) { $0 << 8 | UInt32($1) }
        }
        func int32(_ offset: Int) -> Int { Int(Int32(bitPattern: bits(offset, 4))) }
        func int16(_ offset: Int) -> Int { Int(Int16(truncatingIfNeeded: bits(offset, 2))) }
        /// With the digits of a number of 32 bits: 0.3, and not 0.30000001.
        func float(_ offset: Int) -> Double { Double(Float(bitPattern: bits(offset, 4)).description) ?? .nan }
        func length(_ offset: Int, over count: Int = 1, in unit: Double = 1) -> Double? {
            let length = float(offset) * unit / Double(max(count, 1))
            return length > 0 && length.isFinite ? length : nil
        }
    }

    /// Where the voxels of a file are, and what they are.
    /// - Throws: `invalidData` where it is truncated, or holds what is not read.
    static func read(_ file: FileBytes) throws(DeconvolutionError) -> (RawVoxels, TIFFLayout) {
        let bytes = try file.bytes(at: 0, count: byteCount)
        let deltaVision = deltaVisionOrder(bytes)
        let header = Reader(bytes: bytes, isBigEndian: deltaVision ?? (bytes[212] == 0x11))
        let (width, height, sections) = (header.int32(0), header.int32(4), header.int32(8))
        let types: [Int: PixelType] = [
            0: deltaVision == nil ? .int8 : .uint8, 1: .int16, 2: .float32, 6: .uint16, 7: .int32,
        ]
        guard let pixelType = types[header.int32(12)] else {
            throw file.invalid(
                "holds voxels of MRC's mode \(header.int32(12)), which are not read; save it as 16-bit integers or 32-bit floating "
                    + "point"
            )
        }
        let extended = header.int32(92)
        guard width > 0, height > 0, sections > 0, extended >= 0 else {
            throw file.invalid("is damaged: its header claims \(width) x \(height) x \(sections) voxels; copy it again")
        }
        var layout: TIFFLayout
        if deltaVision != nil {
            let (times, waves) = (max(header.int16(180), 1), max(header.int16(196), 1))
            guard let volumes = Int.product([times, waves]), sections % volumes == 0 else {
                throw file.invalid(
                    "is damaged: its header claims \(sections) planes for \(times) time points and \(waves) wavelengths; copy it again"
                )
            }
            // The slowest first; the header names them the other way round: ZTW, WZT, ZWT.
            let orders: [[Character]] = [["c", "t", "z"], ["t", "z", "c"], ["t", "c", "z"]]
            let number = header.int16(182)
            guard orders.indices.contains(number) else {
                throw file.invalid(
                    "has its planes in an order (\(number)) that is not known; save it again as OME-TIFF"
                )
            }
            let sizes: [Character: Int] = ["t": times, "c": waves, "z": sections / volumes]
            layout = TIFFLayout(letters: orders[number], sizes: orders[number].map { sizes[$0] ?? 1 })
            layout.lengths = AxisLengths(z: header.length(48), y: header.length(44), x: header.length(40))
            layout.acquisition.channels = (0..<waves).map { wave in
                var channel = AcquisitionMetadata.Channel()
                let nanometers = wave < 5 ? header.int16(198 + 2 * wave) : 0
                if nanometers > 0 { channel.emission = .init(Double(nanometers), "its DeltaVision header") }
                return channel
            }
        } else {
            layout = TIFFLayout(letters: ["z"], sizes: [sections])
            // The box is in ångström, and has so many sampling points along each axis.
            layout.lengths = AxisLengths(
                z: header.length(48, over: header.int32(36), in: 1e-4),
                y: header.length(44, over: header.int32(32), in: 1e-4),
                x: header.length(40, over: header.int32(28), in: 1e-4)
            )
        }
        let voxels = RawVoxels(
            file: file,
            offset: byteCount + UInt64(extended),
            width: width,
            height: height,
            pixelType: pixelType,
            isBigEndian: header.isBigEndian
        )
        return (voxels, layout)
    }
}

extension RawSource {
    /// An MRC or DeltaVision file.
    convenience init(mrc file: FileBytes) throws(DeconvolutionError) {
        let (voxels, layout) = try MRCHeader.read(file)
        try self.init(file, voxels, layout)
    }
}
