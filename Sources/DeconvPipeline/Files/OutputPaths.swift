package import DeconvVolume
import Foundation

/// Outputs that would destroy what a run needs.
package enum OutputPaths {
    /// Refuses an output that is an input too, under whatever name, and two outputs that are one file.
    /// - Throws: `cannotCreateOutput` naming the output.
    package static func check(_ outputs: [String], against inputs: [String]) throws(DeconvolutionError) {
        for (index, output) in outputs.enumerated() {
            for input in inputs where isSameFile(input, output) {
                throw DeconvolutionError(
                    .cannotCreateOutput,
                    "\(output): would replace an input of this run; choose another name"
                )
            }
            for other in outputs[..<index] where isSameFile(other, output) || resolved(other) == resolved(output) {
                throw DeconvolutionError(
                    .cannotCreateOutput,
                    "\(output): would replace another output of this run; choose another name"
                )
            }
        }
    }

    /// Whether two paths lead to one file or folder that exists.
    package static func isSameFile(_ a: String, _ b: String) -> Bool {
        var (first, second) = (stat(), stat())
        return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev
            && first.st_ino == second.st_ino
    }

    /// The path with the links of its folder followed; the file itself need not exist.
    private static func resolved(_ path: String) -> String {
        let url = URL(fileURLWithPath: path)
        return url.deletingLastPathComponent().resolvingSymlinksInPath().path + "/" + url.lastPathComponent
    }
}
