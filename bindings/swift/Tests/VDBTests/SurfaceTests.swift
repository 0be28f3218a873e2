import Foundation
import XCTest

@testable import VDB

final class SurfaceTests: XCTestCase {
    /// What the package does not need of the library, and why.
    private let unwrapped = [
        "vdb_search_exact": "SearchFlags.exact",
        "vdb_get_batch": "the newest state is that of no snapshot",
        "vdb_count": "the same",
        "vdb_ids_of_keys": "the same",
        "vdb_keys_of_ids": "the same",
        "vdb_get_meta": "the same",
        "vdb_cursor_scan": "the same",
    ]

    /// A function that the header gains must be wrapped.
    func testEveryFunctionIsWrapped() throws {
        let header = try String(contentsOf: repository.appendingPathComponent("include/vdb.h"), encoding: .utf8)
        let code = header.replacing(#/(?s)/\*.*?\*/|#[^\n]*/#, with: "")
        let functions = Set(code.matches(of: #/\b(vdb_\w+)\(/#).map { String($0.1) })
        XCTAssertGreaterThan(functions.count, 60)
        let folder = repository.appendingPathComponent("bindings/swift/Sources/VDB")
        let sources = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .map { try String(contentsOf: $0, encoding: .utf8) }.joined()
            .replacing(#/(?m)//.*$/#, with: "")
        let used = Set(sources.matches(of: #/\bvdb_\w+/#).map { String($0.0) })
        for function in functions.sorted() {
            XCTAssertEqual(used.contains(function), unwrapped[function] == nil, function)
        }
    }

    /// Each option of the library has a name here.
    func testEveryOptionHasAName() throws {
        let text = try String(
            contentsOf: repository.appendingPathComponent("bindings/swift/Sources/VDB/Generated.swift"), encoding: .utf8)
        let named = Set(text.matches(of: #/= Option\(rawValue: (\d+)\)/#).compactMap { UInt32($0.1) })
        XCTAssertEqual(named, Set(Option.allCases.map(\.rawValue)))
    }

    /// Each field of the parameters of a search can be set.
    func testEveryFieldOfTheParametersIsSet() throws {
        let db = try Database.inMemory([.dim: 1])
        let params = SearchParams(
            ef: 1, targetRecall: 1, rerank: 1, flags: .exact, deadline: .microseconds(1), filter: try Filter(allow: []),
            snapshot: try db.snapshot(), maxMemory: 1, task: try VDBTask())
        for field in Mirror(reflecting: try params.native(.f32)).children {
            let mirror = Mirror(reflecting: field.value)
            let isSet = mirror.displayStyle == .optional ? !mirror.children.isEmpty : "\(field.value)" != "0" && "\(field.value)" != "0.0"
            XCTAssertTrue(isSet, field.label ?? "")
        }
        XCTAssertEqual(try Duration.nanoseconds(1).microseconds(), 1)
        XCTAssertEqual(try Duration.milliseconds(2).microseconds(), 2000)
        XCTAssertEqual(try Duration.seconds(Int64.max).microseconds(), .max)
    }

    /// Parameters are values: what is set in a copy is set there only, and stays what it is in the other.
    func testCopiesOfParametersAreApart() throws {
        let db = try Database.inMemory([.dim: 1])
        let (filter, snapshot, task) = (try Filter(allow: [1]), try db.snapshot(), try VDBTask())
        let before = SearchParams(ef: 1)
        var after = before
        after.ef = 2
        after.targetRecall = 0.5
        after.rerank = 3
        after.flags = .exact
        after.deadline = .milliseconds(-1)
        after.filter = filter
        after.snapshot = snapshot
        after.maxMemory = 4
        after.task = task
        XCTAssertEqual([before.ef, before.rerank, before.maxMemory], [1, 0, 0])
        XCTAssertTrue(before.targetRecall == 0 && before.flags == [] && before.deadline == nil)
        XCTAssertTrue(before.filter == nil && before.snapshot == nil && before.task == nil)
        XCTAssertEqual([after.ef, after.rerank, after.maxMemory], [2, 3, 4])
        XCTAssertTrue(after.targetRecall == 0.5 && after.flags == .exact && after.deadline == .milliseconds(-1))
        XCTAssertTrue(after.filter === filter && after.snapshot === snapshot && after.task === task)
        XCTAssertThrowsError(try after.native(nil)) { XCTAssertEqual(($0 as? VDBError)?.code, .outOfRange) }
        after.deadline = nil
        XCTAssertEqual(try after.native(nil).ef, 2)
        XCTAssertEqual(try before.native(nil).ef, 1)
        after.ef = -1
        XCTAssertThrowsError(try after.native(nil)) { XCTAssertEqual(($0 as? VDBError)?.code, .outOfRange) }
    }

    /// What was told of vectors, and what was not.
    func testVectorsKnowWhatTheyWereTold() throws {
        XCTAssertNil(Vectors.f32([1, 2]).dim)
        XCTAssertEqual(Vectors.f32([1, 2], dim: 2).dim, 2)
        XCTAssertEqual(Vectors.f32([1, 2], dim: 0).dim, 0)
        let db = try Database.inMemory([.dim: 2])
        try db.insert(ids: [1, 2], [0, 0, 3, 4])
        // One vector as the database stores them, two that are told, and one in another type.
        XCTAssertEqual(try db.search([3, 4], k: 1).map { $0.map(\.id) }, [[2]])
        XCTAssertEqual(try db.search(.f32([3, 4, 0, 0], dim: 2), k: 1).map { $0.map(\.id) }, [[2], [1]])
        XCTAssertEqual(try db.search(.f32([3, 4, 9, 0, 0, 9], dim: 2).strided(12), k: 1).map { $0.map(\.id) }, [[2], [1]])
        XCTAssertEqual(try db.search(.i8([3, 4]), k: 1).map { $0.map(\.id) }, [[2]])
        XCTAssertThrowsError(try db.search(.f32([3, 4], dim: -1), k: 1)) { XCTAssertEqual(($0 as? VDBError)?.code, .outOfRange) }
        XCTAssertThrowsError(try db.search(.f32([3, 4]).strided(8), k: 1)) {
            XCTAssertEqual(($0 as? VDBError)?.code, .invalidArgument)
        }
        XCTAssertThrowsError(try db.search([1, 2, 3], k: 1)) { XCTAssertEqual(($0 as? VDBError)?.code, .dimension) }
    }
}
