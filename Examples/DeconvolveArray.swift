import GPUDeconv

/// Takes the blur out of counts that are in memory, planes one after the other, x fastest.
public func deconvolve(_ counts: [Float], shape: VolumeShape, psf: Volume) throws -> [Float] {
    let image = Volume(shape: shape, voxels: counts, spacing: VoxelSpacing(z: 0.25, y: 0.1, x: 0.1))
    var options = DeconvolutionOptions()
    options.iterationCount = 20
    options.background = 100
    let result = try Deconvolver(options).deconvolve(image, psf: psf) { progress in
        print(progress.completedIterations, "of", progress.totalIterations)
    }
    for warning in result.report.warnings { print(warning) }
    return result.volume.voxels
}
