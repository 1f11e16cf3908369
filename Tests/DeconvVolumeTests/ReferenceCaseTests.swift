import DeconvTestSupport
import DeconvVolume
import Glibc
import Testing

@Suite struct ReferenceCaseTests {
    @Test func everyBoundaryHasThreeDimensionalAndFlatCases() {
        for boundary in ["extend", "zero", "edge", "reflect", "periodic"] {
            let cases = ReferenceCase.all(boundary: boundary)
            #expect(cases.contains { $0.observed.shape.z == 1 })
            #expect(cases.contains { $0.observed.shape.z > 1 })
        }
    }

    @Test func everyBoundaryHasACaseWithBadVoxels() {
        for boundary in ["extend", "zero", "edge", "reflect", "periodic"] {
            #expect(ReferenceCase.all(boundary: boundary).contains { $0.sensitivity?.voxels.contains(0) == true })
        }
    }

    /// A flat start through a PSF of sum 1 is flat: the first divergence then follows from the image alone.
    @Test(arguments: ReferenceCase.all(boundary: "periodic").filter { $0.start == "flat" && $0.sensitivity == nil })
    func theFirstDivergenceIsThatOfAFlatImage(reference: ReferenceCase) {
        let recorded = reference.observed.voxels.map { max(Double($0), 0) }
        let mean = recorded.reduce(0, +) / Double(recorded.count)
        let divergence = recorded.reduce(0.0) { $0 + ($1 > 0 ? $1 * log($1 / mean) : 0) - $1 + mean }
        #expect(abs(divergence - reference.divergence[0]) < 1e-9 * divergence)
        #expect(reference.expected.shape == reference.observed.shape)
    }
}
