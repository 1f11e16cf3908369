package import DeconvDevice
package import DeconvMethods
package import DeconvPlan
package import DeconvVolume

/// A workspace for images of one shape, with its PSF, and the ways in which tests use it.
package final class TestEngine {
    /// How the image is cut.
    package let plan: TilePlan
    private let boundary: BoundaryMode
    private let workspace: any Workspace
    private let blur: Blur
    private let secondBlur: Blur?

    /// The work shape that tests share: a new one costs an OpenCL device seconds of compiling.
    package static func sharedWorkShape(isFlat: Bool) -> VolumeShape {
        isFlat ? VolumeShape(z: 1, y: 35, x: 28) : VolumeShape(z: 14, y: 24, x: 28)
    }

    /// An engine on a back end.
    /// - Parameters:
    ///   - psf: of sum 1.
    ///   - variations: other modes of a PSF that varies, with weights whose nodes are in voxels of the image.
    ///   - sieve: what the estimate is blurred by, which the PSF is already; with a PSF that does not vary.
    ///   - secondPSF: of a second view, of the shape of the first; nil for none.
    ///   - core: voxels of a tile, or nil for one piece.
    package init(
        _ backend: any ComputeBackend,
        image: VolumeShape,
        psf: Volume,
        variations: [(psf: Volume, weights: WeightGrid)] = [],
        sieve: Blur.Sieve? = nil,
        secondPSF: Volume? = nil,
        boundary: BoundaryMode,
        pixelType: PixelType = .float32,
        core: VolumeShape? = nil
    ) throws {
        self.boundary = boundary
        plan = try TilePlan(
            TilePlan.Request(
                imageShape: image,
                pixelType: pixelType,
                psfShape: psf.shape,
                boundary: boundary,
                tileShape: core,
                workShape: Self.sharedWorkShape(isFlat: image.z == 1 && psf.shape.z == 1),
                padding: backend.padding
            )
        )
        let whole = WorkspaceLayout(plan.whole, pixelType: pixelType)
        func streamed(_ projector: some Workspace) throws -> any Workspace {
            try StreamedWorkspace(whole, tile: projector, scratchFolder: nil, threadCount: 2)
        }
        if let tile = plan.tile {
            workspace = try streamed(backend.makeWorkspace(WorkspaceLayout(tile, pixelType: .float32)))
        } else {
            workspace = try backend.makeWorkspace(whole)
        }
        secondBlur = secondPSF.map { Blur($0) }
        blur =
            sieve.map { Blur(psf, sieve: $0) }
            ?? Blur(mean: psf, variations: variations).moved(to: plan.imageInWhole.origin)
    }

    private func projection<W: Workspace>(on workspace: W) throws -> BlurProjection<W> {
        let projection = BlurProjection(on: workspace)
        try projection.set(blur)
        return projection
    }

    /// Where things lie in the work volume.
    package var geometry: WorkGeometry { plan.whole }

    /// H x on the frame, for x on the domain.
    package func forwardProject(_ estimate: [Float]) throws -> [Float] {
        func project(_ workspace: some Workspace) throws -> [Float] {
            let field = try workspace.makeField()
            try workspace.upload(estimate, to: field)
            try projection(on: workspace).forwardProject(field)
            return try workspace.downloadWork(geometry.frame)
        }
        return try project(workspace)
    }

    /// H' r on the domain, for r on the frame.
    /// - Parameter ratio: not negative; the layout's type is `float32`.
    package func backProject(_ ratio: [Float]) throws -> [Float] {
        func project(_ workspace: some Workspace) throws -> [Float] {
            // Nothing blurred is nothing, and the ratio to a background of 1 is what was observed.
            let projection = try projection(on: workspace)
            let dark = try workspace.makeField()
            try workspace.fill(dark, with: 0)
            try workspace.setObserved(reading: Self.parts(of: .float32(ratio), geometry.frame.shape))
            try workspace.forwardProject(dark)
            let constants = RatioConstants(background: 1, readNoiseVariance: 0, floor: 1e-6)
            _ = try workspace.takeRatio(constants, measuring: nil)
            try projection.backProject()
            return try workspace.downloadWork(geometry.domain)
        }
        return try project(workspace)
    }

    /// The image after all iterations, and the Poisson divergence of those at which it was measured.
    /// - Parameters:
    ///   - observed: the whole image.
    ///   - sensitivity: f of its voxels; nil for 1.
    ///   - second: what a second view shows; nil where there is none.
    ///   - background: the method's, where the voxels differ in their sensitivity.
    ///   - tuning: what was found out for the method.
    ///   - part: what the result and the divergence are of.
    package func deconvolve(
        _ observed: VoxelData,
        sensitivity: [Float]? = nil,
        second: SecondView? = nil,
        _ method: some DeconvolutionMethod,
        background: Double = 0,
        tuning: MethodTuning? = nil,
        part: Part = .image
    ) throws -> (estimate: [Float], divergence: [Double]) {
        func run<W: Workspace>(_ workspace: W) throws -> (estimate: [Float], divergence: [Double]) {
            let solver = try method.makeSolver(on: workspace)
            try solver.setBlurs([blur] + (secondBlur.map { [$0] } ?? []))
            if let tuning { solver.tuning = tuning }
            let mean = Self.mean(observed.floats, sensitivity, background)
            try set(observed, sensitivity, ofView: 0, solver)
            if let second {
                let light = Self.mean(second.observed, second.sensitivity, second.background)
                solver.secondView = ViewLight(mean: light, background: second.background)
                try set(.float32(second.observed), second.sensitivity, ofView: 1, solver)
            }
            var divergence: [Double] = []
            try solver.run(mean: mean, measuring: part == .image ? plan.imageInWhole : geometry.frame) { step in
                if let value = step.poissonDivergence { divergence.append(value) }
            }
            let region =
                switch part {
                case .image: plan.imageInWhole
                case .frame: geometry.frame
                case .domain: geometry.domain
                }
            return (try solver.result(region), divergence)
        }
        return try run(workspace)
    }

    private static func mean(_ voxels: [Float], _ sensitivity: [Float]?, _ background: Double) -> Double {
        guard let sensitivity else { return voxels.reduce(0.0) { $0 + Double(max($1, 0)) } / Double(voxels.count) }
        let light = zip(voxels, sensitivity).reduce(0.0) {
            $0 + ($1.1 > 0 ? Double(max($1.0, 0)) - background : 0)
        }
        return background + light / sensitivity.reduce(0.0) { $0 + Double($1) }
    }

    /// Brings an image and its sensitivity to where they are compared.
    private func set<W: Workspace>(
        _ observed: VoxelData,
        _ sensitivity: [Float]?,
        ofView number: Int,
        _ solver: any Solver<W>
    ) throws {
        if let sensitivity {
            let values = frame(plan.frameInImage, of: .float32(sensitivity))
            let read = Self.parts(of: values, plan.frameInImage.shape)
            try solver.setSensitivity(ofView: number) { (region) throws(DeconvolutionError) in try read(region).floats }
        }
        let frame = frame(plan.frameInImage, of: observed)
        solver.workspace.useView(number)
        defer { solver.workspace.useView(0) }
        try solver.workspace.setObserved(reading: Self.parts(of: frame, plan.frameInImage.shape))
    }

    /// What a second view of the object shows.
    package struct SecondView {
        /// The whole image.
        package var observed: [Float]
        /// f of its voxels; nil for 1.
        package var sensitivity: [Float]?
        /// Counts.
        package var background: Double

        package init(observed: [Float], sensitivity: [Float]?, background: Double) {
            (self.observed, self.sensitivity, self.background) = (observed, sensitivity, background)
        }
    }

    /// What of a volume is looked at.
    package enum Part {
        /// The image.
        case image
        /// What is observed, with the voxels that the boundary put around the image.
        case frame
        /// All that is estimated; the divergence is then that of the frame.
        case domain
    }

    private static func parts(
        of data: VoxelData,
        _ shape: VolumeShape
    ) -> (Region) throws(DeconvolutionError) -> VoxelData {
        { (region) throws(DeconvolutionError) in
            try ArraySource(data, shape: shape).read(region, channel: 0, timepoint: 0)
        }
    }

    /// The voxels of a frame, which reaches outside the image where the boundary says what lies there.
    private func frame(_ frame: Region, of image: VoxelData) -> VoxelData {
        let shape = plan.imageShape
        var sources: [Int] = []
        for z in frame.zRange {
            for y in frame.yRange {
                for x in frame.xRange {
                    let index = zip([z, y, x], shape.axes).map { boundary.sourceIndex($0, extent: $1)! }
                    sources.append((index[0] * shape.y + index[1]) * shape.x + index[2])
                }
            }
        }
        return switch image {
        case .uint8(let voxels): .uint8(sources.map { voxels[$0] })
        case .uint16(let voxels): .uint16(sources.map { voxels[$0] })
        case .float32(let voxels): .float32(sources.map { voxels[$0] })
        }
    }
}
