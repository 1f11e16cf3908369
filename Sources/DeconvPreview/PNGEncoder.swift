import CPNG
package import DeconvVolume

extension GrayImage {
    /// The picture as a PNG file, 8-bit gray.
    /// - Throws: `DeconvolutionError` (`internalError`) where libpng refuses, with its words.
    package func png() throws(DeconvolutionError) -> [UInt8] {
        try PNGEncoder.png(pixels, width: width, height: height, format: PNG_FORMAT_GRAY)
    }
}

extension ColorImage {
    /// The picture as a PNG file, 8 bits each of red, green and blue.
    /// - Throws: `DeconvolutionError` (`internalError`) where libpng refuses, with its words.
    package func png() throws(DeconvolutionError) -> [UInt8] {
        try PNGEncoder.png(pixels, width: width, height: height, format: PNG_FORMAT_RGB)
    }
}

/// What libpng makes of pixels.
private enum PNGEncoder {
    static func png(
        _ pixels: [UInt8],
        width: Int,
        height: Int,
        format: some BinaryInteger
    ) throws(DeconvolutionError) -> [UInt8] {
        var image = png_image()
        image.version = png_uint_32(PNG_IMAGE_VERSION)
        image.width = png_uint_32(width)
        image.height = png_uint_32(height)
        image.format = png_uint_32(format)
        // More than deflate ever adds to what cannot be compressed, and room for the headers.
        var file = [UInt8](repeating: 0, count: pixels.count + pixels.count / 16 + height + 4096)
        var byteCount = png_alloc_size_t(file.count)
        let rowBytes = png_int_32(pixels.count / height)
        let isWritten = png_image_write_to_memory(&image, &file, &byteCount, 0, pixels, rowBytes, nil)
        defer { png_image_free(&image) }
        guard isWritten != 0 else {
            let reason = withUnsafeBytes(of: image.message) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            throw DeconvolutionError(
                .internalError,
                "libpng cannot encode a preview of \(width)x\(height) pixels: \(reason)"
            )
        }
        file.removeLast(file.count - Int(byteCount))
        return file
    }
}
