import Foundation
import VDB
import XCTest

final class KeepTests: XCTestCase {
    func testASnapshotStaysWhatItIs() throws {
        let db = try Database.inMemory([.dim: 1])
        try db.insert(Records([1, 2], ids: [1, 2], keys: ["a", "b"], meta: [#"{"x":1}"#, ""]))
        let then = try db.snapshot()
        try db.delete([1])
        try db.upsert(ids: [2, 3], [20, 30])

        XCTAssertEqual(try db.count(at: then), 2)
        let rows = try db.get([1, 2, 3], at: then)
        XCTAssertEqual([rows[0], rows[1], rows[2]], [[1], [2], nil])
        XCTAssertEqual(rows.count, 3)
        XCTAssertEqual(Array(try db.keys(ofIDs: [1, 2], at: then)), ["a", "b"])
        XCTAssertEqual(Array(try db.meta(ofIDs: [1, 2], at: then)), [#"{"x":1}"#, ""])
        XCTAssertEqual(try db.ids(ofKeys: ["b", "a"], at: then), [2, 1])
        XCTAssertEqual(try db.get([2]).vectors, [20])
        XCTAssertEqual(try db.stats().snapshots, 1)
        XCTAssertEqual(try db.scan(at: then).next().map { Array($0[0].ids) }, [1, 2])
        assertThrows(.mismatch) { try Database.inMemory([.dim: 1]).count(at: then) }
    }

    func testForgottenHandlesAreFreed() throws {
        let db = try Database.inMemory([.dim: 1])
        for _ in 0..<100 { _ = try db.snapshot() }
        XCTAssertEqual(try db.stats().snapshots, 0)
    }

    func testBackupsExportsAndImports() throws {
        try withFolder { folder in
            func path(_ name: String) -> String { folder.appendingPathComponent(name).path }
            let db = try Database(path: path("db"), options: [.dim: 2])
            try db.insert(Records(.f32([1, 2, 3, 4], dim: 2), ids: [1, 2], keys: ["a", "b"], meta: ["{}", #"{"n":2}"#]))
            try db.backup(to: path("first"))
            try db.upsert(ids: [3], [5, 6])
            try db.backup(to: path("second"), previous: path("first"))
            assertThrows(.alreadyExists) { try db.backup(to: path("first")) }
            XCTAssertEqual(try Database(path: path("first")).count(), 2)
            XCTAssertEqual(try Database(path: path("second")).count(), 3)

            try db.export(to: path("few.jsonl"), filter: Filter("n = 2"))
            XCTAssertEqual(
                try String(contentsOfFile: path("few.jsonl"), encoding: .utf8),
                #"{"id":2,"key":"b","vector":[3.0,4.0],"meta":{"n":2}}"# + "\n")
            try db.export(to: path("rows"), format: "npy")
            let other = try Database.inMemory([.dim: 2])
            try other.importFile(path("rows"), format: "npy")
            XCTAssertEqual(try other.get([1, 2, 3]).vectors, [1, 2, 3, 4, 5, 6])
            assertThrows(.unsupported) { try db.export(to: path("x"), format: "csv") }
        }
    }

    func testAReaderFollowsTheWriter() throws {
        try withFolder { folder in
            let path = folder.appendingPathComponent("db").path
            let writer = try Database(path: path, options: [.dim: 1])
            let reader = try Database(path: path, options: [.readOnly: true])
            try writer.insert(ids: [1], [1])
            try writer.sync()
            XCTAssertEqual(try reader.count(), 0)
            try reader.refresh()
            XCTAssertEqual(try reader.count(), 1)
            assertThrows(.readOnly) { try reader.insert(ids: [2], [2]) }
        }
    }

    func testDamageIsToldAndRepaired() throws {
        try withFolder { folder in
            let path = folder.appendingPathComponent("db").path
            let db = try Database(path: path, options: [.dim: 16])
            var numbers = Numbers(seed: 3)
            try db.insert(ids: Array(0..<3000), numbers.floats(3000 * 16))
            try db.waitIndexed()
            try db.checkpoint()
            let sound = try db.check(.recall)
            XCTAssertTrue(sound.sound && sound.completed == "recall" && sound.rows == 3000)
            XCTAssertGreaterThan(try XCTUnwrap(sound.recallAt10), 0.9)
            try db.close()

            let files = try FileManager.default.subpathsOfDirectory(atPath: path)
            let sizes = try files.map { (try Data(contentsOf: folder.appendingPathComponent("db/\($0)")).count, $0) }
            let largest = try XCTUnwrap(sizes.max { $0.0 < $1.0 }).1
            let file = folder.appendingPathComponent("db/\(largest)")
            var bytes = try Data(contentsOf: file)
            bytes[bytes.count / 2] ^= 0xff
            try bytes.write(to: file)

            let damaged = try Database(path: path)
            let error = try XCTUnwrap(assertThrows(.corrupt) { try damaged.check() })
            let report = try XCTUnwrap(error.report)
            XCTAssertFalse(report.sound)
            XCTAssertEqual(report.problems.first?.file, (largest as NSString).lastPathComponent)
            try? damaged.close()

            let saved = try Database.repair(from: path, to: folder.appendingPathComponent("new").path)
            XCTAssertEqual(saved.filesDamaged, 1)
            XCTAssertEqual(try Database(path: folder.appendingPathComponent("new").path).count(), saved.rows)
            assertThrows(.notFound) { try Database.repair(from: path + "x", to: path + "y") }
        }
    }
}

final class InsideTests: XCTestCase {
    func testStatsAndLatencies() throws {
        let db = try Database.inMemory([.dim: 2])
        try db.insert(ids: [1, 2], [1, 2, 3, 4])
        for _ in 0..<5 { _ = try db.search([1, 2], k: 1) }
        let stats = try db.stats()
        XCTAssertEqual([stats.dim, stats.live, stats.searches, stats.lsn], [2, 2, 5, 1])
        XCTAssertEqual(stats.originals, .keep)
        let latency = try db.latency(of: .search)
        XCTAssertEqual(latency.call, .search)
        XCTAssertEqual(latency.count, 5)
        XCTAssertTrue(0 < latency.p50Ns && latency.p50Ns <= latency.p99Ns && latency.p99Ns <= latency.sumNs * 2)
    }

    func testAnExplanation() throws {
        let db = try Database.inMemory([.dim: 2])
        try db.insert(ids: [1, 2], [1, 2, 3, 4])
        let told = try db.explain([1, 2], k: 1)
        XCTAssertEqual(told.plan, "scan")
        XCTAssertTrue(told.complete && told.found == 1 && !told.why.isEmpty)
        XCTAssertEqual(try JSON.read(told.json)["rows"]?["live"]?.number, 2)
        assertThrows(.dimension) { try db.explain([1], k: 1) }
        assertThrows(.outOfRange) { try db.explain([1, 2], k: -1) }
    }

    func testColumnsAreDeclaredAndToldOf() throws {
        let db = try Database.inMemory([.dim: 1, .columns: "n i64"])
        XCTAssertEqual(try db.text(of: .columns), "n i64")
        try db.insert(Records([1, 2], ids: [1, 2], meta: [#"{"n":3}"#, #"{"n":4}"#]))
        assertThrows(.invalidArgument) { try db.insert(Records([3], ids: [3], meta: [#"{"n":"x"}"#])) }
        XCTAssertEqual(try db.count(Filter("n = 3")), 1)
        let columns = try JSON.read(try db.columns())
        XCTAssertEqual(columns["columns"]?.list?.first?["name"]?.text, "n")
        XCTAssertEqual(columns["columns"]?.list?.first?["declared"], .bool(true))
    }

    func testTheLogIsReadOnceAndTheCacheCleared() throws {
        try withFolder { folder in
            let db = try Database(path: folder.appendingPathComponent("db").path, options: [.dim: 1, .cacheBytes: 1 << 20])
            try db.insert(ids: [1], [1])
            try db.checkpoint()
            let lines = try db.readLog()
            XCTAssertTrue(
                lines.contains { $0.contains(" info create ") } && lines.contains { $0.contains(" info checkpoint ") }, "\(lines)")
            XCTAssertEqual(try db.readLog(), [])
            for _ in 0..<2 { _ = try db.search([1], k: 1) }
            XCTAssertEqual(try db.stats().cacheHits, 1)
            try db.clearCache()
            _ = try db.search([1], k: 1)
            XCTAssertEqual(try db.stats().cacheHits, 1)
        }
    }
}
