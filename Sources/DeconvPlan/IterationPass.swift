/// One pass over memory in an iteration: what `IterationCost` counts the bytes of, and engines take the time of.
package struct IterationPass: Hashable, Sendable {
    /// Which half of an iteration.
    package enum Projection: String, Sendable {
        /// Blurring the estimate, and the ratio.
        case forward
        /// The adjoint of the blur applied to the ratio, and the update.
        case back
    }

    /// What is done on the way through memory.
    package enum Step: String, Sendable {
        /// The estimate goes into the planes of the work volume.
        case embed = "estimate to planes"
        /// Transforms of rows along x.
        case rows = "rows"
        /// Transforms of lines along y.
        case lines = "lines"
        /// Both, where they cannot be told apart.
        case rowsAndLines = "rows and lines"
        /// Planes without data are set to 0.
        case clear = "clearing"
        /// Transforms of columns along z.
        case columns = "columns"
        /// The product with the transfer function.
        case product = "product"
        /// Both at once.
        case columnsAndProduct = "columns, product"
        /// Transforms of columns back.
        case inverseColumns = "inverse columns"
        /// Lines and columns forward, the product, and back again, slab by slab.
        case slabs = "slabs"
        /// Transforms of lines back.
        case inverseLines = "inverse lines"
        /// Transforms of rows back.
        case inverseRows = "inverse rows"
        /// Both, where they cannot be told apart.
        case inverseLinesAndRows = "inverse lines and rows"
        /// The ratio of the observed frame to the projection.
        case ratio = "ratio"
        /// The same, by the transforms of rows back.
        case inverseRowsAndRatio = "inverse rows, ratio"
        /// The same, on rows that go back to their spectra at once.
        case rowsAndRatio = "rows, ratio"
        /// The difference of the observed frame and the projection.
        case difference = "difference"
        /// The same, on rows that go back to their spectra at once.
        case rowsAndDifference = "rows, difference"
        /// The back projection into the estimate.
        case update = "update"
        /// The same, by the transforms of rows back.
        case inverseRowsAndUpdate = "inverse rows, update"
        /// The same, on rows that go back to their spectra at once.
        case rowsAndUpdate = "rows, update"

        /// The steps that it has in it, in their order, where engines differ in whether they can be told apart.
        package var parts: [Step] {
            switch self {
            case .rowsAndLines: [.rows, .lines]
            case .inverseLinesAndRows: [.inverseLines, .inverseRows]
            default: [self]
            }
        }
    }

    /// Which half of an iteration it is in.
    package var projection: Projection
    /// What it does.
    package var step: Step

    /// A pass.
    package init(_ projection: Projection, _ step: Step) {
        self.projection = projection
        self.step = step
    }

    /// Its name in tables: `forward: rows`.
    package var name: String { "\(projection.rawValue): \(step.rawValue)" }
}
