import CVDB

/// Goes through the rows of a database one page after the other, in the state that it had when the cursor was made, also
/// after the database is closed:
///
///     for try await hit in try db.cursor(query) { ... }
///
///     while let page = try cursor.next(100) { ... }    // the same without waiting for another thread
public final class Cursor {
    /// What other threads than the cursor's own need of it.
    fileprivate final class Handle: @unchecked Sendable {
        let raw: OpaquePointer
        /// Cancels the pages.
        let task: VDBTask
        /// It is not the cursor's own, and not the cursor's to cancel.
        let isOfCaller: Bool

        init(_ raw: OpaquePointer, _ task: VDBTask, ofCaller: Bool) {
            self.raw = raw
            self.task = task
            isOfCaller = ofCaller
        }

        deinit { vdb_cursor_free(raw) }
    }

    fileprivate let handle: Handle
    /// Rows that an iterator read ahead, and the first of them that nobody got yet.
    fileprivate var ahead = Hits()
    fileprivate var place = 0

    fileprivate init(_ raw: OpaquePointer, _ task: VDBTask, ofCaller: Bool) {
        handle = Handle(raw, task, ofCaller: ofCaller)
    }

    /// The next rows, `limit` at most; nil when there are no more. A page may be short though more rows follow, and empty where
    /// the deadline passed (``Hits/isPartial``): the next call goes on. Once its task is cancelled it throws `Status.cancelled`. After
    /// an error no row is lost, nor after a loop that ended before the rows did.
    public func next(_ limit: Int = Cursor.pageRows) throws(VDBError) -> Hits? {
        if handle.task.isCancelled { throw Cursor.cancelled }
        guard isAhead, limit > 0 else { return try handle.next(limit) }
        let rows = place..<place + Swift.min(limit, Int(ahead.counts[0]) - place)
        place = rows.upperBound
        return Hits(ids: ahead.ids[rows], distances: ahead.distances[rows])
    }

    fileprivate static let cancelled = VDBError(.cancelled, "the task of the cursor, or the one that goes through it, was cancelled")
    fileprivate var isAhead: Bool { !ahead.isEmpty && place < ahead.counts[0] }

    /// Gives the cursor back before its last reference goes, and what it kept of the database.
    public func close() {
        ahead = Hits()
        vdb_cursor_free(handle.raw)
    }

    /// Rows of a page where none are told.
    public static let pageRows = 256
}

extension Cursor.Handle {
    func next(_ limit: Int) throws(VDBError) -> Hits? {
        var hits = Hits()
        try hits.reserve(queries: 1, k: limit)
        var count = 0
        let status = try checked { vdb_cursor_next(raw, limit, &hits.ids, &hits.distances, &count, $0) }
        if status == .done { return nil }
        if status == .partial, count == 0, task.isCancelled { throw Cursor.cancelled }
        hits.counts[0] = UInt32(count)
        hits.isPartial = status == .partial
        return hits
    }

    /// A page that is read on another thread.
    func nextElsewhere() async throws(VDBError) -> Hits? {
        try await task.run(cancelled: !isOfCaller) { () throws(VDBError) in try self.next(Cursor.pageRows) }
    }
}

extension Database {
    /// A cursor through all rows in the order of their distance to one query, nearest first. The deadline of `params` is for each
    /// page, its task for all of them.
    public func cursor(_ query: Vectors, params: SearchParams? = nil) throws(VDBError) -> Cursor {
        let dim = try query.one("a cursor", of: self)
        var given = params ?? SearchParams()
        let isOfCaller = given.task != nil
        let task = if let its = given.task { its } else { try VDBTask() }
        given.task = task
        var p = try given.native(query.scalar)
        let raw = try made { out, e in query.withMemory { vdb_cursor_search(handle, $0, dim, &p, out, e) } }
        return Cursor(raw, task, ofCaller: isOfCaller)
    }

    /// A cursor through the rows that a filter lets pass (nil: all), in the order of their ids. Distances are 0.
    public func scan(_ filter: Filter? = nil, at snapshot: Snapshot? = nil) throws(VDBError) -> Cursor {
        let raw = try made { vdb_cursor_scan_at(handle, snapshot?.handle, filter?.handle, $0, $1) }
        return Cursor(raw, try VDBTask(), ofCaller: false)
    }
}

extension Cursor: AsyncSequence {
    public typealias Element = Hit
    public typealias Failure = VDBError

    /// Reads ahead a page at a time, on another thread. Rows that a loop left are there for the next one.
    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let cursor: Cursor

        public mutating func next() async throws(VDBError) -> Hit? { try await next(isolation: nil) }

        /// Throws `Status.cancelled` when the task is cancelled. Where that was while a page was read, so does every later call of the
        /// cursor, unless its parameters had a task: then pages are broken off by that one alone.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(VDBError) -> Hit? {
            while true {
                if cursor.handle.task.isCancelled || Task.isCancelled { throw Cursor.cancelled }
                if cursor.isAhead {
                    cursor.place += 1
                    return Hit(id: cursor.ahead.ids[cursor.place - 1], distance: cursor.ahead.distances[cursor.place - 1])
                }
                guard let hits = try await cursor.handle.nextElsewhere() else { return nil }
                if hits.isPartial, hits[0].isEmpty, !Task.isCancelled {
                    throw VDBError(.deadline, "the deadline of a page passed before there was a row")
                }
                cursor.ahead = hits
                cursor.place = 0
            }
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(cursor: self) }
}
