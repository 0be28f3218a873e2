import CVDB

/// The state of a database at one moment: what is asked of it gets the same answer however much is written meanwhile.
/// Making one copies nothing; what it shows stays in memory and on the disk until it is closed. Any thread may use it, with
/// the database that it was made from.
public final class Snapshot: @unchecked Sendable {
    let handle: OpaquePointer

    fileprivate init(_ handle: OpaquePointer) { self.handle = handle }

    deinit { vdb_snapshot_free(handle) }

    /// Gives the snapshot back before its last reference goes; calls that use it go on.
    public func close() {
        vdb_snapshot_free(handle)
    }
}

extension Database {
    /// A snapshot of the state that a search begun now would see.
    public func snapshot() throws(VDBError) -> Snapshot {
        Snapshot(try made { vdb_snapshot_new(handle, $0, $1) })
    }
}
