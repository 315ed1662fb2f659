// swift-tools-version: 6.2
import PackageDescription

// A library, for `main` is libFuzzer's: scripts/fuzz links both.
let package = Package(
    name: "Fuzz",
    products: [.library(name: "Decoders", type: .static, targets: ["Decoders"])],
    dependencies: [
        .package(name: "rekkord", path: ".."),
        .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
    ],
    targets: [
        // Built with `-enable-testing`, because a decoder is not something that Core offers by itself.
        .target(
            name: "Decoders",
            dependencies: [
                .product(name: "Core", package: "rekkord"),
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: [
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("InternalImportsByDefault"),
                .enableUpcomingFeature("MemberImportVisibility"),
                .treatAllWarnings(as: .error),
            ]
        )
    ],
    swiftLanguageModes: [.v6]
)
