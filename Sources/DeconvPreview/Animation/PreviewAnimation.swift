package import DeconvVolume
import Glibc

/// Volumes side by side that turn, or planes of them one after the other, as a picture that moves.
package struct PreviewAnimation: Sendable {
    /// What moves.
    package enum Motion: String, Sendable, CaseIterable {
        /// A whole turn of the maximum projection about the vertical axis.
        case turn
        /// From the first plane to the last one.
        case walk
    }

    /// One volume to show.
    package struct Panel: Sendable {
        /// What stands above it.
        package var caption: String
        /// One for each channel, in the shape that `Sizes` says.
        package var channels: [ReducedVolume]

        /// A volume with its caption.
        package init(caption: String, channels: [ReducedVolume]) {
            self.caption = caption
            self.channels = channels
        }
    }

    private let panels: [Panel]
    private let sizes: Sizes
    /// Which values are black and which white.
    package var contrast = Contrast.standard
    /// Whether from black to white it is as many counts in all volumes.
    package var isCommonScale = false
    /// A value v from 0 (black) to 1 (white) is shown as v^gamma.
    package var gamma = 1.0
    /// A name and a color for each channel; empty for gray pictures of the first.
    package var legend: [(name: String, color: PictureColor)] = []

    /// An animation of volumes that were read in the shapes that sizes asked for.
    package init(_ panels: [Panel], sizes: Sizes) {
        precondition(panels.count == sizes.shapes.count, "each volume has its size")
        self.panels = panels
        self.sizes = sizes
    }

    /// The animation as one file, an animated PNG.
    /// - Throws: `DeconvolutionError` (`internalError`) where libpng refuses.
    package func png() throws(DeconvolutionError) -> [UInt8] {
        let scenes = panels.map { panel in panel.channels.map { Scene($0, sizes) } }
        let channelCount = legend.isEmpty ? 1 : legend.count
        let limits = (0..<channelCount).map { channel in
            contrast.limits(
                of: scenes.map { $0[min(channel, $0.count - 1)].projection },
                isCommon: isCommonScale
            )
        }
        let layout = Layout(sizes)
        let shading = Shading(gamma: gamma)
        var frames: [[UInt8]] = []
        for number in 0..<sizes.frameCount {
            var picture = layout.background(captions: panels.map(\.caption))
            picture.writeFooter(layout, text: sizes.label(of: number))
            let shades = scenes.indices.map { panel in
                (0..<channelCount).map { channel in
                    shading.shades(
                        scenes[panel][min(channel, scenes[panel].count - 1)].frame(number),
                        limits[channel][panel]
                    )
                }
            }
            if legend.isEmpty {
                for (panel, frame) in layout.frames.enumerated() { picture.place(shades[panel][0], in: frame) }
                frames.append(try picture.png())
            } else {
                var colored = ColorImage(picture)
                for (panel, frame) in layout.frames.enumerated() {
                    colored.place(zip(shades[panel], legend).map { ($0, $1.color) }, in: frame)
                }
                frames.append(try colored.png())
            }
        }
        return try APNGEncoder(frameMilliseconds: 100).file(frames)
    }

    /// The frames of one channel of one volume.
    private struct Scene {
        private let sizes: Sizes
        private let volume: ReducedVolume
        private let turntable: Turntable?

        init(_ volume: ReducedVolume, _ sizes: Sizes) {
            self.sizes = sizes
            self.volume = volume
            turntable = sizes.motion == .turn ? Turntable(volume.stretched(to: sizes.depth(of: volume.shape))) : nil
        }

        func frame(_ number: Int) -> [Float] {
            guard let turntable else { return volume.plane(min(number, volume.shape.z - 1)) }
            return turntable.projection(turn: Double(number) / Double(sizes.frameCount))
        }

        /// The brightest of all planes.
        var projection: [Float] {
            var brightest = volume.plane(0)
            for z in 1..<max(1, volume.shape.z) {
                let plane = volume.plane(z)
                for i in plane.indices { brightest[i] = max(brightest[i], plane[i]) }
            }
            return brightest
        }
    }
}

extension PreviewAnimation {
    /// How large everything is, so that a file stays small however large the volumes are.
    package struct Sizes: Sendable {
        /// What moves.
        package let motion: Motion
        /// Voxels of each volume to be read, z, y, x.
        package let shapes: [VolumeShape]
        /// Pictures of the animation.
        package let frameCount: Int
        /// Micrometers of a pixel, or voxels where the spacing is unknown.
        let unitsPerPixel: Double
        let isMicrometers: Bool
        private let voxelDepth: Double
        private let sourceDepths: [Int]

        /// Pixels of all frames together: they take 0.5 to 0.9 bytes each, so that a file stays below 5 MB.
        private static let mostPixels = 4.5e6
        /// In color a pixel takes up to three times as much.
        private static let mostColorPixels = 1.7e6
        /// Planes of a walk; where there are more, the brightest of several is shown.
        private static let mostPlanes = 50
        /// Steps of ten degrees.
        private static let turnSteps = 36
        /// The widest picture of one volume.
        private static let mostSide = 400.0

        /// Sizes for volumes.
        /// - Parameters:
        ///   - sources: voxels of each volume, z, y, x.
        ///   - spacing: of all; nil where nobody said.
        package init(_ motion: Motion, _ sources: [VolumeShape], spacing: VoxelSpacing?, isColor: Bool) {
            self.motion = motion
            let size = spacing ?? VoxelSpacing(z: 1, y: 1, x: 1)
            let depth = sources.map(\.z).max() ?? 1
            let count = motion == .turn ? Self.turnSteps : min(depth, Self.mostPlanes)
            let limit = isColor ? Self.mostColorPixels : Self.mostPixels
            func extent(_ shape: VolumeShape, _ axis: Int) -> Double { Double(shape[axis]) * size[axis] }
            func width(_ shape: VolumeShape) -> Double {
                let (x, z) = (extent(shape, 2), extent(shape, 0))
                return motion == .turn ? (x * x + z * z).squareRoot() : x
            }
            // Pixels of this size fill what is allowed.
            let area = sources.reduce(0.0) { $0 + width($1) * extent($1, 1) } * Double(count)
            let longest = sources.map { max(width($0), extent($0, 1)) }.max() ?? 1
            let pixel = max((area / limit).squareRoot(), longest / Self.mostSide)
            unitsPerPixel = pixel
            isMicrometers = spacing != nil
            voxelDepth = size.z
            sourceDepths = sources.map(\.z)
            frameCount = count
            shapes = sources.map { shape in
                func pixels(_ axis: Int) -> Int { max(1, Int((extent(shape, axis) / pixel).rounded())) }
                let planes = motion == .turn ? min(shape.z, pixels(0)) : min(shape.z, Self.mostPlanes)
                return VolumeShape(z: planes, y: pixels(1), x: pixels(2))
            }
        }

        /// Planes of a volume of cubic voxels.
        func depth(of shape: VolumeShape) -> Int {
            let number = shapes.firstIndex(of: shape) ?? 0
            return max(1, Int((Double(sourceDepths[number]) * voxelDepth / unitsPerPixel).rounded()))
        }

        /// Where a frame is.
        func label(of frame: Int) -> String {
            if motion == .turn { return "\(360 * frame / frameCount)\u{B0}" }
            let first = frame * (sourceDepths.max() ?? 1) / frameCount
            return isMicrometers ? "z \(ValueText.short(Double(first) * voxelDepth)) \u{B5}m" : "z \(first)"
        }

        /// Pixels of the picture of each volume.
        var pictures: [(width: Int, height: Int)] {
            shapes.map { shape in
                guard motion == .turn else { return (shape.x, shape.y) }
                let depth = Double(depth(of: shape))
                return (Int((depth * depth + Double(shape.x * shape.x)).squareRoot().rounded(.up)), shape.y)
            }
        }
    }

    /// Where everything is in a frame.
    struct Layout {
        let width: Int
        let height: Int
        let frames: [PixelFrame]
        let scaleBar: ScaleBar
        let footer: Int

        static let margin = 6

        init(_ sizes: Sizes) {
            let top = 2 * Self.margin + BitmapFont.height
            var left = Self.margin
            var frames: [PixelFrame] = []
            for picture in sizes.pictures {
                frames.append(PixelFrame(x: left, y: top, width: picture.width, height: picture.height))
                left += picture.width + Self.margin
            }
            self.frames = frames
            footer = top + (frames.map(\.height).max() ?? 0) + Self.margin
            width = max(left, 120)
            height = footer + BitmapFont.height + Self.margin
            scaleBar = ScaleBar(
                width: frames.map(\.width).min() ?? 1,
                unitsPerPixel: sizes.unitsPerPixel,
                isMicrometres: sizes.isMicrometers
            )
        }

        func background(captions: [String]) -> GrayImage {
            var picture = GrayImage(width: width, height: height, shade: 30)
            for (frame, caption) in zip(frames, captions) {
                let text = BitmapFont.standard.fitted(caption, width: frame.width)
                picture.write(text, x: frame.x, y: Self.margin, scale: 1, shade: 240)
            }
            return picture
        }
    }
}

extension GrayImage {
    fileprivate mutating func writeFooter(_ layout: PreviewAnimation.Layout, text: String) {
        let (left, bar) = (PreviewAnimation.Layout.margin, layout.scaleBar)
        fill(PixelFrame(x: left, y: layout.footer + 2, width: bar.pixelCount, height: 3), shade: 240)
        write(bar.label, x: left + bar.pixelCount + 4, y: layout.footer, scale: 1, shade: 240)
        let right = width - left - BitmapFont.standard.width(of: text)
        write(text, x: right, y: layout.footer, scale: 1, shade: 150)
    }
}
