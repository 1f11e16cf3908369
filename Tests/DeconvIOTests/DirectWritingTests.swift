import DeconvIO
import DeconvTestSupport
import DeconvVolume
import Foundation
import Synchronization
import Testing

@Suite struct DirectWritingTests {
    /// A write as the system sees it.
    private struct Call: Equatable {
        let flags: Int32
        let count: Int
        let offset: Int
    }

    private let folder = try! TemporaryFolder()

    /// Four megabytes of bytes that tell their place, on whole pages.
    private final class Pages {
        static let byteCount = 4 << 20
        let bytes: UnsafeMutableRawBufferPointer

        init() {
            bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.byteCount, alignment: 4096)
            let words = bytes.bindMemory(to: UInt32.self)
            for index in words.indices { words[index] = UInt32(index) &* 2_654_435_761 }
        }

        func part(_ range: Range<Int>) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[range]) }

        deinit { bytes.deallocate() }
    }

    /// Appends parts to a file, and gives the calls that were made; one that `refuses` fails as if its memory did not suit the disk.
    private func write(
        _ parts: [UnsafeRawBufferPointer],
        to path: String,
        refuses: @escaping @Sendable (_ flags: Int32) -> Bool = { _ in false }
    ) throws -> [Call] {
        let made = Mutex<[Call]>([])
        let calls = OutputCalls(
            write: { descriptor, bytes, count, offset in
                let flags = fcntl(descriptor, F_GETFL)
                made.withLock { $0.append(Call(flags: flags, count: count, offset: offset)) }
                guard !refuses(flags) else {
                    errno = EINVAL
                    return -1
                }
                return OutputCalls.system.write(descriptor, bytes, count, offset)
            },
            synchronize: OutputCalls.system.synchronize
        )
        let output = try AtomicOutput(path: path, overwrite: false, calls: calls)
        for part in parts { try output.append(part) }
        try output.finish()
        return made.withLock { $0 }
    }

    @Test func largePartsOnWholePagesGoPastTheCacheAndOthersThroughIt() throws {
        let pages = Pages()
        let parts = [0..<100, 4096..<3 << 20, 0..<2 << 20].map(pages.part)
        let usual = try write([parts[0]], to: folder.path("small"))[0].flags
        for order in [[1, 0, 2], [0, 1], [2, 2]] {
            let path = folder.path("\(order)")
            let calls = try write(order.map { parts[$0] }, to: path)
            let wanted = order.reduce(into: Data()) { $0.append(contentsOf: parts[$1]) }
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == wanted)
            for call in calls where call.flags != usual {
                #expect(call.count % 4096 == 0 && call.count >= 1 << 20 && call.offset % 4096 == 0)
            }
            // Memory, length and place suit the first part of the first, and both of the last.
            guard takesDirectWrites else { continue }
            let direct = calls.filter { $0.flags != usual }.map(\.count)
            #expect(direct == (order == [1, 0, 2] ? [(3 << 20) - 4096] : order == [2, 2] ? [2 << 20, 2 << 20] : []))
        }
    }

    @Test func theEndOfAPartThatIsNoWholePageGoesThroughTheCache() throws {
        let pages = Pages()
        let path = folder.path("a")
        let calls = try write([pages.part(0..<(2 << 20) + 100)], to: path)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(pages.part(0..<(2 << 20) + 100)))
        #expect(calls.map(\.count) == (takesDirectWrites ? [2 << 20, 100] : [(2 << 20) + 100]))
    }

    @Test func whatADiskRefusesToTakeDirectlyIsWrittenAllTheSame() throws {
        let pages = Pages()
        let usual = try write([pages.part(0..<100)], to: folder.path("small"))[0].flags
        let path = folder.path("a")
        let calls = try write([pages.part(0..<2 << 20), pages.part(0..<2 << 20)], to: path) { $0 != usual }
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)).count == 4 << 20)
        #expect(calls.suffix(2).map(\.flags) == [usual, usual])
        #expect(calls.count == (takesDirectWrites ? 3 : 2))
    }

    @Test func aRefusalThatHasAnotherReasonIsAnError() throws {
        let pages = Pages()
        #expect(throws: DeconvolutionError.self) {
            try write([pages.part(0..<2 << 20)], to: folder.path("a")) { _ in true }
        }
        #expect(folder.contents == [])
    }

    /// Whether the temporary folder's disk has another way of writing than through the cache.
    private var takesDirectWrites: Bool {
        #if arch(x86_64)
            let direct: Int32 = 0o40000
        #else
            let direct: Int32 = 0o200000
        #endif
        let descriptor = open(folder.path("probe"), O_RDWR | O_CREAT | direct, 0o600)
        defer {
            close(descriptor)
            unlink(folder.path("probe"))
        }
        return descriptor >= 0
    }
}
