import DeconvTestSupport
import DeconvVolume
import Foundation
import Testing

/// What the disk, the permissions and the channels of a process do to a run.
@Suite struct DiskTests {
    private static let job = ["image.tif", "--psf", "psf.tif", "-o", "out.tif", "--backend", "cpu"]

    /// Root may do everything, so it gives up what lets it.
    private static let asMortal =
        geteuid() == 0
        ? [
            "setpriv", "--bounding-set=-dac_override,-dac_read_search",
            "--inh-caps=-dac_override,-dac_read_search",
        ] : []

    @Test func anInputThatMayNotBeReadIsNotFound() async throws {
        let folder = try Scene.folder()
        chmod(folder.path("image.tif"), 0)
        let result = try await Command.run(Self.job, in: folder, through: Self.asMortal)
        #expect(result.status == 66)
        #expect(result.error == "gpudeconv: image.tif: may not be read; check its permissions\n")
        #expect(folder.contents == ["image.tif", "psf.tif"])
    }

    @Test func aFolderThatMayNotBeWrittenIsNamed() async throws {
        let folder = try Scene.folder()
        chmod(folder.url.path, 0o555)
        defer { chmod(folder.url.path, 0o755) }
        let result = try await Command.run(Self.job, in: folder, through: Self.asMortal)
        #expect(result.status == 73)
        #expect(result.error == "gpudeconv: out.tif: its folder . may not be written; choose another folder\n")
        #expect(folder.contents == ["image.tif", "psf.tif"])
    }

    /// The signal that a limit on the size of files sends would end the process, and leave half a file.
    @Test func aLimitOnFileSizeIsAnErrorThatLeavesNothing() async throws {
        let folder = try Scene.folder()
        let result = try await Command.run(
            Self.job,
            in: folder,
            through: Command.shell(#"ulimit -f 8; exec "$@""#)
        )
        #expect(result.status == 74)
        #expect(
            result.error
                == "gpudeconv: out.tif: this file system or your limits allow no file this large; choose another folder\n"
        )
        #expect(folder.contents == ["image.tif", "psf.tif"])
    }

    private static let smallDisk =
        ["unshare", "-rm"]
        + Command.shell(
            #"mkdir disk && mount -t tmpfs -o size=16k none disk && { "$@"; status=$?; ls -A disk; exit $status; }"#
        )

    @Test func aDiskThatIsTooSmallIsSeenBeforeTheWork() async throws {
        try #require(SmallDisk.canBeMounted, "needs a user namespace to mount a small disk in")
        let folder = try Scene.folder()
        let result = try await Command.run(
            ["image.tif", "--psf", "psf.tif", "-o", "disk/out.tif"],
            in: folder,
            through: Self.smallDisk
        )
        #expect(result.status == 74)
        let message = try #require(
            result.error.wholeMatch(
                of:
                    /gpudeconv: disk\/out\.tif: needs 21504 bytes but disk has ([0-9]+) free; free ([0-9]+) bytes or choose another folder\n/
            ),
            "\(result.error)"
        )
        #expect(Int(message.1)! + Int(message.2)! == 21504)
        #expect(result.output == "")
    }

    @Test func aDiskThatFillsUpIsAnErrorThatLeavesNothing() async throws {
        try #require(SmallDisk.canBeMounted, "needs a user namespace to mount a small disk in")
        let folder = try Scene.folder()
        let result = try await Command.run(
            ["image.tif", "--psf", "psf.tif", "-o", "disk/out.tif", "--deflate", "--report", "disk/report.json"],
            in: folder,
            through: Self.smallDisk
        )
        #expect(result.status == 74)
        let place = folder.url.resolvingSymlinksInPath().path
        #expect(
            result.error
                == "gpudeconv: disk/out.tif: no space left in \(place)/disk; free some or choose another folder\n"
        )
        #expect(result.output == "")
    }

    @Test func standardOutputThatTakesNoMoreIsAnError() async throws {
        let folder = try Scene.folder()
        for (redirection, reason) in [
            ("> /dev/full", "No space left on device"), (">&-", "Bad file descriptor"),
        ] {
            let result = try await Command.run(
                ["psf", "inspect", "psf.tif"],
                in: folder,
                through: Command.shell(#"exec "$@" \#(redirection)"#)
            )
            #expect(result.status == 74)
            #expect(result.error == "gpudeconv: standard output: writing failed: \(reason); send it elsewhere\n")
        }
    }

    /// Without care the output would become file number 2, and warnings would go into it.
    @Test func aClosedStandardErrorDoesNotReachTheOutput() async throws {
        let folder = try Scene.folder()
        let plain = try await Command.run(Self.job, in: folder)
        #expect(plain.error.contains("warning: image.tif: no voxel is dark"))
        let closed = try await Command.run(
            Self.job + ["--overwrite", "--verbose"],
            in: folder,
            through: Command.shell(#"exec "$@" 2>&-"#)
        )
        #expect(closed.status == 0)
        #expect(try Scene.voxels(of: folder.path("out.tif")).count == Scene.shape.voxelCount)
        #expect(folder.contents == ["image.tif", "out.tif", "psf.tif"])
    }

    @Test func aReaderThatHasSeenEnoughIsNoError() async throws {
        let folder = try Scene.folder()
        let script = #"{ "$@"; echo $? >status; } | true"#
        let arguments = ["psf", "inspect", "psf.tif"]
        let result = try await Command.run(arguments, in: folder, through: Command.shell(script))
        #expect(!result.error.contains("writing failed"))
        // 141: ended by SIGPIPE, as the tools of the system are. 0 where the reader was still there.
        #expect(["141\n", "0\n"].contains(String(decoding: try folder.bytes("status"), as: UTF8.self)))
        #expect(folder.contents == ["image.tif", "psf.tif", "status"])
    }

    /// A script would take an error for a result that is missing, and the next run would find it in its way.
    @Test(arguments: ["> /dev/full", ">&-", "| true"])
    func outputsThatAreWholeAreNoErrorWhereNobodyCanBeTold(redirection: String) async throws {
        let folder = try Scene.folder()
        for (arguments, file) in [
            (Self.job + ["--background", "40"], "out.tif"), (Self.job + ["--background", "40", "--json"], "out.tif"),
            (["psf", "prepare", "psf.tif", "-o", "ready.tif"], "ready.tif"),
            (["preview", "image.tif", "-o", "image.png"], "image.png"),
        ] {
            let result = try await Command.run(
                arguments,
                in: folder,
                through: Command.shell(#"{ "$@"; echo $? >status; } \#(redirection)"#)
            )
            #expect(
                String(decoding: try folder.bytes("status"), as: UTF8.self) == "0\n",
                "\(arguments) \(result.error)"
            )
            if redirection != "| true" {
                #expect(result.error.hasPrefix("gpudeconv: warning: standard output takes nothing"), "\(result.error)")
            }
            #expect(folder.contents.contains(file))
            try FileManager.default.removeItem(atPath: folder.path(file))
        }
    }
}
