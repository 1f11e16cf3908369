import Glibc

/// A small symmetric matrix, in rows that follow each other.
struct SymmetricMatrix {
    /// Rows, and values of a row.
    let size: Int
    /// `size * size` values.
    var values: [Double]

    /// Sweeps over all pairs of rows; few are needed, for each doubles the digits that are right.
    private static let mostSweeps = 50

    /// Eigenvalues, the largest first, and an eigenvector of length 1 for each.
    ///
    /// By rotations that make one pair of values 0 after the other (Jacobi 1846, J. reine angew. Math. 30:51).
    func eigenvectors() -> [(value: Double, vector: [Double])] {
        var matrix = values
        var vectors = (0..<size * size).map { $0 / size == $0 % size ? 1.0 : 0.0 }
        let scale = (0..<size).reduce(0.0) { max($0, abs(matrix[$1 * size + $1])) }
        for _ in 0..<Self.mostSweeps {
            var largest = 0.0
            for p in 0..<size {
                for q in stride(from: p + 1, to: size, by: 1) {
                    largest = max(largest, abs(matrix[p * size + q]))
                    rotate(p, q, &matrix, &vectors)
                }
            }
            if largest <= 1e-16 * scale { break }
        }
        let order = (0..<size).sorted { matrix[$0 * size + $0] > matrix[$1 * size + $1] }
        return order.map { column in
            (matrix[column * size + column], (0..<size).map { vectors[$0 * size + column] })
        }
    }

    /// Turns rows and columns p and q so that their common value becomes 0.
    private func rotate(_ p: Int, _ q: Int, _ matrix: inout [Double], _ vectors: inout [Double]) {
        let common = matrix[p * size + q]
        if common == 0 { return }
        let slope = (matrix[q * size + q] - matrix[p * size + p]) / (2 * common)
        let tangent = (slope < 0 ? -1 : 1) / (abs(slope) + sqrt(slope * slope + 1))
        let cosine = 1 / sqrt(tangent * tangent + 1)
        let sine = tangent * cosine
        func turn(_ a: Int, _ b: Int, _ values: inout [Double]) {
            (values[a], values[b]) = (cosine * values[a] - sine * values[b], sine * values[a] + cosine * values[b])
        }
        for k in 0..<size { turn(k * size + p, k * size + q, &matrix) }
        for k in 0..<size { turn(p * size + k, q * size + k, &matrix) }
        for k in 0..<size { turn(k * size + p, k * size + q, &vectors) }
    }
}
