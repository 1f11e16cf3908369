/// What the transforms of one geometry take in memory, which depends on the engine.
package struct TransformBytes: Hashable, Sendable {
    /// Bytes of the work volume.
    package var work: Int
    /// Bytes of scratch memory.
    package var temporary: Int
    /// Bytes of the optical transfer function.
    package var otf: Int
    /// Bytes ahead of the transfer function, and ahead of an observed frame, for what transforms read along with them.
    package var header: Int

    /// Bytes, counted by an engine.
    package init(work: Int, temporary: Int, otf: Int, header: Int = 0) {
        self.work = work
        self.temporary = temporary
        self.otf = otf
        self.header = header
    }

    /// The half spectrum of the work volume, and a transfer function of its size.
    package static func halfSpectra(_ geometry: WorkGeometry) -> TransformBytes {
        TransformBytes(work: geometry.spectrumCount * 8, temporary: 0, otf: geometry.spectrumCount * 8)
    }
}
