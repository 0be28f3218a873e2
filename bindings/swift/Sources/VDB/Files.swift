import CVDB

extension Database {
    /// Makes a backup of the newest state in the directory `path`, beside searches and writes; opening it restores it. `previous` is
    /// an earlier backup whose files are shared where they are the same. See vdb_backup in the header.
    public func backup(to path: String, previous: String? = nil, task: VDBTask? = nil) throws(VDBError) {
        try terminated("path", path)
        try terminated("path", previous ?? "")
        try checked { vdb_backup(handle, path, previous, task?.handle, $0) }
    }

    /// The same to be awaited: it works on another thread, and is cancelled with the task that waits.
    public func backup(to path: String, previous: String? = nil, progress: VDBTask.Watcher? = nil) async throws(VDBError) {
        try await VDBTask.waiting(progress) { (task) throws(VDBError) in
            try self.backup(to: path, previous: previous, task: task)
        }
    }

    /// Writes the rows that a filter lets pass (nil: all) as a file of another program: npy, jsonl, fvecs, fbin and their like; without a
    /// format, what the name of the file ends in. See vdb_export in the header.
    public func export(to path: String, format: String? = nil, filter: Filter? = nil, task: VDBTask? = nil) throws(VDBError) {
        try terminated("path", path)
        try terminated("format", format ?? "")
        try checked { vdb_export(handle, path, format, filter?.handle, task?.handle, $0) }
    }

    /// The same to be awaited: it works on another thread, and is cancelled with the task that waits.
    public func export(
        to path: String, format: String? = nil, filter: Filter? = nil, progress: VDBTask.Watcher? = nil
    ) async throws(VDBError) {
        try await VDBTask.waiting(progress) { (task) throws(VDBError) in
            try self.export(to: path, format: format, filter: filter, task: task)
        }
    }

    /// Writes the rows of such a file into the database, in batches; a file with anything wrong in it changes nothing. Where
    /// it is cancelled or a write fails, the batches before stay: `item` of the error is the number of rows that are in. See vdb_import
    /// in the header.
    public func importFile(_ path: String, format: String? = nil, task: VDBTask? = nil) throws(VDBError) {
        try terminated("path", path)
        try terminated("format", format ?? "")
        try checked { vdb_import(handle, path, format, task?.handle, $0) }
    }

    /// The same to be awaited: it works on another thread, and is cancelled with the task that waits.
    public func importFile(_ path: String, format: String? = nil, progress: VDBTask.Watcher? = nil) async throws(VDBError) {
        try await VDBTask.waiting(progress) { (task) throws(VDBError) in
            try self.importFile(path, format: format, task: task)
        }
    }
}
