/// A voxel type that is compared as stored and converted on the way.
protocol StoredVoxel: BitwiseCopyable, Sendable {
    var asFloat: Float { get }
}

extension UInt8: StoredVoxel {
    @inline(__always) var asFloat: Float { Float(self) }
}
extension UInt16: StoredVoxel {
    @inline(__always) var asFloat: Float { Float(self) }
}
extension Float: StoredVoxel {
    @inline(__always) var asFloat: Float { self }
}
