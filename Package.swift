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
        .systemLibrary(name: "COpenCL", pkgConfig: "OpenCL", providers: [.apt(["ocl-icd-opencl-dev"])]),
        .systemLibrary(name: "CCLFFT", pkgConfig: "clFFT", providers: [.apt(["libclfft-dev"])]),
        .systemLibrary(name: "CFFTW", pkgConfig: "fftw3f", providers: [.apt(["libfftw3-dev"])]),

        room("DeconvVolume", []),
        room("DeconvPlan", ["DeconvVolume"]),
        .target(
            name: "DeconvKernels",
            path: "Kernels",
            exclude: ["README.md"],
            resources: [.embedInCode("Preamble"), .embedInCode("Elementwise"), .embedInCode("Reductions")],
            swiftSettings: settings
        ),
        room("DeconvDevice", ["DeconvVolume", "DeconvPlan", "DeconvKernels", "COpenCL", "CCLFFT", "CFFTW"]),
        room("DeconvMethods", ["DeconvVolume", "DeconvPlan", "DeconvDevice"]),
        room("DeconvPipeline", ["DeconvVolume", "DeconvPlan", "DeconvDevice", "DeconvMethods"]),

        .target(
            name: "DeconvTestSupport",
            dependencies: ["DeconvVolume"],
            path: "Tests/DeconvTestSupport",
            swiftSettings: settings
        ),
        tests(
            "DeconvPipelineTests",
            ["DeconvPipeline", "DeconvMethods", "DeconvDevice", "DeconvPlan", "DeconvVolume", "DeconvTestSupport"]
        ),
        tests("DeconvPlanTests", ["DeconvPlan", "DeconvVolume", "DeconvTestSupport"]),
        tests("DeconvVolumeTests", ["DeconvVolume", "DeconvTestSupport"]),
    ],
    swiftLanguageModes: [.v6]
)
