/// A dye or fluorescent protein, with the wavelengths at which it absorbs and emits most.
///
/// Proteins as FPbase has them (Lambert 2019, Nat. Methods 16:277); dyes as The Molecular Probes Handbook (11th edition, 2010)
/// has them, or their makers: ATTO-TEC for ATTO dyes, Cytiva for Cy dyes, Grimm et al. 2015 (Nat. Methods 12:244) for JF dyes.
package struct Dye: Sendable, Hashable {
    /// The name that people use.
    package let name: String
    /// Wavelength that excites best, nm.
    package let excitation: Double
    /// Wavelength of most of the emitted light, nm.
    package let emission: Double
    private let otherNames: [String]

    private init(_ name: String, _ excitation: Double, _ emission: Double, _ otherNames: String...) {
        self.name = name
        self.excitation = excitation
        self.emission = emission
        self.otherNames = otherNames
    }

    /// The dye of a name, however it is spelled: `Alexa Fluor 488`, `alexa488` and `AF-488` are one; nil where there is none.
    package static func named(_ text: String) -> Dye? {
        let wanted = text.lettersAndDigits
        return all.first { $0.allNames.contains { $0.lettersAndDigits == wanted } }
    }

    /// The dye of which a channel's name tells, such as `EGFP-actin`; nil where it tells of none.
    package static func mentioned(in text: String) -> Dye? {
        let text = text.lettersAndDigits
        var best: (dye: Dye?, length: Int) = (nil, 2)
        for dye in all {
            // The longest name counts: `mTagBFP2` is no BFP.
            for name in dye.allNames.map(\.lettersAndDigits) where name.count > best.length && text.contains(name) {
                best = (dye, name.count)
            }
        }
        return best.dye
    }

    private var allNames: [String] { [name] + otherNames }

    /// All that are known, from blue to red.
    package static let all: [Dye] = [
        Dye("Alexa Fluor 350", 346, 442, "Alexa 350", "AF350"),
        Dye("DAPI", 358, 461),
        Dye("Hoechst 33342", 350, 461, "Hoechst"),
        Dye("Hoechst 33258", 352, 461),
        Dye("EBFP2", 383, 448, "BFP", "EBFP"),
        Dye("mTagBFP2", 399, 454, "TagBFP"),
        Dye("Alexa Fluor 405", 401, 421, "Alexa 405", "AF405"),
        Dye("mCerulean", 433, 475, "Cerulean"),
        Dye("ECFP", 434, 477, "CFP"),
        Dye("mTurquoise2", 434, 474, "mTurquoise"),
        Dye("EGFP", 488, 507, "GFP", "sfGFP", "mEGFP"),
        Dye("Cy2", 489, 506),
        Dye("MitoTracker Green", 490, 516),
        Dye("FITC", 494, 518, "Fluorescein"),
        Dye("Fluo-4", 494, 506),
        Dye("Alexa Fluor 488", 495, 519, "Alexa 488", "AF488"),
        Dye("ATTO 488", 500, 520),
        Dye("SYTOX Green", 504, 523),
        Dye("LysoTracker Green", 504, 511),
        Dye("mNeonGreen", 506, 517, "NeonGreen"),
        Dye("EYFP", 513, 527, "YFP"),
        Dye("Venus", 515, 528, "mVenus"),
        Dye("mCitrine", 516, 529, "Citrine"),
        Dye("Alexa Fluor 532", 532, 553, "Alexa 532", "AF532"),
        Dye("Propidium iodide", 535, 617),
        Dye("mOrange", 548, 562),
        Dye("JF549", 549, 571, "Janelia Fluor 549"),
        Dye("Cy3", 550, 570),
        Dye("tdTomato", 554, 581),
        Dye("ATTO 550", 554, 576),
        Dye("TRITC", 555, 580, "Tetramethylrhodamine", "TMR"),
        Dye("Alexa Fluor 555", 555, 565, "Alexa 555", "AF555"),
        Dye("TagRFP", 555, 584),
        Dye("Alexa Fluor 546", 556, 573, "Alexa 546", "AF546"),
        Dye("DsRed", 558, 583),
        Dye("ATTO 565", 564, 590),
        Dye("mScarlet", 569, 594),
        Dye("LysoTracker Red", 577, 590),
        Dye("Alexa Fluor 568", 578, 603, "Alexa 568", "AF568"),
        Dye("MitoTracker Red", 579, 599),
        Dye("mRFP1", 584, 607, "mRFP", "RFP"),
        Dye("mCherry", 587, 610),
        Dye("mKate2", 588, 633, "mKate"),
        Dye("Alexa Fluor 594", 590, 617, "Alexa 594", "AF594"),
        Dye("Texas Red", 595, 615),
        Dye("ATTO 594", 603, 626),
        Dye("Alexa Fluor 633", 632, 647, "Alexa 633", "AF633"),
        Dye("MitoTracker Deep Red", 644, 665),
        Dye("ATTO 647N", 646, 664),
        Dye("JF646", 646, 664, "Janelia Fluor 646"),
        Dye("Cy5", 649, 670),
        Dye("Alexa Fluor 647", 650, 665, "Alexa 647", "AF647"),
        Dye("SiR", 652, 674, "SiR-tubulin", "SiR-actin", "SiR-DNA"),
        Dye("Cy5.5", 675, 694),
        Dye("Alexa Fluor 680", 679, 702, "Alexa 680", "AF680"),
        Dye("iRFP713", 690, 713, "iRFP"),
        Dye("Cy7", 743, 767),
        Dye("Alexa Fluor 750", 749, 775, "Alexa 750", "AF750"),
    ]
}

extension String {
    /// In small letters, without what is neither letter nor digit.
    fileprivate var lettersAndDigits: String { lowercased().filter { $0.isLetter || $0.isNumber } }
}
