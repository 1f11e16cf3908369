import DeconvVolume

extension Microscope {
    /// The stage position at which the point's image is brightest on the axis, µm.
    ///
    /// Stage positions are travels of the objective towards the sample, from where paraxial rays show the lower side of
    /// the cover glass sharp.
    func focus() throws(DeconvolutionError) -> Double {
        let range = ringFoci()
        let stages = range.lowerBound - 2 * depthOfFocus...range.upperBound + 2 * depthOfFocus
        let step = depthOfFocus / 16
        let count = (stages.upperBound - stages.lowerBound) / step
        try checkWork(radius: pinholeRadius ?? 0, stages: stages, stageCount: count)
        let field = LightField(self, radius: 0, stages: stages, step: radialStep)
        @Sendable func brightness(_ stage: Double) -> Double { field.profile(stage: stage)[0] }
        let positions = (0...Int(count)).map { stages.lowerBound + Double($0) * step }
        let values = concurrentMap(count: positions.count) { brightness(positions[$0]) }
        let best = positions[values.indices.max { values[$0] < values[$1] } ?? 0]
        return goldenSection(best - step, best + step, brightness)
    }

    /// Distance between radii at which cubic interpolation is good to 1e-5 of the peak, µm.
    ///
    /// An intensity has no detail finer than λ/(2 NA), which gets 24 radii.
    var radialStep: Double { wavelengths.min()! / numericalAperture / 48 }

    /// Refuses what would take minutes: some 1e9 terms are summed in a second.
    func checkWork(radius: Double, stages: ClosedRange<Double>, stageCount: Double) throws(DeconvolutionError) {
        let radii = (radius + (pinholeRadius ?? 0)) / radialStep + 8
        guard radii < 1e7, stageCount < 1e7, stages.upperBound - stages.lowerBound < 1e6 else {
            throw tooMuchWork
        }
        let nodes = Pupil.nodeCount(self, wavelength: wavelengths.min()!, radius: radius, stages: stages)
        guard radii * stageCount * Double(nodes) < 5e10 else { throw tooMuchWork }
    }

    var tooMuchWork: DeconvolutionError {
        let sample: Message =
            indexOfSample == immersionIndex ? "" : ", at \(.depth, depth) and \(.sampleIndex, indexOfSample),"
        return DeconvolutionError(
            .invalidArgument,
            "a PSF of such voxels\(sample) spans thousands of wavelengths; check \(.spacing), or give a smaller \(.psfShape)"
        )
    }

    /// Between which stage positions the foci of the pupil's rings lie, from the axis to its border.
    ///
    /// The phase of a ring is stationary where d/nₛ' + t/n_g' − t*/n_g*' … − s/nᵢ' is 0, n' = √(n² − ρ²).
    private func ringFoci() -> ClosedRange<Double> {
        let design = immersionDesignIndex ?? immersionIndex
        func inverse(_ index: Double, _ aperture: Double) -> Double {
            1 / (index * index - aperture * aperture).squareRoot()
        }
        func paths(_ aperture: Double, depth: Double) -> Double {
            var sum = depth * inverse(indexOfSample, aperture)
            sum += workingDistance * (inverse(immersionIndex, aperture) - inverse(design, aperture))
            if coverGlass.isThere {
                sum += coverGlass.thickness * inverse(coverGlass.index, aperture)
                sum -= coverGlass.designThickness * inverse(coverGlass.designIndex, aperture)
            }
            return sum / inverse(immersionIndex, aperture)
        }
        let origin = paths(0, depth: 0)
        // Rays at grazing incidence focus far away, and carry no light to speak of.
        let border = min(numericalAperture, 0.98 * indexOfSample)
        let foci = (0...64).map { paths(border * Double($0) / 64, depth: depth) - origin }
        return foci.min()!...foci.max()!
    }

    /// Where a function with one maximum between two places has it, to 1e-4 µm.
    private func goldenSection(_ low: Double, _ high: Double, _ value: (Double) -> Double) -> Double {
        let ratio = (5.0.squareRoot() - 1) / 2
        var (low, high) = (low, high)
        var (a, b) = (high - ratio * (high - low), low + ratio * (high - low))
        var (atA, atB) = (value(a), value(b))
        while high - low > 1e-5 {
            if atA > atB {
                (high, b, atB) = (b, a, atA)
                a = high - ratio * (high - low)
                atA = value(a)
            } else {
                (low, a, atA) = (a, b, atB)
                b = low + ratio * (high - low)
                atB = value(b)
            }
        }
        // A tenth of a nanometer, so that a microscope without mismatch has a PSF that is even in z.
        return ((low + high) / 2 * 1e4).rounded() / 1e4
    }
}
