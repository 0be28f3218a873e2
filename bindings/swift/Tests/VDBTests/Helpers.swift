import Foundation
import VDB
import XCTest

/// The root of the repository.
let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../../..").standardizedFileURL

/// An empty folder for what `body` does.
func withFolder<R>(_ body: (URL) throws -> R) throws -> R {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("vdb-swift-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
}

func withFolder<R>(_ body: (URL) async throws -> R) async throws -> R {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("vdb-swift-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try await body(folder)
}

/// Fails unless `body` throws an error of this kind, and returns that.
@discardableResult
func assertThrows<R>(_ code: Status, line: UInt = #line, file: StaticString = #filePath, _ body: () throws -> R) -> VDBError? {
    do {
        _ = try body()
        XCTFail("nothing was thrown, expected \(code)", file: file, line: line)
    } catch let error as VDBError {
        XCTAssertEqual(error.code, code, "\(error)", file: file, line: line)
        return error
    } catch {
        XCTFail("\(error), expected \(code)", file: file, line: line)
    }
    return nil
}

/// Numbers that look random and are the same every time.
struct Numbers {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> Float {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Float(state >> 40) / Float(1 << 24)
    }

    mutating func floats(_ count: Int) -> [Float] { (0..<count).map { _ in next() } }
}

/// Bytes of memory that the process has, of which nothing was given back to the system.
func residentBytes() throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
    return Int(status.split(separator: " ")[1])! * Int(sysconf(Int32(_SC_PAGESIZE)))
}
