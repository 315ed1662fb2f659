// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "rekkord",
    products: [
        .executable(name: "rekkord", targets: ["RekkordFS"]),
        .library(name: "Core", targets: ["Core"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
    ],
    targets: [
        .systemLibrary(name: "CSodium", path: "Sources/CLibs/CSodium", pkgConfig: "libsodium"),
        .systemLibrary(name: "CLZ4", path: "Sources/CLibs/CLZ4", pkgConfig: "liblz4"),
        .systemLibrary(name: "CSQLite", path: "Sources/CLibs/CSQLite", pkgConfig: "sqlite3"),
        .systemLibrary(name: "CCurl", path: "Sources/CLibs/CCurl", pkgConfig: "libcurl"),
        .systemLibrary(name: "CExpat", path: "Sources/CLibs/CExpat", pkgConfig: "expat"),
        .systemLibrary(name: "CCrypto", path: "Sources/CLibs/CCrypto", pkgConfig: "libcrypto"),
        .target(name: "CBLAKE3"),
        .target(name: "CLinux"),
        .target(name: "CFuseShim", linkerSettings: [.linkedLibrary("fuse3")]),
        .target(
            name: "Core",
            dependencies: [
                "CSodium",
                "CLZ4",
                "CSQLite",
                "CCurl",
                "CExpat",
                "CCrypto",
                "CBLAKE3",
                "CLinux",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "RekkordFS",
            dependencies: [
                "Core",
                "CFuseShim",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "TestSupport",
            dependencies: ["Core"],
            path: "Tests/TestSupport",
            swiftSettings: strict
        ),
        .testTarget(
            name: "CoreTests",
            dependencies: ["Core", "TestSupport", "CBLAKE3", "CSodium"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "RekkordFSTests",
            dependencies: [
                "RekkordFS",
                "Core",
                "TestSupport",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "IntegrationTests",
            dependencies: ["Core", "TestSupport"],
            swiftSettings: strict
        ),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .gnu11
)
