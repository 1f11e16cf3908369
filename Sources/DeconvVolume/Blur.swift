/// How a microscope blurs a volume: by one PSF everywhere, or by a sum of modes whose weights vary with the place of the light.
///
///     H x = Σ_i p_i ∗ (a_i x),   H' r = Σ_i a_i (p_i ⋆ r)
///
/// x is the object, p_i a mode, a_i its weight at the place where the light comes from, ∗ a convolution and ⋆ a correlation
/// (Flicker and Rigaut 2005, J. Opt. Soc. Am. A 22:504; Czuchnowski et al. 2025, arXiv:2512.00225).
package struct Blur: Sendable {
    /// A part of the blur.
    package struct Mode: Sendable {
        /// p_i, whose center is voxel n/2 (integer division) of each axis.
        package var psf: Volume
        /// a_i; nil for 1 everywhere.
        package var weights: WeightGrid?

        /// A mode from its parts.
        package init(_ psf: Volume, weights: WeightGrid?) {
            self.psf = psf
            self.weights = weights
        }
    }

    /// What the object is held to: it is k ∗ z of what is estimated, z.
    package struct Sieve: Sendable {
        /// k, whose center is voxel n/2 (integer division) of each axis; nowhere below 0, of sum 1.
        package var kernel: Volume
        /// The PSF h; that of the blur is h ∗ k.
        package let psf: Volume

        /// A sieve from its parts.
        package init(kernel: Volume, psf: Volume) { (self.kernel, self.psf) = (kernel, psf) }
    }

    /// Nil where the object is what is estimated.
    package private(set) var sieve: Sieve?

    /// At least one, all of one shape. The first has the weight 1 everywhere and sum 1; the others sum to 0, so that no light is
    /// lost. All weights have the same nodes.
    package private(set) var modes: [Mode]

    /// The same PSF everywhere.
    /// - Parameter psf: centered on voxel n/2 (integer division) of each axis, sum 1.
    package init(_ psf: Volume) { modes = [Mode(psf, weights: nil)] }

    /// The same PSF everywhere, through a sieve.
    /// - Parameter blurred: h ∗ k, centered on voxel n/2 of each axis, sum 1.
    package init(_ blurred: Volume, sieve: Sieve) {
        self.init(blurred)
        self.sieve = sieve
    }

    /// The PSF that the microscope has, or the mean of those that it has.
    package var opticalPSF: Volume { sieve?.psf ?? modes[0].psf }

    /// A PSF that varies.
    /// - Parameters:
    ///   - mean: the mode with the weight 1 everywhere.
    ///   - variations: the other modes, of the shape of the mean, with weights of the same nodes.
    package init(mean: Volume, variations: [(psf: Volume, weights: WeightGrid)]) {
        precondition(variations.allSatisfy { $0.psf.shape == mean.shape }, "modes have one shape")
        modes = [Mode(mean, weights: nil)] + variations.map { Mode($0.psf, weights: $0.weights) }
    }

    /// Voxels of each mode.
    package var shape: VolumeShape { modes[0].psf.shape }

    /// Whether the PSF is another one from place to place.
    package var varies: Bool { modes.count > 1 }

    /// The central part of each mode; see `Volume.centralPart`.
    package func centralPart(_ part: VolumeShape) -> Blur {
        var blur = self
        for index in modes.indices { blur.modes[index].psf = modes[index].psf.centralPart(part) }
        if let kernel = sieve?.kernel {
            blur.sieve?.kernel = kernel.centralPart(VolumeShape { min(kernel.shape[$0], part[$0]) })
        }
        return blur
    }

    /// The same blur of a volume in which the first voxel of this one is that at `origin`.
    package func moved(to origin: VolumeIndex) -> Blur {
        var blur = self
        for index in modes.indices { blur.modes[index].weights = modes[index].weights?.moved(to: origin) }
        return blur
    }

    /// What ‖H‖² does not exceed: for one PSF h the square of Σ|h|.
    ///
    /// ‖H‖² is at most the largest column sum times the largest row sum of |H| (Schur 1911). A column is the PSF of a place, and
    /// each value of a row is at most the largest one of all PSFs there. Between nodes PSFs are means of those at nodes.
    package var largestSquaredGain: Double {
        let nodeCount = modes.compactMap(\.weights?.values.count).first ?? 1
        var column = 0.0
        var largest = [Float](repeating: 0, count: shape.voxelCount)
        for node in 0..<nodeCount {
            var psf = modes[0].psf.voxels
            for mode in modes.dropFirst() {
                guard let weight = mode.weights?.values[node] else { continue }
                for index in psf.indices { psf[index] += weight * mode.psf.voxels[index] }
            }
            column = max(column, psf.reduce(0) { $0 + Double(abs($1)) })
            for index in psf.indices { largest[index] = max(largest[index], abs(psf[index])) }
        }
        return column * largest.reduce(0) { $0 + Double($1) }
    }
}
