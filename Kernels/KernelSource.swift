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
        ("ComplexMultiply", PackageResources.ComplexMultiply_cl),
        ("TakeRatio", PackageResources.TakeRatio_cl),
        ("StoreNormalization", PackageResources.StoreNormalization_cl),
        ("MultiplyEstimate", PackageResources.MultiplyEstimate_cl),
        ("PoissonDivergence", PackageResources.PoissonDivergence_cl),
        ("LargestValue", PackageResources.LargestValue_cl),
    ]
}
