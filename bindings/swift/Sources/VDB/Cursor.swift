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

        init(_ raw: OpaquePointer, _ task: VDBTask) {
            self.raw = raw
            self.task = task
        }

        deinit { vdb_cursor_free(raw) }
    }

    fileprivate let handle: Handle

    fileprivate init(_ raw: OpaquePointer, _ task: VDBTask) {
        handle = Handle(raw, task)
    }

    /// The next rows, `limit` at most; nil when there are no more. A page may be short though more rows follow, and empty where
    /// the deadline passed (``Hits/isPartial``): the next call goes on. After an error no row is lost.
    public func next(_ limit: Int = Cursor.pageRows) throws(VDBError) -> Hits? {
        try handle.next(limit)
    }

    /// Gives the cursor back before its last reference goes, and what it kept of the database.
    public func close() {
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
        hits.counts[0] = UInt32(count)
        hits.isPartial = status == .partial
        return hits
    }
}

extension Database {
    /// A cursor through all rows in the order of their distance to one query, nearest first. The deadline of `params` is for each
    /// page, its task for all of them.
    public func cursor(_ query: Vectors, params: SearchParams? = nil) throws(VDBError) -> Cursor {
        let dim = try query.one("a cursor", of: self)
        var given = params ?? SearchParams()
        let task = if let its = given.task { its } else { try VDBTask() }
        given.task = task
        var p = try given.native(query.scalar)
        return Cursor(try made { out, e in query.withMemory { vdb_cursor_search(handle, $0, dim, &p, out, e) } }, task)
    }

    /// A cursor through the rows that a filter lets pass (nil: all), in the order of their ids. Distances are 0.
    public func scan(_ filter: Filter? = nil, at snapshot: Snapshot? = nil) throws(VDBError) -> Cursor {
        Cursor(try made { vdb_cursor_scan_at(handle, snapshot?.handle, filter?.handle, $0, $1) }, try VDBTask())
    }
}

extension Cursor: AsyncSequence {
    public typealias Element = Hit
    public typealias Failure = VDBError

    /// Reads ahead a page at a time, on another thread.
    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let handle: Handle
        private var page: Hits.Query?
        private var place = 0

        fileprivate init(_ handle: Handle) { self.handle = handle }

        public mutating func next() async throws(VDBError) -> Hit? { try await next(isolation: nil) }

        /// Throws `Status.cancelled` when the task is cancelled.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(VDBError) -> Hit? {
            while true {
                if let page, place < page.count {
                    place += 1
                    return page[place - 1]
                }
                if Task.isCancelled { throw VDBError(.cancelled, "the task was cancelled") }
                let handle = handle
                guard let hits = try await handle.task.run({ () throws(VDBError) in try handle.next(Cursor.pageRows) }) else {
                    return nil
                }
                if Task.isCancelled { throw VDBError(.cancelled, "the task was cancelled") }
                if hits.isPartial, hits[0].isEmpty {
                    throw VDBError(.deadline, "the deadline of a page passed, or its task was cancelled, before there was a row")
                }
                page = hits[0]
                place = 0
            }
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(handle) }
}
