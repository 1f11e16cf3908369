import CNoisyLibrary
import Foundation
import Testing

@testable import DeconvDevice

/// What is caught of standard error, and what is not.
@Suite struct StandardErrorTests {
    @Test func whatThisThreadWritesIsCaught() {
        let (result, text) = StandardErrorCapture.during {
            gpudeconv_write_to_standard_error("of C++", "of C")
            return 3
        }
        #expect(result == 3)
        #expect(text == "of C++\nof C\n")
        #expect(StandardErrorCapture.during {}.text == "")
    }

    /// In a process of its own, of which all that reaches standard error is read.
    @Test func whatOthersWriteIsPassedOnAtOnce() async throws {
        let result = try await #require(
            processExitsWith: .exitCode(0),
            observing: [\.standardErrorContent]
        ) {
            _ = StandardErrorCapture.during { () -> Void in
                gpudeconv_write_to_standard_error("mine of C++", "mine of C")
                let other = Thread {
                    gpudeconv_write_to_standard_error("other's of C++", "other's of C")
                    FileHandle.standardError.write(Data("other's of the descriptor\n".utf8))
                    exit(0)
                }
                other.start()
                // The other's text is out while this thread is still caught.
                while true { sleep(1) }
            }
        }
        let text = String(decoding: result.standardErrorContent, as: UTF8.self)
        for line in ["other's of C++", "other's of C", "other's of the descriptor"] {
            #expect(text.contains(line + "\n"))
        }
        #expect(!text.contains("mine"))
    }
}
