/// The OpenCL C sources of this folder, embedded in the binary.
package enum KernelSource {
    /// One program text of all kernels.
    ///
    /// Each file keeps its name for the compiler's messages. Types are chosen by the macros that `WorkVolume.cl` lists.
    package static let program: String = files.map { name, bytes in
        "#line 1 \"\(name).cl\"\n" + String(decoding: bytes, as: UTF8.self)
    }.joined(separator: "\n")

    private static let files: [(String, [UInt8])] = [
        ("WorkVolume", PackageResources.WorkVolume_cl),
        ("EmbedField", PackageResources.EmbedField_cl),
        ("EmbedPSF", PackageResources.EmbedPSF_cl),
        ("ExtractBox", PackageResources.ExtractBox_cl),
        ("FillFromObserved", PackageResources.FillFromObserved_cl),
        ("FillWork", PackageResources.FillWork_cl),
        ("ComplementWork", PackageResources.ComplementWork_cl),
        ("ScaleSpectrum", PackageResources.ScaleSpectrum_cl),
        ("RealPart", PackageResources.RealPart_cl),
        ("ComplexMultiply", PackageResources.ComplexMultiply_cl),
        ("RealMultiply", PackageResources.RealMultiply_cl),
        ("TakeRatio", PackageResources.TakeRatio_cl),
        ("StoreNormalization", PackageResources.StoreNormalization_cl),
        ("MultiplyEstimate", PackageResources.MultiplyEstimate_cl),
        ("PoissonDivergence", PackageResources.PoissonDivergence_cl),
        ("LargestValue", PackageResources.LargestValue_cl),
        ("LargestImaginary", PackageResources.LargestImaginary_cl),
    ]

    /// A function that clFFT compiles into its own kernels, in place of their reads or writes.
    package struct Callback: Sendable {
        /// The function's name in OpenCL C.
        package let function: String
        /// Its text.
        package let text: String
    }

    /// Bytes before the values of a transfer function: the multiple of 4 KiB that every device takes as the offset of a
    /// part of a buffer, as eight words: sign, first and end of the data, first and end of the output.
    package static let transferHeaderBytes = 4096

    /// Reads 0 outside the planes that hold data.
    package static let readDataPlanes = callback("read_data_planes", "ReadDataPlanes")
    /// Writes the product with a complex transfer function.
    package static let writeTimesOTF = callback("write_times_otf", "WriteTimesOTF")
    /// Writes the product with a real transfer function.
    package static let writeTimesRealOTF = callback("write_times_real_otf", "WriteTimesRealOTF")
    /// Writes the planes that are read afterwards only.
    package static let writeOutputPlanes = callback("write_output_planes", "WriteOutputPlanes")

    private static func callback(_ function: String, _ file: String) -> Callback {
        let text = callbackFiles.first { $0.0 == file }.map { String(decoding: $0.1, as: UTF8.self) }
        return Callback(
            function: function,
            text: text!.replacing("TRANSFER_HEADER", with: "\(transferHeaderBytes)")
        )
    }

    private static let callbackFiles: [(String, [UInt8])] = [
        ("ReadDataPlanes", PackageResources.ReadDataPlanes_cl),
        ("WriteTimesOTF", PackageResources.WriteTimesOTF_cl),
        ("WriteTimesRealOTF", PackageResources.WriteTimesRealOTF_cl),
        ("WriteOutputPlanes", PackageResources.WriteOutputPlanes_cl),
    ]
}
