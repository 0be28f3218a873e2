// swift-tools-version: 6.0
import PackageDescription

// Not in a folder `swift`: packages go by the names of their folders, and that is the other one's.
let package = Package(
    name: "search",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "vdb", path: "../../swift")],
    targets: [
        .executableTarget(name: "search", dependencies: [.product(name: "VDB", package: "vdb")])
    ]
)
