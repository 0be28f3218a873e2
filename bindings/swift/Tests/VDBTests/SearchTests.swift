import VDB
import XCTest

final class SearchTests: XCTestCase {
    /// A row at each whole number.
    private func line(_ count: Int, _ options: Options = [:]) throws -> Database {
        let db = try Database.inMemory(options.merging([.dim: 1]) { $1 })
        try db.insert(ids: (0..<UInt64(count)).map { $0 }, (0..<count).map(Float.init))
        return db
    }

    func testVectorsOfEveryTypeMeanTheSame() throws {
        let floats: [Float] = [1, -2, 3, 0.5, 4, -8]
        let f16: [UInt16] = [0x3c00, 0xc000, 0x4200, 0x3800, 0x4400, 0xc800]
        for (vectors, scalar) in [
            (Vectors.f32(floats, dim: 3), Scalar.f32), (.f16(bits: f16, dim: 3), .f16),
            (.bf16(bits: floats.map { UInt16($0.bitPattern >> 16) }, dim: 3), .bf16), (.f32(floats), .f32),
        ] {
            let db = try Database.inMemory([.dim: 3, .scalar: scalar])
            try db.insert(ids: [1, 2], vectors)
            XCTAssertEqual(try db.get([1, 2]).vectors, floats, "\(scalar)")
            XCTAssertEqual(try db.search(vectors.dim == nil ? .f32(floats, dim: 3) : vectors, k: 1).ids, [1, 2], "\(scalar)")
        }
        let signed = try Database.inMemory([.dim: 2, .scalar: Scalar.i8])
        try signed.insert(ids: [1], .i8([-3, 4]))
        XCTAssertEqual(try signed.get([1]).vectors, [-3, 4])
        let bytes = try Database.inMemory([.dim: 2, .scalar: Scalar.u8])
        try bytes.insert(ids: [1], .u8([200, 4]))
        XCTAssertEqual(try bytes.get([1]).vectors, [200, 4])
        let bits = try Database.inMemory([.dim: 10, .scalar: Scalar.b1, .metric: Metric.hamming])
        try bits.insert(ids: [1, 2], .bits([0xff, 3, 0, 1]))
        XCTAssertEqual(try bits.search(.bits([0, 1]), k: 2)[0].map(\.distance), [0, 9])
        var into: [UInt8] = [0, 0]
        XCTAssertEqual(try into.withUnsafeMutableBytes { try bits.get([1], as: .b1, into: $0) }, [true])
        XCTAssertEqual(into, [0xff, 3])
    }

    func testMemoryOfTheCallerAndStrides() throws {
        let db = try Database.inMemory([.dim: 2])
        let table: [Float] = [9, 1, 2, 9, 3, 4, 9]
        try table.withUnsafeBufferPointer { all in
            let inner = UnsafeBufferPointer(rebasing: all[1...])
            try db.insert(ids: [1, 2], .f32(inner, dim: 2).strided(12))
            XCTAssertEqual(try db.get([1, 2]).vectors, [1, 2, 3, 4])
            let query = UnsafeBufferPointer(rebasing: all[4..<6])
            XCTAssertEqual(try db.search(.f32(query), k: 1).ids, [2])
            let raw = UnsafeRawBufferPointer(query)
            XCTAssertEqual(try db.search(.memory(raw, .f32), k: 1).ids, [2])
        }
        assertThrows(.invalidArgument) { try db.insert(ids: [3], .f32([1, 2], dim: 2).strided(4)) }
        assertThrows(.invalidArgument) { try db.insert(ids: [3], .f32([1, 2]).strided(8)) }
    }

    func testShapesThatDoNotFitAreRefused() throws {
        let db = try Database.inMemory([.dim: 2])
        assertThrows(.dimension) { try db.insert(ids: [1, 2], [1, 2, 3]) }
        assertThrows(.dimension) { try db.insert(ids: [1, 2], [1, 2, 3, 4, 5, 6]) }
        assertThrows(.dimension) { try db.insert(ids: [1], .f32([1, 2, 3], dim: 2)) }
        assertThrows(.invalidArgument) { try db.insert(ids: [1], .f32([1, 2, 3, 4], dim: 2)) }
        assertThrows(.dimension) { try db.insert(ids: [], [1]) }
        assertThrows(.outOfRange) { try db.search(.f32([], dim: -2), k: 1) }
        assertThrows(.invalidArgument) { try db.searchRange(.f32([1, 2, 3, 4], dim: 2), maxDistance: 1, limit: 1) }
        assertThrows(.limit) { try db.search([1, 2], k: -1) }
        assertThrows(.limit) { try db.search([1, 2], k: Database.maxK + 1) }
        assertThrows(.limit) { try db.searchGroups([1, 2], by: "a", groups: -1, perGroup: 1) }
        assertThrows(.outOfRange) { try db.searchDiverse([1, 2], k: 1, candidates: -1, lambda: 0.5) }
        assertThrows(.outOfRange) { try db.measureRecall(ofRows: -1, k: 1) }
        assertThrows(.outOfRange) { try db.search([1, 2], k: 1, params: SearchParams(ef: -1)) }
        assertThrows(.outOfRange) { try db.search([1, 2], k: 1, params: SearchParams(deadline: .seconds(-1))) }
        assertThrows(.outOfRange) { try db.search([1, 2], k: 1, params: SearchParams(maxMemory: -1)) }
        var small = [UInt8](repeating: 0, count: 7)
        assertThrows(.invalidArgument) { try small.withUnsafeMutableBytes { try db.get([1], as: .f32, into: $0) } }
        XCTAssertEqual(try db.count(), 0)
        try db.insert(ids: [], [])
        XCTAssertEqual(try db.search(.f32([], dim: 2), k: 3).count, 0)
    }

    func testWhatIsOfOneQueryOrRowIsCountedFromZero() throws {
        let db = try line(9)
        let hits = try db.search(.f32([0, 8], dim: 1), k: 2)
        XCTAssertEqual([hits[1].ids[0], hits[1].ids[1]], [8, 7])
        XCTAssertEqual(hits[1].distances[1], 1)
        XCTAssertEqual(hits, try db.search(.f32([0, 8], dim: 1), k: 2))
        XCTAssertNotEqual(hits, try db.search(.f32([0, 7], dim: 1), k: 2))
        let rows = try db.get([3, 99, 4])
        XCTAssertEqual(rows[2]?[0], 4)
        XCTAssertEqual(rows.map { $0 }, [[3], nil, [4]])
        XCTAssertEqual(try db.search(XCTUnwrap(rows[2]), k: 1).ids, [4])
        XCTAssertEqual(Texts(["ab", "cd"]).utf8(1)[0], UInt8(ascii: "c"))
    }

    func testResultsWithoutMemoryAreRefused() throws {
        let db = try line(3)
        let many = Vectors.f32([Float](repeating: 0, count: 1 << 20), dim: 1)
        let error = assertThrows(.noMemory) { try db.search(many, k: Database.maxK) }
        XCTAssertEqual(error?.message.contains("281474976710656 bytes"), true)
        assertThrows(.noMemory) { try db.search(ids: [UInt64](repeating: 1, count: 1 << 20), k: Database.maxK) }
        assertThrows(.noMemory) { try Database.searchMany([db], many, k: Database.maxK) }
        assertThrows(.noMemory) { try db.searchGroups([0], by: "a", groups: Database.maxK, perGroup: Database.maxK) }
        var hits = try db.search([1], k: 1)
        assertThrows(.noMemory) { try db.search(many, k: Database.maxK, into: &hits) }
        try db.search([2], k: 1, into: &hits)
        XCTAssertEqual(hits.ids, [2])
    }

    func testHitsAreUsedAgain() throws {
        let db = try line(10)
        var hits = try db.search([4], k: 3)
        let place = hits.ids.withUnsafeBufferPointer { $0.baseAddress }
        for query in 0..<10 {
            try db.search([Float(query)], k: 3, into: &hits)
            XCTAssertEqual(hits[0].first, Hit(id: UInt64(query), distance: 0))
        }
        XCTAssertEqual(hits.ids.withUnsafeBufferPointer { $0.baseAddress }, place)
        // What somebody else still has is not written over.
        let kept = hits
        try db.search([0], k: 3, into: &hits)
        XCTAssertEqual(kept[0].first?.id, 9)
        // Nor is anything left of a search of many databases.
        hits = try Database.searchMany([db, line(3)], [0], k: 3)
        try db.search(.f32([1, 2], dim: 1), k: 4, into: &hits)
        XCTAssertTrue(hits.sources.isEmpty && hits[1].sources.isEmpty && hits[1].first?.id == 2)
    }

    func testOfASearchThatFailedNothingIsLeft() throws {
        let db = try line(10)
        let (params, wrong) = (SearchParams(ef: 20), SearchParams(ef: -1))
        for (code, search) in [
            (.dimension, { try db.search([1, 2], k: 3, into: &$0) }),
            (.dimension, { try db.search(.f32([1, 2, 3], dim: 2), k: 3, into: &$0) }),
            (.limit, { try db.search([1], k: -1, into: &$0) }),
            (.limit, { try db.search([1], k: -1, params: params, into: &$0) }),
            (.outOfRange, { try db.search([1], k: 3, params: wrong, into: &$0) }),
        ] as [(Status, (inout Hits) throws -> Void)] {
            var hits = try db.search([4], k: 3)
            assertThrows(code) { try search(&hits) }
            XCTAssertEqual(hits, Hits())
        }
    }

    func testAFilterASnapshotAndFlagsAreLookedAt() throws {
        let db = try line(20, [.cacheBytes: 1 << 20])
        let snapshot = try db.snapshot()
        try db.delete([0, 1, 2])
        let even = try Filter(deny: (0..<10).map { $0 * 2 + 1 })
        let params = SearchParams(filter: even, snapshot: snapshot)
        XCTAssertEqual(try db.search([0], k: 3, params: params).ids, [0, 2, 4])
        XCTAssertEqual(try db.search([0], k: 3, params: SearchParams(flags: .exact)).ids, [3, 4, 5])
        for _ in 0..<3 { _ = try db.search([5], k: 1, params: SearchParams(flags: .noCache)) }
        XCTAssertEqual(try db.stats().cacheHits, 0)
        assertThrows(.mismatch) { try self.line(3).search([0], k: 1, params: SearchParams(snapshot: snapshot)) }
        assertThrows(.invalidArgument) { try db.search([0], k: 1, params: SearchParams(ef: 9, targetRecall: 0.9)) }
    }

    func testADeadlineEndsASearchWithWhatItHas() throws {
        let db = try Database.inMemory([.dim: 64, .graphMinRows: 1 << 30, .threads: 1])
        var numbers = Numbers(seed: 1)
        try db.insert(ids: Array(0..<20_000), numbers.floats(20_000 * 64))
        let queries = Vectors.f32(numbers.floats(1000 * 64), dim: 64)
        let hits = try db.search(queries, k: 10, params: SearchParams(deadline: .nanoseconds(1)))
        XCTAssertTrue(hits.isPartial)
        XCTAssertEqual(hits.count, 1000)
        XCTAssertTrue(hits[999].isEmpty, "all of 1000 scans were done")
        XCTAssertEqual(hits.ids.last, Database.idNone)
    }

    func testOtherWaysToAsk() throws {
        let db = try line(20)
        let near = try db.searchRange([7], maxDistance: 4, limit: 3)
        XCTAssertEqual(near[0].map(\.id), [7, 6, 8])
        XCTAssertTrue(near.hasMore)
        XCTAssertFalse(try db.searchRange([7], maxDistance: 4, limit: 9).hasMore)
        XCTAssertEqual(try db.search(ids: [0, 9], k: 2).map { $0.map(\.id) }, [[1, 2], [8, 10]])
        XCTAssertEqual(try db.recommend(positive: [3, 5], k: 1)[0].map(\.id), [4])
        XCTAssertEqual(try db.searchDiverse([0], k: 2, candidates: 20, lambda: 1)[0].map(\.id), [0, 1])
        let other = try line(3)
        let many = try Database.searchMany([db, other], [0], k: 3)
        XCTAssertEqual(many[0].map(\.id), [0, 0, 1])
        XCTAssertEqual(many[0].sources, [0, 1, 0])
        XCTAssertEqual(try Database.searchMany([], .f32([0, 1], dim: 1), k: 3).map(\.count), [0, 0])
        let recall = try db.measureRecall([3.2], k: 5)
        XCTAssertTrue(recall.low < 1 && recall.value == 1 && recall.high == 1, "\(recall)")
        XCTAssertEqual(try db.measureRecall(ofRows: 5, k: 3).value, 1)
    }

    func testArraysOfFloatsAreTakenAsTheyAre() throws {
        let db = try line(20)
        let query: [Float] = [7]
        var hits = Hits()
        try db.search(query, k: 1, into: &hits)
        XCTAssertEqual(hits.ids, [7])
        try db.search(query, k: 2, params: SearchParams(filter: Filter(deny: [7, 8])), into: &hits)
        XCTAssertEqual(hits.ids, [6, 5])
        XCTAssertEqual(try db.searchRange(query, maxDistance: 0, limit: 3)[0].ids, [7])
        XCTAssertEqual(try db.searchDiverse(query, k: 1, lambda: 1)[0].ids, [7])
        XCTAssertEqual(try db.searchGroups(query, by: "a", groups: 1, perGroup: 1).count, 0)
        XCTAssertEqual(try Database.searchMany([db], query, k: 1).ids, [7])
        XCTAssertEqual(try db.cursor(query).next(1)?.ids, [7])
        XCTAssertEqual(try db.explain(query, k: 1).found, 1)
        XCTAssertEqual(try db.insert(Records(query + query, keys: ["a", "b"])), [20, 21])
    }

    func testACursorGoesThroughAllRows() async throws {
        let db = try line(1000)
        var ids: [UInt64] = []
        for try await hit in try db.cursor([999]) {
            XCTAssertEqual(hit.distance, (999 - Float(hit.id)) * (999 - Float(hit.id)))
            ids.append(hit.id)
        }
        XCTAssertEqual(ids, (0..<1000).reversed())
        let cursor = try db.scan(try Filter(allow: [3, 30, 300]))
        try db.close()
        var pages: [[UInt64]] = []
        while let page = try cursor.next(2) { pages.append(Array(page[0].ids)) }
        XCTAssertEqual(pages.flatMap { $0 }, [3, 30, 300])
    }

    func testALoopThatEndsLosesNoRows() async throws {
        let cursor = try line(600).cursor([0])
        var ids: [UInt64] = []
        for try await hit in cursor {
            ids.append(hit.id)
            if ids.count == 10 { break }
        }
        ids += try XCTUnwrap(cursor.next(7))[0].ids
        while ids.count < 300, let page = try cursor.next(100) { ids += page[0].ids }
        for try await hit in cursor {
            ids.append(hit.id)
            break
        }
        ids += try XCTUnwrap(cursor.next(.max))[0].ids
        for try await hit in cursor { ids.append(hit.id) }
        XCTAssertEqual(ids, Array(0..<600))
    }

    func testACursorDoesNotCancelTheTaskOfTheCaller() async throws {
        let db = try line(100_000)
        let params = SearchParams(task: try VDBTask())
        // Again and again, so that it is not through before.
        let reader = Task { while true { for try await _ in try db.cursor([0], params: params) {} } }
        try await Task.sleep(for: .milliseconds(5))
        reader.cancel()
        let result = await reader.result
        XCTAssertThrowsError(try result.get()) { XCTAssertEqual(($0 as? VDBError)?.code, .cancelled) }
        let hits = try db.search([0], k: 2, params: params)
        XCTAssertTrue(!hits.isPartial && hits.ids == [0, 1])
    }

    func testACursorWhoseTaskOfTheCallerIsCancelledEnds() async throws {
        let task = try VDBTask()
        let cursor = try line(1000).cursor([0], params: SearchParams(deadline: .seconds(60), task: task))
        XCTAssertEqual(try cursor.next(5)?.count, 1)
        task.cancel()
        // Not pages without rows for ever.
        assertThrows(.cancelled) { try cursor.next(5) }
        do {
            for try await hit in cursor { XCTFail("\(hit)") }
            XCTFail("nothing was thrown")
        } catch {
            XCTAssertEqual(error.code, .cancelled)
        }
    }

    func testACancelledTaskEndsACursor() async throws {
        let db = try line(1000)
        let reader = Task { () throws -> Int in
            var seen = 0
            for try await _ in try db.cursor([0]) {
                seen += 1
                withUnsafeCurrentTask { $0?.cancel() }
            }
            return seen
        }
        do {
            let seen = try await reader.value
            XCTFail("\(seen) rows were read")
        } catch let error as VDBError {
            XCTAssertEqual(error.code, .cancelled)
        }
    }
}
