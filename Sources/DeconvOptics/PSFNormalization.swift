import DeconvVolume

/// Scales a PSF so that it neither adds nor takes light.
enum PSFNormalization {
    /// Sets negative values to zero.
    /// - Returns: what was negative, as a share of the positive sum.
    static func clipNegatives(_ field: inout PSFField) -> Double {
        let share = negativeShare(field)
        for i in field.values.indices where field.values[i] < 0 { field.values[i] = 0 }
        return share
    }

    /// Sum of the negative values as a share of the sum of the positive ones; 0 for an empty field.
    static func negativeShare(_ field: PSFField) -> Double {
        var negative = 0.0
        var positive = 0.0
        for value in field.values {
            if value < 0 { negative -= value } else { positive += value }
        }
        return positive > 0 ? negative / positive : 0
    }

    /// The voxels over their sum, which is positive.
    static func normalized(_ field: PSFField, sum: Double) -> [Float] {
        field.values.map { Float($0 / sum) }
    }
}
