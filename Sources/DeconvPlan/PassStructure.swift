/// How an engine goes through memory in an iteration, which decides how much it moves at least.
package enum PassStructure: Hashable, Sendable {
    /// Rows with the ratio and the update, and all transforms between rows in slabs of columns, each while it is in cache.
    case slabs
    /// Passes over whole planes, rows and lines together, with kernels for the steps between transforms.
    /// - isFused: whether the product with the transfer function is made in the transforms of columns.
    /// - hasRealOTF: whether the transfer function is stored as real numbers.
    case planes(isFused: Bool, hasRealOTF: Bool)
    /// Passes over rows, over lines along y and over columns, the ratio and the update made by those of rows.
    case rowsAndLines(isFused: Bool, hasRealOTF: Bool)
}
