// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "vdb",
    platforms: [.macOS(.v15)],
    products: [.library(name: "VDB", targets: ["VDB"])],
    targets: [
        // The library of the system, as `make install` puts it in place: pkg-config says where it is.
        .systemLibrary(name: "CVDB", pkgConfig: "vdb"),
        .target(name: "VDB", dependencies: ["CVDB"]),
        .executableTarget(name: "vdb-search", dependencies: ["VDB"], path: "Examples/Search"),
        .testTarget(name: "VDBTests", dependencies: ["VDB"]),
    ]
)
