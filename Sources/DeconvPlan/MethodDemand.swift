/// The memory and the work that a method takes for a volume, for plans and for costs on paper.
package struct MethodDemand: Hashable, Sendable {
    /// How a method holds a projection against the observed frame.
    package enum Comparison: Hashable, Sendable {
        /// By the ratio of the observed light to the expected.
        case ratio
        /// By the difference of the observed light and the expected.
        case difference
    }

    /// Fields on the domain that are held together, the result among them.
    package var fieldCount: Int
    /// Fields more where a result is read while the next volume is computed.
    package var resultFieldCount: Int
    /// Projections of a step: 1 for forward only, 2 for forward and back.
    package var projectionCount: Int
    /// The comparison after the forward projection; nil where there is none.
    package var comparison: Comparison?
    /// Fields that an update reads and writes, a field that it changes counted twice.
    package var updatedFieldCount: Int
    /// Whether the comparison and the update may be made by the transforms of rows, on devices where these can do so.
    package var isMadeByTransforms: Bool
    /// PSFs beside those that projections of a step are made with, each with a transfer function of its own.
    package var sidePSFCount: Int
    /// Whether the volume may be computed from tiles: every projection reaches as far as the PSF and no further.
    package var allowsTiles: Bool

    /// Modes of the PSF: 1, or more where it varies. A projection is made of as many, each with its own transfer function.
    package private(set) var modeCount = 1

    /// Fields more that each further view of the object takes; 0 for a method of one view.
    package var fieldCountOfView: Int
    /// Views of the object, each with its frame, its sensitivity and its PSF.
    package private(set) var viewCount = 1

    /// PSFs that have a transfer function.
    package var psfCount: Int { viewCount * modeCount + sidePSFCount }

    /// A demand from its parts.
    package init(
        fieldCount: Int,
        resultFieldCount: Int = 1,
        projectionCount: Int = 2,
        comparison: Comparison?,
        updatedFieldCount: Int,
        isMadeByTransforms: Bool = false,
        sidePSFCount: Int = 0,
        allowsTiles: Bool = true,
        fieldCountOfView: Int = 0
    ) {
        self.fieldCount = fieldCount
        self.resultFieldCount = resultFieldCount
        self.projectionCount = projectionCount
        self.comparison = comparison
        self.updatedFieldCount = updatedFieldCount
        self.isMadeByTransforms = isMadeByTransforms
        self.sidePSFCount = sidePSFCount
        self.allowsTiles = allowsTiles
        self.fieldCountOfView = fieldCountOfView
    }

    /// The same for several views of the object, of which each is projected for itself. None of them has a PSF on the side.
    package func with(viewCount: Int) -> MethodDemand {
        guard viewCount > 1 else { return self }
        var demand = self
        demand.viewCount = viewCount
        demand.projectionCount *= viewCount
        demand.fieldCount += (viewCount - 1) * fieldCountOfView
        demand.sidePSFCount = 0
        demand.isMadeByTransforms = false
        return demand
    }

    /// The same for a PSF of several modes: it takes two fields more, and their sums keep transforms from making other steps.
    package func with(modeCount: Int) -> MethodDemand {
        guard modeCount > 1 else { return self }
        var demand = self
        demand.modeCount = modeCount
        demand.fieldCount += 2
        demand.isMadeByTransforms = false
        return demand
    }

    /// The least that any method takes: its result, once.
    package static let projection = MethodDemand(
        fieldCount: 1,
        projectionCount: 1,
        comparison: nil,
        updatedFieldCount: 1
    )
}
