import DeconvPlan
import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

@testable import DeconvDevice

/// Whether programs are built once, and never from what is not whole.
@Suite struct ProgramCacheTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// The cache of a run of the program.
    private var cache: BinaryCache { BinaryCache(folder: folder.path("programs"), byteLimit: 64 << 20) }

    private var files: [String] {
        let folder = folder.path("programs")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.sorted().map { folder + "/" + $0 }
    }

    /// A field blurred by a device that keeps its programs in a cache.
    private func blurred(_ device: TestBackend, _ cache: BinaryCache, _ type: PixelType = .uint16) throws -> [Float] {
        let engine = try TestEngine(
            device.makeNew(binaries: cache),
            image: VolumeShape(z: 1, y: 29, x: 20),
            psf: TestImage.psf(VolumeShape(z: 1, y: 6, x: 7)),
            boundary: .extend,
            pixelType: type
        )
        return try engine.forwardProject(TestImage.random(engine.geometry.domain.shape.voxelCount, seed: 3))
    }

    @Test(arguments: TestBackend.openCL)
    func theSecondRunTakesTheBinaryOfTheFirst(device: TestBackend) throws {
        let (first, second) = (cache, cache)
        let expected = try blurred(device, first)
        let count = first.counts.stored
        // Ours, and those of VkFFT.
        #expect(device.fft == .vkfft ? count > 1 : count == 1 || device.fft == .auto)
        #expect(first.counts == BinaryCache.Counts(missing: count, stored: count))
        #expect(files.count == count)
        #expect(try blurred(device, second) == expected)
        #expect(second.counts == BinaryCache.Counts(found: count))
    }

    /// A binary that is whole and wrong, as after a driver was built anew under the same version.
    @Test func whoRebuildsReplacesWhatIsThere() {
        cache.store([1, 2, 3], for: "key")
        let rebuilding = cache.rebuilding
        #expect(rebuilding.value(for: "key") == nil)
        rebuilding.store([4, 5], for: "key")
        #expect(cache.value(for: "key") == [4, 5])
    }

    @Test(arguments: TestBackend.openCL)
    func eachSetOfOptionsHasItsOwnBinary(device: TestBackend) throws {
        let cache = cache
        _ = try blurred(device, cache, .uint8)
        let count = cache.counts.stored
        for type in [PixelType.uint16, .float32] { _ = try blurred(device, cache, type) }
        // Two more of ours; what the library has stays the same.
        let counts = BinaryCache.Counts(found: 2 * (count - 1), missing: count + 2, stored: count + 2)
        #expect(cache.counts == counts)
        #expect(files.count == count + 2)
    }

    @Test(arguments: TestBackend.openCL, Damage.allCases)
    func aDamagedFileIsBuiltAnewAndReplaced(device: TestBackend, damage: Damage) throws {
        let expected = try blurred(device, cache)
        let count = files.count
        for path in files {
            let whole = try Data(contentsOf: URL(fileURLWithPath: path))
            try damage.applied(to: whole).write(to: URL(fileURLWithPath: path))
        }

        let second = cache
        #expect(try blurred(device, second) == expected)
        #expect(second.counts == BinaryCache.Counts(missing: count, stored: count))
        let third = cache
        _ = try blurred(device, third)
        #expect(third.counts == BinaryCache.Counts(found: count))
    }

    /// As after an update of a driver that keeps its version.
    @Test(arguments: TestBackend.openCL)
    func aBinaryThatTheDriverRefusesIsBuiltAnewAndReplaced(device: TestBackend) throws {
        let expected = try blurred(device, cache)
        // A file: 19 bytes that say what it is, 8 of the key's length, 8 of the value's, the key.
        let count = files.count
        for path in files {
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            let length = bytes[19..<27].reversed().reduce(0) { $0 << 8 | Int($1) }
            let key = String(decoding: bytes[35..<35 + length], as: UTF8.self)
            cache.store(Array("from another world".utf8), for: key)
        }

        let second = cache
        #expect(try blurred(device, second) == expected)
        #expect(second.counts == BinaryCache.Counts(found: count, stored: count, removed: count))
        #expect(files.count == count)
    }

    @Test(arguments: TestBackend.openCL)
    func aFolderThatCannotBeMadeIsNoError(device: TestBackend) throws {
        try Data().write(to: URL(fileURLWithPath: folder.path("file")))
        let nowhere = BinaryCache(folder: folder.path("file/programs"), byteLimit: 64 << 20)
        let none = BinaryCache(folder: nil, byteLimit: 64 << 20)
        #expect(try blurred(device, nowhere) == blurred(device, none))
        #expect(nowhere.counts == BinaryCache.Counts(missing: nowhere.counts.missing))
        #expect(none.counts == nowhere.counts)
    }

    @Test func aTableOfProgramsKeepsThoseUsedLast() {
        var programs = RecentPrograms(limit: 2)
        #expect(programs.keep(1, of: "a") == [])
        #expect(programs.keep(2, of: "b") == [])
        #expect(programs.program(of: "a") == 1)
        #expect(programs.keep(3, of: "c") == [2])
        #expect(programs.program(of: "b") == nil)
        // Two threads may build the same source.
        #expect(programs.keep(4, of: "a") == [1])
        #expect(programs.program(of: "a") == 4)
        #expect(Set(programs.removeAll()) == [3, 4])
        #expect(programs.program(of: "c") == nil)
    }

    @Test func theLeastRecentlyUsedGoWhenThereIsNoMoreRoom() throws {
        let cache = BinaryCache(folder: folder.path("programs"), byteLimit: 3500)
        let value = [UInt8](repeating: 7, count: 1000)
        for key in ["a", "b", "c"] {
            cache.store(value, for: key)
            // Times of files have a grain.
            usleep(20_000)
        }
        #expect(cache.value(for: "a") == value)
        usleep(20_000)
        cache.store(value, for: "d")
        #expect(cache.value(for: "b") == nil)
        #expect(["a", "c", "d"].allSatisfy { cache.value(for: $0) == value })
        cache.store([UInt8](repeating: 7, count: 4000), for: "e")
        #expect(cache.value(for: "e") == nil)
        #expect(files.count == 3)
    }

    /// What may become of a file.
    enum Damage: String, CaseIterable, Sendable {
        case emptied, cutInItsHead, cutInItsValue, extended, oneBitFlipped, anotherKey

        func applied(to file: Data) -> Data {
            var file = file
            switch self {
            case .emptied: return Data()
            case .cutInItsHead: return file.prefix(23)
            case .cutInItsValue: return file.prefix(file.count - 1000)
            case .extended: file.append(0)
            case .oneBitFlipped: file[file.count - 5000] ^= 4
            case .anotherKey: file[40] ^= 4
            }
            return file
        }
    }
}
