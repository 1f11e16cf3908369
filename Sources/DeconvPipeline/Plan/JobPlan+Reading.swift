import DeconvIO
import DeconvVolume

extension JobPlan {
    /// What reading an image and its maps may take, whatever there is room for; nothing for those that are in memory.
    package struct ReadingNeeds: Hashable, Sendable {
        /// Where volumes are read whole: the image and its second view, then each map.
        var volumes: [ReadingMemory] = []
        /// Where they are read plane by plane.
        var planes: [ReadingMemory] = []

        /// Nothing.
        init() {}

        /// What reading images and maps takes.
        init(images: [any VolumeSource], maps: [any VolumeSource]) {
            for (index, source) in (images + maps).enumerated() {
                let file = source as? any ImageFileSource
                let shape = source.image.shape
                let plane = VolumeShape(z: 1, y: shape.y, x: shape.x)
                // Maps are read plane by plane in any case.
                volumes.append(
                    file?.readingMemory(of: index < images.count ? shape : plane) ?? ReadingMemory(bufferBytes: 0)
                )
                planes.append(file?.readingMemory(of: plane) ?? ReadingMemory(bufferBytes: 0))
            }
        }
    }

    /// What reading a volume takes in host memory, with its flat field and mask.
    package struct Reading: Hashable, Sendable {
        /// Bytes of voxels on their way to where they are computed, and of what they are decoded from.
        package var bufferBytes: Int
        /// Bytes of decoded chunks that are kept from read to read: of the image, then of each map.
        package var keptBytes: [Int]
        /// More of these than now would be of use.
        private var mostKeptBytes: [Int]

        /// All of it.
        package var byteCount: Int { keptBytes.reduce(bufferBytes, +) }

        /// What reading takes with as few chunks kept as can be.
        /// - Parameter voxelBytes: bytes of voxels that are held at once.
        init(_ needs: [ReadingMemory], voxelBytes: Int) {
            bufferBytes = needs.reduce(voxelBytes) { $0 + $1.bufferBytes }
            keptBytes = needs.map(\.leastKeptBytes)
            mostKeptBytes = needs.map(\.mostKeptBytes)
        }

        /// Keeps all chunks that are wanted again, of each source for which there is room. A few of them would be gone by the time
        /// they are wanted.
        mutating func keepMore(room: Int) {
            var room = room
            for index in keptBytes.indices where mostKeptBytes[index] - keptBytes[index] <= room {
                room -= mostKeptBytes[index] - keptBytes[index]
                keptBytes[index] = mostKeptBytes[index]
            }
        }
    }
}
