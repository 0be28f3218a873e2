import Foundation
import VDB
import XCTest

final class DatabaseTests: XCTestCase {
    func testRowsAreFoundAgainAfterOpeningAgain() throws {
        try withFolder { folder in
            let path = folder.appendingPathComponent("db").path
            let db = try Database(path: path, options: [.dim: 3, .metric: Metric.l1])
            XCTAssertEqual([db.dim, Int(db.metric.rawValue), Int(db.scalar.rawValue)], [3, 4, 1])
            try db.insert(ids: [1, 2], [1, 2, 3, 4, 5, 6])
            try db.close()

            let again = try Database(path: path)
            let hits = try again.search([1, 2, 4], k: 5)
            XCTAssertEqual(hits.count, 1)
            XCTAssertEqual(Array(hits[0]), [Hit(id: 1, distance: 1), Hit(id: 2, distance: 8)])
            let rows = try again.get([2, 7])
            XCTAssertEqual(rows[0], [4, 5, 6])
            XCTAssertNil(rows[1])
            XCTAssertEqual(try again.delete([1, 9]), 1)
            XCTAssertEqual(try again.count(), 1)
            try again.close()
        }
    }

    func testEverythingOfAClosedDatabaseThrows() throws {
        let db = try Database.inMemory([.dim: 1])
        let cursor = try db.scan()
        let filter = try Filter(allow: [1])
        let snapshot = try db.snapshot()
        try db.close()
        assertThrows(.closed) { try db.close() }
        assertThrows(.closed) { try db.insert(ids: [1], [1]) }
        assertThrows(.closed) { try db.search([1], k: 1) }
        assertThrows(.closed) { try db.get([1]) }
        assertThrows(.closed) { try db.count() }
        assertThrows(.closed) { try db.snapshot() }
        assertThrows(.closed) { try db.stats() }
        assertThrows(.closed) { try db.checkpoint() }
        assertThrows(.closed) { try db.value(of: .dim) }
        assertThrows(.closed) { try Database.searchMany([db], [1], k: 1) }
        XCTAssertNil(try cursor.next(), "a cursor outlives its database")
        cursor.close()
        cursor.close()
        assertThrows(.closed) { try cursor.next() }

        let other = try Database.inMemory([.dim: 1])
        filter.close()
        assertThrows(.closed) { try other.search([1], k: 1, params: SearchParams(filter: filter)) }
        snapshot.close()
        assertThrows(.closed) { try other.count(at: snapshot) }
    }

    func testAForgottenDatabaseIsClosed() throws {
        try withFolder { folder in
            let path = folder.appendingPathComponent("db").path
            do {
                let db = try Database(path: path, options: [.dim: 1])
                try db.insert(ids: [1], [1])
                assertThrows(.locked) { try Database(path: path) }
            }
            XCTAssertEqual(try Database(path: path).count(), 1)
        }
    }

    func testErrorsHaveTheirFacts() throws {
        let db = try Database.inMemory([.dim: 2])
        try db.insert(ids: [7], [1, 2])
        let taken = assertThrows(.alreadyExists) { try db.insert(ids: [8, 7], [1, 2, 3, 4]) }
        XCTAssertEqual(taken?.item, 1)
        XCTAssertEqual(taken?.osError, 0)
        XCTAssertEqual(taken.map { "\($0)" }, taken.map { "\($0.message) (VDB_ERR_ALREADY_EXISTS)" })
        XCTAssertEqual(taken?.localizedDescription, taken?.message)
        XCTAssertEqual(try db.count(), 1, "a batch that failed has changed nothing")
        XCTAssertNil(assertThrows(.dimension) { try db.search([1, 2, 3], k: 1) }?.item)
        assertThrows(.notFinite) { try db.insert(ids: [9], [.nan, 0]) }
        XCTAssertEqual(assertThrows(.notFound) { try db.search(ids: [7, 70], k: 1) }?.item, 1)
        XCTAssertNotEqual(
            assertThrows(.io) { try Database(path: "/dev/null/x/y", options: [.dim: 1]) }?.osError, 0)
    }

    func testStatusesOfANewerLibraryStayNumbers() {
        XCTAssertEqual(Status.notFound.description, "VDB_ERR_NOT_FOUND")
        XCTAssertEqual(Status(rawValue: -12345).description, "unknown status")
    }

    func testOptionsOfAllKinds() throws {
        let db = try Database.inMemory([
            .dim: 4, .metric: "cosine", .m: UInt64(8), .consolidateRatio: 0.5, .targetRecall: 0, .mmap: false, .durability: Durability.none,
        ])
        XCTAssertEqual(db.metric, .cosine)
        XCTAssertEqual(try db.value(of: .m), 8)
        XCTAssertEqual(try db.fraction(of: .consolidateRatio), 0.5)
        XCTAssertEqual(try db.value(of: .mmap), 0)
        XCTAssertEqual(try db.value(of: .durability), 1)
        assertThrows(.outOfRange) { try Database.inMemory([.dim: -1]) }
        assertThrows(.outOfRange) { try Database.inMemory([.dim: 4, .m: 1]) }
        assertThrows(.invalidArgument) { try Database.inMemory([.dim: 4.5]) }
        assertThrows(.invalidArgument) { try Database.inMemory([.dim: 4, .metric: "near"]) }
        let wrong = assertThrows(.invalidArgument) { try Database.inMemory([.dim: 4, .metric: Scalar.f16]) }
        XCTAssertEqual(wrong?.message, "schema.metric is set to a value of schema.scalar")
        assertThrows(.unknownOption) { try Database.inMemory([Option(rawValue: 99): 1]) }
        let unknown = assertThrows(.unknownOption) { try Options(named: ["schema.dimm": "4"]) }
        XCTAssertEqual(unknown?.message.contains("schema.dim"), true)
        let named = try Options(named: ["schema.dim": "4", "storage.mmap": "off"])
        XCTAssertEqual(try Database.inMemory(named).value(of: .mmap), 0)
    }

    func testTheTableOfOptions() throws {
        XCTAssertGreaterThan(Option.allCases.count, 30)
        let info = try Option.metric.info()
        XCTAssertEqual(info.name, "schema.metric")
        XCTAssertEqual(info.type, .enum)
        XCTAssertTrue(info.flags.contains(.schema))
        XCTAssertTrue(info.values.contains("cosine=3"))
        XCTAssertFalse(info.help.isEmpty)
        XCTAssertEqual("\(Option.m)", "hnsw.m")
        XCTAssertEqual(try Option.m.info().range, 2...256)
        XCTAssertEqual(try Option(named: "hnsw.m"), .m)
    }

    func testTextsThatCWouldCutAreRefused() throws {
        assertThrows(.invalidArgument) { try Database(path: "a\0b", options: [.dim: 1]) }
        assertThrows(.invalidArgument) { try Database.inMemory([.dim: 1, .metric: "l1\0"]) }
        let db = try Database.inMemory([.dim: 1])
        assertThrows(.invalidArgument) { try db.backup(to: "a\0b") }
        assertThrows(.invalidArgument) { try db.export(to: "a", format: "npy\0") }
    }

    func testTheLibraryTellsWhatItIs() throws {
        XCTAssertEqual(Database.libraryVersion.split(separator: ".").count, 3)
        XCTAssertEqual(
            Database.libraryVersionNumber, Database.versionMajor << 16 | Database.versionMinor << 8 | Database.versionPatch)
        let info = try JSON.read(try Database.buildInfo())
        XCTAssertEqual(info["version"]?.text, Database.libraryVersion)
        XCTAssertEqual(info["abi"]?.number, Double(Database.abiVersion))
    }

    /// Handles, buffers of results, filters and cursors: whatever is not given back shows after 10,000 times.
    func testMemoryIsGivenBack() throws {
        func cycle() throws {
            let db = try Database.inMemory([.dim: 4])
            try db.upsert(Records([1, 2, 3, 4], keys: ["a"], meta: [#"{"n":1}"#]))
            let filter = try Filter("n = 1")
            let snapshot = try db.snapshot()
            let hits = try db.search([1, 2, 3, 4], k: 2, params: SearchParams(filter: filter, snapshot: snapshot, task: VDBTask()))
            XCTAssertEqual(hits[0].first?.id, try db.cursor([1, 2, 3, 4]).next()?[0].first?.id)
            XCTAssertThrowsError(try db.insert(ids: [1], [1, 2, 3, 4]))
            // Every other one is forgotten.
            if hits.ids[0] % 2 == 0 { try db.close() }
        }
        for _ in 0..<2000 { try cycle() }
        let before = try residentBytes()
        for _ in 0..<10_000 { try cycle() }
        let grown = try residentBytes() - before
        XCTAssertLessThan(grown, 4 << 20, "\(grown) bytes more after 10,000 databases")
    }
}
