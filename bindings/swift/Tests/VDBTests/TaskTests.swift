import Foundation
import Synchronization
import VDB
import XCTest

final class TaskTests: XCTestCase {
    private func filled(_ rows: Int, dim: Int, _ options: Options = [:]) throws -> Database {
        let db = try Database.inMemory(options.merging([.dim: dim]) { $1 })
        var numbers = Numbers(seed: 7)
        try db.insert(ids: (0..<UInt64(rows)).map { $0 }, numbers.floats(rows * dim))
        return db
    }

    func testATaskThatWasCancelledChangesNothing() throws {
        let db = try Database.inMemory([.dim: 1])
        let task = try VDBTask()
        XCTAssertEqual(task.progress, try VDBTask().progress)
        try db.insert(ids: [1], [1], task: task)
        XCTAssertEqual(task.progress.done, 1)
        task.cancel()
        assertThrows(.cancelled) { try db.insert(ids: [2], [2], task: task) }
        assertThrows(.cancelled) { try db.delete(where: Filter(allow: [1]), task: task) }
        XCTAssertTrue(try db.search([1], k: 1, params: SearchParams(task: task)).isPartial)
        XCTAssertEqual(try db.count(), 1)
    }

    func testAWatcherIsToldAndCanEndTheCall() throws {
        let db = try Database.inMemory([.dim: 1])
        let task = try VDBTask()
        let told = Mutex<[VDBTask.Progress]>([])
        try task.watch { progress in
            told.withLock { $0.append(progress) }
            return true
        }
        try db.insert(ids: [1, 2], [1, 2], task: task)
        XCTAssertEqual(told.withLock { $0.last.map { [$0.done, $0.total] } }, [2, 2])
        // Inside, other calls would wait for themselves.
        let inside = Mutex<Status?>(nil)
        try task.watch { _ in
            do throws(VDBError) { _ = try db.count() } catch { inside.withLock { $0 = error.code } }
            return false
        }
        assertThrows(.cancelled) { try db.insert(ids: [3], [3], task: task) }
        XCTAssertEqual(inside.withLock { $0 }, .busy)
        let other = try VDBTask()
        try other.watch { _ in false }
        try other.watch(nil)
        try db.insert(ids: [3], [3], task: other)
        XCTAssertEqual(try db.count(), 3)
    }

    func testAWatcherIsKeptNoLongerThanNeeded() throws {
        let db = try Database.inMemory([.dim: 1])
        final class Witness: Sendable {}
        weak var seen: Witness?
        weak var forgotten: VDBTask?
        do {
            let (task, witness) = (try VDBTask(), Witness())
            (seen, forgotten) = (witness, task)
            try task.watch { [witness] _ in
                _ = task.progress
                return withExtendedLifetime(witness) { true }
            }
            try db.insert(ids: [1], [1], task: task)
            try task.watch(nil)
        }
        XCTAssertTrue(seen == nil && forgotten == nil)
    }

    func testADatabaseThatIsForgottenInAWatcherIsClosed() async throws {
        try await withFolder { folder in
            let path = folder.appendingPathComponent("db").path
            let last = Mutex<Database?>(try Database(path: path, options: [.dim: 1]))
            let other = try Database.inMemory([.dim: 1])
            try await VDBTask.run(progress: { _ in
                last.withLock { $0 = nil }
                return true
            }) { try other.insert(ids: [1], [1], task: $0) }
            // Another thread closes it.
            for _ in 0..<200 where (try? Database(path: path)) == nil { try await Task.sleep(for: .milliseconds(10)) }
            XCTAssertEqual(try Database(path: path).count(), 0)
        }
    }

    func testLongCallsToAwait() async throws {
        try await withFolder { folder in
            func path(_ name: String) -> String { folder.appendingPathComponent(name).path }
            let db = try Database(path: path("db"), options: [.dim: 8])
            var numbers = Numbers(seed: 5)
            let vectors = numbers.floats(3000 * 8)
            let told = Mutex<[VDBTask.Progress]>([])
            try await VDBTask.run(progress: { progress in
                told.withLock { $0.append(progress) }
                return true
            }) { task in
                try db.insert(ids: Array(0..<3000), vectors, task: task)
            }
            XCTAssertEqual(told.withLock { $0.last.map { [$0.done, $0.total] } }, [3000, 3000])
            try await db.waitIndexed()
            try await db.checkpoint()
            let sound = try await db.check(.structure).sound
            XCTAssertTrue(sound)
            try await db.backup(to: path("backup"))
            try await db.export(to: path("rows.npy"))
            let other = try Database.inMemory([.dim: 8])
            try await other.importFile(path("rows.npy"))
            XCTAssertEqual(try other.count(), 3000)
            let saved = try await Database.repair(from: path("backup"), to: path("new"))
            XCTAssertTrue(saved.complete)
        }
    }

    func testProgressOfAJobIsASequence() async throws {
        let db = try Database.inMemory([.dim: 1])
        final class Witness: Sendable {}
        weak var kept: Witness?
        do {
            let witness = Witness()
            kept = witness
            let job = try VDBTask.start { [witness] task in
                try db.insert(ids: [1, 2], [1, 2], task: task)
                return withExtendedLifetime(witness) { "done" }
            }
            var last: VDBTask.Progress?
            for await step in job.progress { last = step }
            XCTAssertEqual(last.map { [$0.done, $0.total] }, [2, 2])
            let value = try await job.value
            XCTAssertEqual(value, "done")
            for await step in job.progress { XCTFail("\(step) after the end") }
        }
        for _ in 0..<200 where kept != nil { try await Task.sleep(for: .milliseconds(5)) }
        XCTAssertNil(kept)
    }

    func testAJobIsCancelledAndItsProgressEnds() async throws {
        let db = try filled(20_000, dim: 128, [.threads: 1])
        let job = try VDBTask.start { try db.waitIndexed(task: $0) }
        for await _ in job.progress { job.cancel() }
        do {
            try await job.value
            XCTFail("it was not cancelled")
        } catch let error as VDBError {
            XCTAssertEqual(error.code, .cancelled)
        }
        // And with the task that waits for it.
        let other = try VDBTask.start { try db.waitIndexed(task: $0) }
        let waiting = Task { try await other.value }
        waiting.cancel()
        let result = await waiting.result
        XCTAssertThrowsError(try result.get()) { XCTAssertEqual(($0 as? VDBError)?.code, .cancelled) }
    }

    func testSwiftsTaskEndsALongCall() async throws {
        let db = try filled(20_000, dim: 128, [.threads: 1])
        let waiting = Task { try await db.waitIndexed() }
        try await Task.sleep(for: .milliseconds(20))
        let start = ContinuousClock.now
        waiting.cancel()
        do {
            try await waiting.value
            XCTFail("it was not cancelled")
        } catch let error as VDBError {
            XCTAssertEqual(error.code, .cancelled)
        }
        XCTAssertLessThan(ContinuousClock.now - start, .seconds(5))
    }

    func testSwiftsTaskEndsASearchThatKeepsItsHits() async throws {
        let db = try filled(20_000, dim: 64, [.graphMinRows: 1 << 30, .threads: 1])
        var numbers = Numbers(seed: 9)
        let queries = Vectors.f32(numbers.floats(4000 * 64), dim: 64)
        let searching = Task {
            try await VDBTask.run { task in try db.search(queries, k: 10, params: SearchParams(task: task)) }
        }
        try await Task.sleep(for: .milliseconds(30))
        searching.cancel()
        let hits = try await searching.value
        XCTAssertTrue(hits.isPartial)
        XCTAssertEqual(hits.count, 4000)
        XCTAssertTrue(hits[3999].isEmpty, "all of 4000 scans were done")
    }

    func testATaskThatIsCancelledAlreadyChangesNothing() async throws {
        let db = try Database.inMemory([.dim: 1])
        let writing = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await VDBTask.run { task in try db.insert(ids: [1], [1], task: task) }
        }
        let result = await writing.result
        XCTAssertThrowsError(try result.get())
        XCTAssertEqual(try db.count(), 0)
    }

    func testTasksOfSwiftShareADatabase() async throws {
        let db = try Database.inMemory([.dim: 8, .graphMinRows: 500])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<4 {
                group.addTask {
                    var numbers = Numbers(seed: UInt64(writer))
                    for batch in 0..<25 {
                        let first = UInt64(writer * 1000 + batch * 40)
                        try db.upsert(ids: Array(first..<first + 40), numbers.floats(40 * 8))
                        if batch % 5 == 4 { try db.delete([first]) }
                    }
                }
            }
            for reader in 0..<4 {
                group.addTask {
                    var numbers = Numbers(seed: UInt64(100 + reader))
                    var hits = Hits()
                    for _ in 0..<300 {
                        try db.search(.f32(numbers.floats(8)), k: 10, into: &hits)
                        let distances = hits[0].map(\.distance)
                        guard distances == distances.sorted(), Set(hits[0].map(\.id)).count == hits[0].count else {
                            throw Mismatch("\(hits[0].map { $0 })")
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        XCTAssertEqual(try db.count(), 4 * 25 * 40 - 4 * 5)
        let sound = try await db.check(.structure).sound
        XCTAssertTrue(sound)
    }

    func testClosingWaitsForCallsInProgress() async throws {
        let db = try filled(5000, dim: 64, [.graphMinRows: 1 << 30])
        var numbers = Numbers(seed: 11)
        let queries = Vectors.f32(numbers.floats(200 * 64), dim: 64)
        let results = await withTaskGroup(of: Status.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    // Not on the threads of Swift's tasks, of which these would leave none for the one that closes.
                    do {
                        try await VDBTask.run { _ in while true { _ = try db.search(queries, k: 3) } }
                    } catch let error as VDBError {
                        return error.code
                    } catch {}
                    return .ok
                }
            }
            group.addTask {
                try? await Task.sleep(for: .milliseconds(50))
                do throws(VDBError) { try db.close() } catch { return error.code }
                return .closed
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        XCTAssertEqual(results, Array(repeating: .closed, count: 9))
    }
}
