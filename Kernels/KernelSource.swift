/// The OpenCL C sources of this folder, embedded in the binary.
package enum KernelSource {
    /// One program text of all kernels.
    ///
    /// Each file keeps its name for the compiler's messages. Types are chosen by the macros that `WorkVolume.cl` lists.
    package static let program: String = files.map { name, bytes in
        "#line 1 \"\(name).cl\"\n" + String(decoding: bytes, as: UTF8.self)
    }.joined(separator: "\n")

    /// The names of the kernels in that text.
    package static let kernelNames: [String] = program.matches(of: /kernel void (\w+)\(/).map { String($0.1) }

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
        ("Extrapolate", PackageResources.Extrapolate_cl),
        ("TotalVariationWeight", PackageResources.TotalVariationWeight_cl),
        ("CurvatureWeight", PackageResources.CurvatureWeight_cl),
        ("Diffuse", PackageResources.Diffuse_cl),
        ("StoreNoise", PackageResources.StoreNoise_cl),
        ("StoreSquaredChange", PackageResources.StoreSquaredChange_cl),
        ("AverageLines", PackageResources.AverageLines_cl),
        ("GateChange", PackageResources.GateChange_cl),
        ("TakeHalfRatio", PackageResources.TakeHalfRatio_cl),
        ("StoreAgreement", PackageResources.StoreAgreement_cl),
        ("TakeAgreed", PackageResources.TakeAgreed_cl),
        ("StoreFactor", PackageResources.StoreFactor_cl),
        ("TakeMean", PackageResources.TakeMean_cl),
        ("TakeDifference", PackageResources.TakeDifference_cl),
        ("AddToEstimate", PackageResources.AddToEstimate_cl),
        ("AddWeighted", PackageResources.AddWeighted_cl),
        ("InvertOTF", PackageResources.InvertOTF_cl),
        ("InvertRealOTF", PackageResources.InvertRealOTF_cl),
        ("PoissonDivergence", PackageResources.PoissonDivergence_cl),
        ("SumProjection", PackageResources.SumProjection_cl),
        ("MultiplyAndFollow", PackageResources.MultiplyAndFollow_cl),
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

    /// The rows, or lines along y, that a pass over planes of the work volume has to do with.
    package struct Box: Hashable, Sendable {
        /// Row pitch of the half spectrum in complex values.
        package var halfRow: Int
        /// Distance between planes in complex values.
        package var planePitch: Int
        /// Its planes in the work volume.
        package var planes: Range<Int>
        /// Its rows in each of them.
        package var rows: Range<Int>
        /// Its voxels in each row.
        package var columns: Range<Int>
        /// How far apart a transform takes one row's half spectrum to be from the next, in complex values.
        package var rowPitch: Int
        /// How far apart a transform takes the values of a line along y to be.
        package var linePitch: Int

        /// A box of a work volume.
        /// - Parameter isPadded: whether the pitches that transforms are told of are powers of two, by which offsets divide fast.
        package init(
            halfRow: Int,
            planePitch: Int,
            planes: Range<Int>,
            rows: Range<Int>,
            columns: Range<Int>,
            isPadded: Bool
        ) {
            self.halfRow = halfRow
            self.planePitch = planePitch
            self.planes = planes
            self.rows = rows
            self.columns = columns
            rowPitch = isPadded ? Self.powerOfTwo(atLeast: halfRow) : halfRow
            linePitch = isPadded ? Self.powerOfTwo(atLeast: planes.count * halfRow) : planes.count * halfRow
        }

        private static func powerOfTwo(atLeast minimum: Int) -> Int {
            var power = 1
            while power < minimum { power *= 2 }
            return power
        }

        /// What stands for it in the texts of callbacks: numbers, so that little time is lost on dividing by them.
        ///
        /// `FIRST` is where the box, or its first plane for lines, begins; gaps are what a plane of the work volume has beyond the
        /// rows of the box, or beyond one row.
        fileprivate func constants(ofLines: Bool) -> [(name: String, value: Int)] {
            let first = planes.lowerBound * planePitch + (ofLines ? 0 : rows.lowerBound * halfRow)
            return [
                ("FIRST_ROW", rows.lowerBound), ("END_ROW", rows.upperBound),
                ("FIRST_X", columns.lowerBound), ("END_X", columns.upperBound), ("EXTENT_X", columns.count),
                ("HALF_ROW", halfRow), ("ROW_PITCH", rowPitch), ("LINE_PITCH", linePitch),
                ("PLANE_GAP", planePitch - rows.count * halfRow), ("LINE_GAP", planePitch - halfRow),
                ("ROWS", rows.count), ("FIRST", first),
            ]
        }
    }

    /// Bytes before the values of a buffer that callbacks read, for what else they have to know: the multiple of 4 KiB that
    /// every device takes as the offset of a part of a buffer.
    package static let headerBytes = 4096

    /// Reads 0 outside the planes that hold data.
    package static let readDataPlanes = callback("read_data_planes", "ReadDataPlanes")
    /// Writes the product with a complex transfer function.
    package static let writeTimesOTF = callback("write_times_otf", "WriteTimesOTF")
    /// Writes the product with a real transfer function.
    package static let writeTimesRealOTF = callback("write_times_real_otf", "WriteTimesRealOTF")
    /// Writes the planes that are read afterwards only.
    package static let writeOutputPlanes = callback("write_output_planes", "WriteOutputPlanes")

    /// Reads rows of a field; its domain is the box.
    package static func readFieldRows(_ box: Box) -> Callback { callback("read_field_rows", "ReadFieldRows", box) }
    /// Reads rows of a box of the work volume.
    package static func readRows(_ box: Box) -> Callback { callback("read_rows", "ReadRows", box) }
    /// Writes the half spectra of rows.
    package static func writeRowSpectra(_ box: Box) -> Callback {
        callback("write_row_spectra", "WriteRowSpectra", box)
    }
    /// Reads the half spectra of rows.
    package static func readRowSpectra(_ box: Box) -> Callback { callback("read_row_spectra", "ReadRowSpectra", box) }
    /// Writes rows to the work volume.
    package static func writeRows(_ box: Box) -> Callback { callback("write_rows", "WriteRows", box) }
    /// Writes the ratio of an observed frame, which is the box, to the work volume.
    /// - Parameter type: of the observed voxels in OpenCL C: uchar, ushort or float.
    package static func writeRatio(_ box: Box, observed type: String) -> Callback {
        callback("write_ratio", "WriteRatio", box, observed: type)
    }
    /// Writes the product of a field, whose domain is the box, with rows.
    package static func writeProduct(_ box: Box) -> Callback { callback("write_product", "WriteProduct", box) }
    /// Writes the product of a field, whose domain is the box, with rows and a normalization.
    package static func writeWeightedProduct(_ box: Box) -> Callback {
        callback("write_weighted_product", "WriteWeightedProduct", box)
    }
    /// Reads lines along y, and 0 beyond the rows of the box.
    package static func readLines(_ box: Box) -> Callback { callback("read_lines", "ReadLines", box, ofLines: true) }
    /// Writes lines along y in the rows of the box.
    package static func writeLines(_ box: Box) -> Callback { callback("write_lines", "WriteLines", box, ofLines: true) }

    private static func callback(
        _ function: String,
        _ file: String,
        _ box: Box? = nil,
        ofLines: Bool = false,
        observed type: String = ""
    ) -> Callback {
        guard let bytes = callbackFiles.first(where: { $0.0 == file })?.1 else {
            preconditionFailure("\(file).cl is no callback")
        }
        var text = String(decoding: bytes, as: UTF8.self).replacing("HEADER", with: "\(headerBytes)")
        for (name, value) in box?.constants(ofLines: ofLines) ?? [] { text.replace(name, with: "\(value)u") }
        return Callback(function: function, text: text.replacing("OBSERVED", with: type))
    }

    private static let callbackFiles: [(String, [UInt8])] = [
        ("ReadDataPlanes", PackageResources.ReadDataPlanes_cl),
        ("WriteTimesOTF", PackageResources.WriteTimesOTF_cl),
        ("WriteTimesRealOTF", PackageResources.WriteTimesRealOTF_cl),
        ("WriteOutputPlanes", PackageResources.WriteOutputPlanes_cl),
        ("ReadFieldRows", PackageResources.ReadFieldRows_cl),
        ("ReadRows", PackageResources.ReadRows_cl),
        ("WriteRowSpectra", PackageResources.WriteRowSpectra_cl),
        ("ReadRowSpectra", PackageResources.ReadRowSpectra_cl),
        ("WriteRows", PackageResources.WriteRows_cl),
        ("WriteRatio", PackageResources.WriteRatio_cl),
        ("WriteProduct", PackageResources.WriteProduct_cl),
        ("WriteWeightedProduct", PackageResources.WriteWeightedProduct_cl),
        ("ReadLines", PackageResources.ReadLines_cl),
        ("WriteLines", PackageResources.WriteLines_cl),
    ]
}
