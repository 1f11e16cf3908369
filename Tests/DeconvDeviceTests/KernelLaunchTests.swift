import Testing

@testable import DeconvDevice

@Suite struct KernelLaunchTests {
    /// Every item once, in whole work-groups of the size that was asked for.
    @Test(arguments: [1, 2, 31, 256, 257, 1000], [1, 3, 64, 300])
    func everyItemIsCoveredOnce(x: Int, y: Int) {
        for groupSize in [1, 64, 256] {
            for z in [1, 5, 17] {
                let launches = KernelLaunch.covering(x: x, y: y, z: z, groupSize: groupSize, mostGroups: 5)
                var covered: [[Int]: Int] = [:]
                for launch in launches {
                    #expect(launch.local.reduce(1, *) <= groupSize)
                    for axis in 0..<3 {
                        #expect(launch.global[axis] % launch.local[axis] == 0)
                        if axis > 0 { #expect(launch.global[axis] / launch.local[axis] <= 5) }
                    }
                    #expect(launch.offset[0] == 0 && launch.global[0] >= x)
                    for z in launch.offset[2]..<launch.offset[2] + launch.global[2] {
                        for y in launch.offset[1]..<launch.offset[1] + launch.global[1] {
                            covered[[z, y], default: 0] += 1
                        }
                    }
                }
                // Rows beyond the last are guarded by the kernels.
                let rows = covered.filter { $0.key[1] < y }
                #expect(rows.count == y * z && rows.values.allSatisfy { $0 == 1 })
                #expect(covered.keys.allSatisfy { $0[0] < z })
            }
        }
    }

    @Test func shortRowsShareAWorkGroup() {
        #expect(KernelLaunch.covering(x: 30, y: 100, z: 9, groupSize: 256).map(\.local) == [[32, 8, 1]])
        #expect(KernelLaunch.covering(x: 866, y: 100, z: 9, groupSize: 256).map(\.local) == [[256, 1, 1]])
    }

    /// Reductions count on it.
    @Test func aSingleRowGetsWholeWorkGroups() {
        let launches = KernelLaunch.covering(x: 512 * 256, y: 1, z: 1, groupSize: 256)
        #expect(launches == [KernelLaunch(offset: [0, 0, 0], global: [512 * 256, 1, 1], local: [256, 1, 1])])
    }
}
