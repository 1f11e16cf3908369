import DeconvDevice
import DeconvMethods
import DeconvOptics
import DeconvOptions
import DeconvPlan
import DeconvVolume

/// A plan with the keys of the report.
package struct PlanDescription: Encodable {
    let backend: String
    let device: String
    let method: String
    let iterations: Int
    let boundary: String
    let shape: [Int]
    let channels: Int
    let timepoints: Int
    let spacing: [Double]?
    let workShape: [Int]
    let tileCount: Int
    let tiles: [Int]
    let halo: [Int]
    let deviceBytes: Int
    let keptBytes: Int
    let overlapBytes: Int?
    let readBytes: Int
    let writeBytes: Int
    let usesScratchFiles: Bool
    let secondsPerIteration: Double?
    let seconds: Double?
    let views: Int
    let transformsPerIteration: Int
    let psf: [PSFPreparationReport]
    let computedPSF: ComputedPSFReport?
    let psfModes: [PSFModesReport]
    let warnings: [Message]

    /// Describes a plan.
    /// - Parameters:
    ///   - estimate: how long it will take; nil where that was not measured.
    ///   - computedPSF: what PSFs were computed from; nil where they are given.
    package init(_ plan: JobPlan, estimate: TimeEstimate?, computedPSF: ComputedPSFReport? = nil) {
        self.computedPSF = computedPSF
        secondsPerIteration = estimate?.secondsPerIteration
        seconds = estimate?.seconds
        backend = plan.backend.device.backend.rawValue
        device = plan.backend.device.name
        method = plan.method.name.rawValue
        iterations = plan.method.stepCount
        boundary = plan.boundary.rawValue
        shape = plan.image.shape.axes
        channels = plan.image.channelCount
        timepoints = plan.image.timepointCount
        spacing = plan.spacing?.axes
        workShape = plan.tiles.workShape.axes
        tileCount = plan.tiles.tileCount
        tiles = plan.tiles.tileCounts.axes
        halo = plan.tiles.halo.axes
        deviceBytes = plan.tiles.footprint.deviceBytes
        keptBytes = plan.tiles.footprint.wholeBytes + plan.storeBytes
        overlapBytes = plan.overlap.map { $0.deviceBytes + $0.hostBytes }
        readBytes = plan.reading.byteCount
        writeBytes = plan.writeBytes
        usesScratchFiles = plan.usesScratchFiles
        views = plan.tiles.demand.viewCount
        transformsPerIteration = plan.transformsPerIteration
        psf = plan.psfs.map(\.report)
        psfModes = plan.blurs.compactMap(\.report)
        warnings = plan.warnings.map(\.wholeLine)
    }
}
