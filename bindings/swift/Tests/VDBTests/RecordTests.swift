import Foundation
import VDB
import XCTest

final class RecordTests: XCTestCase {
    private struct Album: Codable, Equatable {
        var year: Int
        var genre: String
    }

    private func albums() throws -> Database {
        let db = try Database.inMemory([.dim: 1])
        let meta = try Texts(encoding: [Album(year: 1959, genre: "jazz"), Album(year: 1971, genre: "soul"), nil])
        try db.insert(Records([1, 2, 3], ids: [10, 20, 30], keys: ["kind of blue", "what's going on", ""], meta: meta))
        return db
    }

    func testKeysAndMetadataComeBack() throws {
        let db = try albums()
        XCTAssertEqual(Array(try db.keys(ofIDs: [20, 30, 99])), ["what's going on", "", ""])
        XCTAssertEqual(Array(try db.meta(ofIDs: [10])), [#"{"genre":"jazz","year":1959}"#])
        XCTAssertEqual(
            try db.meta(ofIDs: [30, 20]).decoded(as: Album.self), [nil, Album(year: 1971, genre: "soul")])
        XCTAssertEqual(try db.ids(ofKeys: ["kind of blue", "nothing"]), [10, nil])
        // Longer than the first buffer.
        let long = #"{"text":"\#(String(repeating: "ü", count: 5000))"}"#
        XCTAssertEqual(try db.updateMeta(ids: [10, 77], [long, "{}"]), 1)
        XCTAssertEqual(Array(try db.meta(ofIDs: [10, 20]))[0], long)
    }

    func testIdsAreGivenOnRequest() throws {
        let db = try albums()
        XCTAssertEqual(try db.insert(Records([4, 5], keys: ["a", "b"])), [31, 32])
        XCTAssertEqual(try db.insert(Records(.f32([6, 7], dim: 1))), [33, 34])
        XCTAssertEqual(try db.insert(Records([8])), [35])
        XCTAssertEqual(try db.upsert(Records([9, 10], ids: [Database.idNone, 1], keys: ["a", ""])), [31, 1])
        XCTAssertEqual(try db.get([31]).vectors, [9])
    }

    func testAnUpsertKeepsWhatItDoesNotBring() throws {
        let db = try albums()
        try db.upsert(Records([7], ids: [10]))
        XCTAssertEqual(try db.keys(ofIDs: [10])[0], "kind of blue")
        XCTAssertFalse(try db.meta(ofIDs: [10])[0].isEmpty)
        try db.upsert(Records([7], ids: [10], keys: [""], meta: [""]))
        XCTAssertEqual(try db.keys(ofIDs: [10])[0], "")
        XCTAssertEqual(try db.meta(ofIDs: [10])[0], "")
    }

    func testRecordsThatDoNotFitAreRefused() throws {
        let db = try albums()
        assertThrows(.invalidArgument) { try db.insert(Records(.f32([1, 2], dim: 1), keys: ["x"])) }
        assertThrows(.invalidArgument) { try db.insert(Records([1], ids: [1], meta: ["{}", "{}"])) }
        assertThrows(.invalidArgument) { try db.insert(Records(.f32([1, 2], dim: 1), ids: [1])) }
        assertThrows(.invalidArgument) { try db.updateMeta(ids: [10], []) }
        XCTAssertEqual(assertThrows(.invalidArgument) { try db.insert(Records([1, 2], ids: [1, 2], meta: ["", "[]"])) }?.item, 1)
        XCTAssertEqual(assertThrows(.alreadyExists) { try db.insert(Records([1, 2], keys: ["", "kind of blue"])) }?.item, 1)
        assertThrows(.limit) { try db.insert(Records([1], keys: [String(repeating: "k", count: Database.keyMax + 1)])) }
        XCTAssertEqual(try db.count(), 3)
    }

    func testConditions() throws {
        let db = try albums()
        let soul = try Filter("year >= 1960 and genre = 'soul'")
        XCTAssertEqual(try db.count(soul), 1)
        XCTAssertEqual(try db.search([0], k: 3, params: SearchParams(filter: soul))[0].map(\.id), [20])
        let open = try Filter("year >= $1 and genre in $2")
        assertThrows(.invalidArgument) { try db.count(open) }
        XCTAssertEqual(try db.count(open.bind(1900, ["jazz", "funk"])), 1)
        XCTAssertEqual(try db.count(open.bind(1900.5, ["soul", "jazz"])), 2)
        assertThrows(.invalidArgument) { try open.bind(1900) }
        assertThrows(.invalidArgument) { try open.bind(Double.nan, ["soul"]) }
        XCTAssertEqual(assertThrows(.filterSyntax) { try Filter("year >>= 3") }?.item, 6)
        assertThrows(.filterSyntax) { try Filter("") }

        XCTAssertEqual(try db.updateMeta(where: soul, #"{"year":1972,"genre":"soul"}"#), 1)
        XCTAssertEqual(try db.count(Filter("year = 1972")), 1)
        XCTAssertEqual(try db.updateMeta(where: Filter("year = 1972"), ""), 1)
        XCTAssertEqual(try db.delete(where: Filter("genre = 'jazz'")), 1)
        XCTAssertEqual(try db.delete(keys: ["what's going on", "nothing"]), 1)
        XCTAssertEqual(try db.count(), 1)
    }

    func testDatesAreMillisecondsSince1970() throws {
        struct Event: Codable, Equatable {
            var at: Date
        }
        let db = try Database.inMemory([.dim: 1, .columns: "at timestamp"])
        let at = Date(timeIntervalSince1970: 1_700_000_000.123_4)
        try db.insert(Records([1], ids: [1], meta: Texts(encoding: [Event(at: at)])))
        let meta = try db.meta(ofIDs: [1])
        XCTAssertEqual(meta, [#"{"at":1700000000123}"#])
        XCTAssertEqual(try meta.decoded(as: Event.self), [Event(at: Date(timeIntervalSince1970: 1_700_000_000.123))])
        let since = try Filter("at >= $1")
        XCTAssertEqual(try db.count(since.bind(at)), 1)
        XCTAssertEqual(try db.count(since.bind(at + 1)), 0)
        assertThrows(.invalidArgument) { try since.bind(Date(timeIntervalSince1970: 1e300)) }
        XCTAssertThrowsError(try Texts(encoding: [Event(at: Date(timeIntervalSince1970: .infinity))]))
    }

    func testGroups() throws {
        let db = try Database.inMemory([.dim: 1])
        let kinds = ["a", "a", "b", "c", "b", "a"]
        try db.insert(
            Records(.f32([0, 1, 2, 3, 4, 5], dim: 1), ids: [0, 1, 2, 3, 4, 5], meta: Texts(kinds.map { #"{"kind":"\#($0)"}"# })))
        let groups = try db.searchGroups([0], by: "kind", groups: 9, perGroup: 2)
        XCTAssertEqual(groups.map { $0.map(\.id) }, [[0, 1], [2, 4], [3]])
        XCTAssertEqual(groups.ids.count, 6)
        assertThrows(.filterSyntax) { try db.searchGroups([0], by: "", groups: 1, perGroup: 1) }
    }

    func testTexts() throws {
        XCTAssertEqual(Texts(["a", "", "ü"]), ["a", "", "ü"])
        XCTAssertEqual(Texts(["a", "", "ü"]).offsets, [0, 1, 1, 3])
        XCTAssertEqual(Texts([]).count, 0)
        XCTAssertEqual(Texts(["xy", "z"]).utf8(1), [UInt8(ascii: "z")])
        XCTAssertThrowsError(try Texts(["{"]).decoded(as: Album.self))
    }
}
