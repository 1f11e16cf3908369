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

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: settings)
}

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")

let package = Package(
    name: "gpudeconv",
    products: [
        .executable(name: "gpudeconv", targets: ["GPUDeconvCLI"]),
        .library(name: "GPUDeconv", targets: ["GPUDeconv"]),
        // `make library` calls it libgpudeconv.so; here the command has that name.
        .library(name: "GPUDeconvC", type: .dynamic, targets: ["GPUDeconvC"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        .systemLibrary(name: "COpenCL", pkgConfig: "OpenCL", providers: [.apt(["ocl-icd-opencl-dev"])]),
        .systemLibrary(name: "CCLFFT", pkgConfig: "clFFT", providers: [.apt(["libclfft-dev"])]),
        .systemLibrary(name: "CFFTW", pkgConfig: "fftw3f", providers: [.apt(["libfftw3-dev"])]),
        .systemLibrary(name: "CTIFF", pkgConfig: "libtiff-4", providers: [.apt(["libtiff-dev"])]),
        .systemLibrary(name: "CExpat", pkgConfig: "expat", providers: [.apt(["libexpat1-dev"])]),
        .systemLibrary(name: "CPNG", pkgConfig: "libpng16", providers: [.apt(["libpng-dev"])]),
        .systemLibrary(name: "CBlosc", pkgConfig: "blosc", providers: [.apt(["libblosc-dev"])]),
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
        .systemLibrary(name: "CLZMA", pkgConfig: "liblzma", providers: [.apt(["liblzma-dev"])]),
        // Debian's libbz2-dev has no .pc file.
        .systemLibrary(name: "CBZip2", providers: [.apt(["libbz2-dev"])]),
        // A declaration of the C library that its headers hide.
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CPrefetch"),
        .systemLibrary(name: "CSquareRoot"),
        .target(name: "CTIFFShim", dependencies: ["CTIFF"]),
        // A header of Debian's libcurl4-openssl-dev; the library itself is looked for when something is read from a server.
        .target(name: "CCurl"),
        // VkFFT is a header; what it needs at run time is OpenCL.
        .target(name: "CVkFFT", dependencies: ["COpenCL"]),
        // In C++, for libraries write to its streams.
        .target(name: "CStandardError"),
        .target(name: "CUploadWatch", dependencies: ["CCLFFT"]),

        .target(
            name: "DeconvKernels",
            path: "Kernels",
            exclude: ["README.md"],
            resources: [
                .embedInCode("Preamble"), .embedInCode("Elementwise"), .embedInCode("Reductions"),
                .embedInCode("Callbacks"),
            ],
            swiftSettings: settings
        ),
        room("DeconvVolume", []),
        room(
            "DeconvIO",
            [
                "DeconvVolume", "CTIFF", "CTIFFShim", "CExpat", "CBlosc", "CZstd", "CZlib", "CLZ4", "CBZip2", "CLZMA",
                "CCurl", "CLinux",
            ]
        ),
        room("DeconvOptics", ["DeconvVolume"]),
        room("DeconvSurvey", ["DeconvVolume"]),
        room("DeconvPlan", ["DeconvVolume"]),
        room("DeconvOptions", ["DeconvVolume", "DeconvPlan"]),
        room(
            "DeconvDevice",
            [
                "DeconvVolume", "DeconvPlan", "DeconvKernels", "COpenCL", "CCLFFT", "CVkFFT", "CFFTW", "CPrefetch",
                "CSquareRoot", "CStandardError", "CUploadWatch",
            ]
        ),
        room("DeconvMethods", ["DeconvVolume", "DeconvPlan", "DeconvOptions", "DeconvDevice"]),
        room("DeconvSimulation", ["DeconvVolume"]),
        room("DeconvComparison", ["DeconvVolume"]),
        room("DeconvPreview", ["DeconvVolume", "CPNG", "CZlib"]),
        room(
            "DeconvPipeline",
            [
                "DeconvVolume", "DeconvIO", "DeconvOptics", "DeconvSurvey", "DeconvPlan", "DeconvOptions",
                "DeconvDevice",
                "DeconvMethods", logging,
            ]
        ),
        // What only the command does, so that the library for C and Python does not carry it.
        room(
            "DeconvTools",
            [
                "DeconvVolume", "DeconvIO", "DeconvOptics", "DeconvPlan", "DeconvOptions", "DeconvDevice",
                "DeconvMethods", "DeconvPipeline", "DeconvSimulation", "DeconvComparison", "DeconvPreview",
            ]
        ),
        room(
            "GPUDeconv",
            [
                "DeconvVolume", "DeconvPlan", "DeconvOptions", "DeconvDevice", "DeconvMethods", "DeconvPipeline",
                logging,
            ]
        ),
        // A header, whose functions are in the next room.
        .systemLibrary(name: "CGPUDeconv"),
        room(
            "GPUDeconvC",
            [
                "CGPUDeconv", "GPUDeconv", "DeconvPipeline", "DeconvMethods", "DeconvOptions", "DeconvOptics",
                "DeconvPlan", "DeconvIO",
                "DeconvVolume",
            ]
        ),
        .executableTarget(
            name: "GPUDeconvCLI",
            dependencies: [
                "GPUDeconv", "DeconvPipeline", "DeconvTools", "DeconvMethods", "DeconvOptions", "DeconvPlan",
                "DeconvOptics",
                "DeconvComparison", "DeconvPreview", "CLinux", logging,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings
        ),
        // As a user of the library would have it, without our settings.
        .target(name: "DeconvExamples", dependencies: ["GPUDeconv"], path: "Examples"),

        .target(
            name: "DeconvTestSupport",
            dependencies: ["DeconvVolume", "DeconvPlan", "DeconvOptions", "DeconvDevice", "DeconvMethods"],
            path: "Tests/DeconvTestSupport",
            swiftSettings: settings
        ),
        tests("DeconvVolumeTests", ["DeconvVolume", "DeconvTestSupport"]),
        tests("DeconvIOTests", ["DeconvIO", "DeconvVolume", "DeconvTestSupport"]),
        tests(
            "DeconvOpticsTests",
            ["DeconvOptics", "DeconvIO", "DeconvSimulation", "DeconvVolume", "DeconvTestSupport"]
        ),
        tests("DeconvSurveyTests", ["DeconvSurvey", "DeconvVolume", "DeconvTestSupport"]),
        tests("DeconvPlanTests", ["DeconvPlan", "DeconvVolume", "DeconvTestSupport"]),
        tests("DeconvSimulationTests", ["DeconvVolume", "DeconvSimulation"]),
        tests("DeconvComparisonTests", ["DeconvVolume", "DeconvComparison"]),
        tests("DeconvPreviewTests", ["DeconvVolume", "DeconvPreview", "DeconvSimulation", "CPNG"]),
        .target(name: "CNoisyLibrary", path: "Tests/CNoisyLibrary"),
        tests(
            "DeconvDeviceTests",
            [
                "DeconvDevice", "DeconvMethods", "DeconvOptions", "DeconvPlan", "DeconvVolume", "CNoisyLibrary",
                "CVkFFT", "COpenCL",
                "DeconvTestSupport",
            ]
        ),
        tests(
            "DeconvMethodsTests",
            [
                "DeconvMethods", "DeconvPipeline", "DeconvOptions", "DeconvDevice", "DeconvPlan", "DeconvOptics",
                "DeconvVolume", "DeconvTestSupport",
            ]
        ),
        tests(
            "DeconvPipelineTests",
            [
                "DeconvPipeline", "DeconvTools", "DeconvMethods", "DeconvOptions", "DeconvDevice", "DeconvPlan",
                "DeconvOptics", "DeconvIO", "DeconvComparison", "DeconvSimulation", "DeconvVolume", "DeconvTestSupport",
            ]
        ),
        tests(
            "DeconvExamplesTests",
            ["DeconvExamples", "GPUDeconv", "DeconvPipeline", "DeconvTools", "DeconvTestSupport"]
        ),
        // Depends on the library so that it is built with its tests, which compile C programs against it.
        tests(
            "GPUDeconvCTests",
            ["GPUDeconvC", "DeconvPipeline", "DeconvOptions", "DeconvIO", "DeconvVolume", "DeconvTestSupport"],
            exclude: ["Program"]
        ),
        // Depends on the program so that it is built with its tests, which run it as a process.
        tests(
            "GPUDeconvCLITests",
            [
                "GPUDeconvCLI", "DeconvMethods", "DeconvOptions", "DeconvPlan", "DeconvDevice", "DeconvIO",
                "DeconvVolume",
                "DeconvTestSupport",
            ]
        ),
    ],
    swiftLanguageModes: [.v6]
)
