/// A voxel type that is compared as stored and converted on the way.
protocol StoredVoxel: BitwiseCopyable, Sendable {
    var asFloat: Float { get }

    /// Eight voxels from a pointer on.
    static func loadEight(_ voxels: UnsafePointer<Self>) -> SIMD8<Float>
}

extension UInt8: StoredVoxel {
    @inline(__always) var asFloat: Float { Float(self) }
    @inline(__always) static func loadEight(_ voxels: UnsafePointer<UInt8>) -> SIMD8<Float> {
        SIMD8(truncatingIfNeeded: UnsafeRawPointer(voxels).loadUnaligned(as: SIMD8<UInt8>.self)).asFloat
    }
}
extension UInt16: StoredVoxel {
    @inline(__always) var asFloat: Float { Float(self) }
    @inline(__always) static func loadEight(_ voxels: UnsafePointer<UInt16>) -> SIMD8<Float> {
        SIMD8(truncatingIfNeeded: UnsafeRawPointer(voxels).loadUnaligned(as: SIMD8<UInt16>.self)).asFloat
    }
}
extension Float: StoredVoxel {
    @inline(__always) var asFloat: Float { self }
    @inline(__always) static func loadEight(_ voxels: UnsafePointer<Float>) -> SIMD8<Float> {
        UnsafeRawPointer(voxels).loadUnaligned(as: SIMD8<Float>.self)
    }
}

extension SIMD8<Int32> {
    /// The lanes as floats; exact below 2^22 in size.
    ///
    /// By the bits: the conversion of the standard library goes lane by lane.
    @inline(__always) var asFloat: SIMD8<Float> {
        // 1.5 · 2^23 + n has n in its lowest bits.
        let magic = SIMD8<Int32>(repeating: 0x4b40_0000)
        return unsafeBitCast(magic &+ self, to: SIMD8<Float>.self) - 12_582_912
    }
}
