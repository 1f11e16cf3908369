// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

// One room of the program each; arrows point one way. Documentation/Architecture.md tells the story of a voxel.
func room(_ name: String, path: String? = nil, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, path: path, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")

let package = Package(
    name: "gpudeconv",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        .systemLibrary(name: "CPNG", pkgConfig: "libpng16", providers: [.apt(["libpng-dev"])]),

        room("DeconvVolume", []),
        room("DeconvSimulation", ["DeconvVolume"]),
        room("DeconvComparison", ["DeconvVolume"]),
        room("DeconvPreview", ["DeconvVolume", "CPNG"]),

        .target(
            name: "DeconvTestSupport",
            dependencies: ["DeconvVolume"],
            path: "Tests/DeconvTestSupport",
            swiftSettings: settings
        ),
        tests("DeconvVolumeTests", ["DeconvVolume", "DeconvTestSupport"]),
        tests("DeconvSimulationTests", ["DeconvVolume", "DeconvSimulation"]),
        tests("DeconvComparisonTests", ["DeconvVolume", "DeconvComparison"]),
        tests("DeconvPreviewTests", ["DeconvVolume", "DeconvPreview", "DeconvSimulation", "CPNG"]),
    ],
    swiftLanguageModes: [.v6]
)
