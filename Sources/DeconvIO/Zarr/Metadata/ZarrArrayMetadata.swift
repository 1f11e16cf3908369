/// What an array says about itself, in either version of the format.
package struct ZarrArrayMetadata: Hashable, Sendable {
    /// The version of the format.
    package let version: ZarrVersion
    /// Elements per axis.
    package let shape: [Int]
    /// Elements per axis of what one file holds: a chunk, or a shard of inner chunks.
    package let chunkShape: [Int]
    /// What the elements are.
    package let dataType: ZarrDataType
    /// What is there where nothing was written.
    package let fillValue: ZarrFillValue
    /// How files of chunks are called.
    package let chunkKeys: ZarrChunkKeys
    /// How a chunk becomes bytes.
    package let codecs: ZarrCodecPipeline
    /// What others have to say about the array, unchanged, but for names of axes.
    package var attributes: JSONObject
    /// A name per axis, nil for an axis without one; nil where there are none. Version 2 stores them as the attribute
    /// `_ARRAY_DIMENSIONS`, as xarray does, where every axis has one.
    package let dimensionNames: [String?]?

    /// Elements per axis of what is decoded at once: an inner chunk of a shard, or a whole chunk.
    package var innerChunkShape: [Int] { codecs.decodedShape(chunkShape) }

    /// Whether one file holds many chunks.
    package var isSharded: Bool { if case .shard = codecs.layout { true } else { false } }

    var element: ZarrElement { ZarrElement(size: dataType.byteCount, fill: fillValue.bytes) }

    init(
        version: ZarrVersion,
        shape: [Int],
        chunkShape: [Int],
        dataType: ZarrDataType,
        fillValue: ZarrFillValue,
        chunkKeys: ZarrChunkKeys,
        codecs: ZarrCodecPipeline,
        attributes: JSONObject,
        dimensionNames: [String?]?
    ) throws(ZarrProblem) {
        guard shape.allSatisfy({ $0 >= 0 }) else {
            throw ZarrProblem("its shape is \(shape)", writing: "choose another")
        }
        guard chunkShape.count == shape.count else {
            throw ZarrProblem(
                "its chunks have \(chunkShape.count) axes but it has \(shape.count)",
                writing: "give one length for each"
            )
        }
        // An axis without elements may have chunks without any, which numcodecs' users have written.
        let chunkShape = zip(shape, chunkShape).map { $0 == 0 && $1 == 0 ? 1 : $1 }
        guard chunkShape.allSatisfy({ $0 > 0 }) else {
            throw ZarrProblem("its chunks are \(chunkShape)", writing: "choose at least 1 along each axis")
        }
        if let dimensionNames, dimensionNames.count != shape.count {
            throw ZarrProblem(
                "it has \(dimensionNames.count) names for \(shape.count) axes",
                writing: "give one for each"
            )
        }
        try codecs.validate(chunkShape: chunkShape, elementSize: dataType.byteCount)
        self.version = version
        self.shape = shape
        self.chunkShape = chunkShape
        self.dataType = dataType
        self.fillValue = fillValue
        self.chunkKeys = chunkKeys
        self.codecs = codecs
        self.attributes = attributes
        self.dimensionNames = dimensionNames
    }
}

/// The files in which a node's metadata are, by name.
package enum ZarrMetadataFile {
    package static let array = ".zarray"
    static let group = ".zgroup"
    static let attributes = ".zattrs"
    static let consolidated = ".zmetadata"
    package static let version3 = "zarr.json"

    /// All of them.
    static let all = [array, group, attributes, consolidated, version3]
}
