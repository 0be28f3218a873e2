import CVDB

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

// None of these is needed for correct answers. Each long call has two forms: one that returns when the work is done, and one
// to await, which works on another thread and is cancelled with Swift's task.

extension Database {
    /// Makes all batches so far as safe as ``Durability/full`` would have.
    public func sync() throws(VDBError) {
        try checked { vdb_sync(handle, $0) }
    }

    /// Writes the current state as immutable files and shortens the log, as the background work does by itself.
    public func checkpoint(task: VDBTask? = nil) throws(VDBError) {
        try checked { vdb_checkpoint(handle, task?.handle, $0) }
    }

    /// The same to be awaited: it works on another thread, and is cancelled with the task that waits.
    public func checkpoint(progress: VDBTask.Watcher? = nil) async throws(VDBError) {
        try await VDBTask.waiting(progress) { (task) throws(VDBError) in try self.checkpoint(task: task) }
    }

    /// Waits until the background work has put every row into the graph. Rows can be found before that too; waiting is for
    /// measurements.
    public func waitIndexed(task: VDBTask? = nil) throws(VDBError) {
        try checked { vdb_wait_indexed(handle, task?.handle, $0) }
    }

    /// The same to be awaited: it works on another thread, and is cancelled with the task that waits.
    public func waitIndexed(progress: VDBTask.Watcher? = nil) async throws(VDBError) {
        try await VDBTask.waiting(progress) { (task) throws(VDBError) in try self.waitIndexed(task: task) }
    }

    /// Moves a database that is only read (``Option/readOnly``) to the newest state that the writer has committed.
    public func refresh() throws(VDBError) {
        try checked { vdb_refresh(handle, $0) }
    }

    /// Checks whether the database is whole, beside searches and writes. Where something is wrong it throws
    /// `Status.corrupt`, and ``VDBError/report`` has what.
    @discardableResult
    public func check(_ level: CheckLevel = .checksums, task: VDBTask? = nil) throws(VDBError) -> CheckReport {
        let (text, failure) = read(capacity: Database.checkReportMax) {
            vdb_check(handle, level.rawValue, $0, $1, $2, task?.handle, $3)
        }
        guard var error = failure else { return try report(text.string) }
        if error.code == .corrupt { error.reports = [try report(text.string)] }
        throw error
    }

    /// The same to be awaited: it works on another thread, and is cancelled with the task that waits.
    @discardableResult
    public func check(_ level: CheckLevel = .checksums, progress: VDBTask.Watcher? = nil) async throws(VDBError) -> CheckReport {
        try await VDBTask.waiting(progress) { (task) throws(VDBError) in try self.check(level, task: task) }
    }

    /// Makes a new database in the directory `target` out of all that can be read of the damaged one in the directory `source`,
    /// which must not be open for writing. Options are needed only when no manifest is whole.
    public static func repair(from source: String, to target: String, options: Options = [:], task: VDBTask? = nil)
        throws(VDBError) -> RepairReport
    {
        try terminated("path", source)
        try terminated("path", target)
        let set = options.isEmpty ? nil : try OptionSetHandle(options)
        return try report(
            try written(capacity: Database.repairReportMax) {
                vdb_repair(source, target, set?.handle, $0, $1, $2, task?.handle, $3)
            })
    }

    /// The same to be awaited: it works on another thread, and is cancelled with the task that waits.
    public static func repair(
        from source: String, to target: String, options: Options = [:], progress: VDBTask.Watcher? = nil
    ) async throws(VDBError) -> RepairReport {
        try await VDBTask.waiting(progress) { (task) throws(VDBError) in
            try Database.repair(from: source, to: target, options: options, task: task)
        }
    }
}

/// One thing that is wrong with a database.
public struct Problem: Decodable, Equatable, Sendable {
    public let what: String
    /// The file that is to blame, if one is; and the place in it.
    public let file: String?
    public let block: Int?
    public let offset: Int?
}

/// What a check found.
public struct CheckReport: Decodable, Equatable, Sendable {
    public let sound: Bool
    public let level: String
    /// How far it was looked: a level is looked at only when those before it found nothing.
    public let completed: String
    public let files, bytes, logRecords, lsn, rows, graphNodes: Int
    /// A measurement, not judged, over `recallQueries` stored rows.
    public let recallAt10: Double?
    public let recallQueries: Int
    public let problemCount: Int
    /// The first few.
    public let problems: [Problem]
}

/// What a repair saved and lost.
public struct RepairReport: Decodable, Equatable, Sendable {
    /// Every row was saved.
    public let complete: Bool
    public let rows, rowsLost: Int
    /// The lowest 100 of the ids of lost rows.
    public let lostIds: [UInt64]
    public let rowsLostWithoutId: Int
    /// Saved, but may have been deleted.
    public let rowsUncertain: Int
    public let generation: Int?
    public let files, filesDamaged, logRecords: Int
    public let logComplete: Bool
    public let logRecordsLost, logBytesLost, problemCount: Int
    /// The first few.
    public let problems: [Problem]
}

/// Reads a report of the library.
func report<Report: Decodable>(_ text: String) throws(VDBError) -> Report {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    do {
        return try decoder.decode(Report.self, from: Data(text.utf8))
    } catch {
        throw VDBError(.internal, "the library's report cannot be read: \(error)")
    }
}
