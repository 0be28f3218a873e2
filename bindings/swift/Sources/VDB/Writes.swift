import CVDB

// A batch is atomic: all of its rows or none. Batches of 1,000 to 10,000 rows take hundreds of times less for each row than rows
// one by one.

extension Database {
    /// Inserts rows. An id that is there already, or twice in the batch, fails the batch.
    public func insert(ids: [UInt64], _ vectors: Vectors, task: VDBTask? = nil) throws(VDBError) {
        let shape = try rows(vectors, ids.count)
        try checked { e in
            vectors.withMemory {
                vdb_insert_batch(
                    handle, ids, $0, shape.count, shape.dim, shape.stride, vectors.scalar.rawValue, task?.handle, e)
            }
        }
    }

    /// Inserts rows, or gives those that are there new vectors.
    public func upsert(ids: [UInt64], _ vectors: Vectors, task: VDBTask? = nil) throws(VDBError) {
        let shape = try rows(vectors, ids.count)
        try checked { e in
            vectors.withMemory {
                vdb_upsert_batch(
                    handle, ids, $0, shape.count, shape.dim, shape.stride, vectors.scalar.rawValue, task?.handle, e)
            }
        }
    }

    /// The shape of vectors of which there must be so many.
    private func rows(_ vectors: Vectors, _ count: Int) throws(VDBError) -> Vectors.Shape {
        let shape = try vectors.shape(rows: count, dim: dim)
        guard shape.count == count else { throw VDBError(.invalidArgument, "\(count) ids for \(shape.count) vectors") }
        return shape
    }

    /// Deletes rows and returns how many there were. Ids that are not there do no harm.
    @discardableResult
    public func delete(_ ids: [UInt64]) throws(VDBError) -> Int {
        var deleted: UInt64 = 0
        try checked { vdb_delete_batch(handle, ids, ids.count, &deleted, $0) }
        return Int(deleted)
    }

    /// Deletes the rows that have one of the keys, and returns how many there were.
    @discardableResult
    public func delete(keys: Texts) throws(VDBError) -> Int {
        var deleted: UInt64 = 0
        try checked { e in keys.withMemory { vdb_delete_keys(handle, $0, $1, keys.count, &deleted, e) } }
        return Int(deleted)
    }

    /// Deletes all rows that the filter lets pass, and returns how many they were.
    @discardableResult
    public func delete(where filter: Filter, task: VDBTask? = nil) throws(VDBError) -> Int {
        var deleted: UInt64 = 0
        try checked { vdb_delete_where(handle, filter.handle, &deleted, task?.handle, $0) }
        return Int(deleted)
    }
}

// MARK: Records

/// Rows with keys and metadata.
public struct Records: Sendable {
    public var vectors: Vectors
    /// One for each row; ``Database/idNone`` asks for one. nil asks for all of them: `vectors` has a `dim` then, or there are
    /// keys or metadata that say how many rows there are.
    public var ids: [UInt64]?
    /// Texts of 1 to ``Database/keyMax`` bytes that no other row has; an empty one is none. An upsert without keys leaves those
    /// of the rows as they are.
    public var keys: Texts?
    /// JSON objects; an empty text is none. An upsert without metadata leaves that of the rows as it is.
    public var meta: Texts?

    public init(_ vectors: Vectors, ids: [UInt64]? = nil, keys: Texts? = nil, meta: Texts? = nil) {
        self.vectors = vectors
        self.ids = ids
        self.keys = keys
        self.meta = meta
    }
}

extension Database {
    /// Inserts rows with keys and metadata, in one batch, and returns their ids. Those that were asked for are above those of all
    /// rows.
    @discardableResult
    public func insert(_ records: Records, task: VDBTask? = nil) throws(VDBError) -> [UInt64] {
        try write(records, task, vdb_insert_records)
    }

    /// Inserts rows, or gives those that are there new vectors, and keys and metadata where there are any.
    /// ``Database/idNone`` asks for the id of the row that has the key, or for a new one where none has. Returns the ids of the rows.
    @discardableResult
    public func upsert(_ records: Records, task: VDBTask? = nil) throws(VDBError) -> [UInt64] {
        try write(records, task, vdb_upsert_records)
    }

    private typealias RecordsCall = (
        OpaquePointer?, UnsafeMutablePointer<UInt64>?, UnsafePointer<CChar>?, UnsafePointer<UInt64>?, UnsafeRawPointer?, Int, Int, Int,
        UInt32, UnsafePointer<CChar>?, UnsafePointer<UInt64>?, OpaquePointer?, UnsafeMutablePointer<vdb_error_t>?
    ) -> vdb_status_t

    private func write(_ records: Records, _ task: VDBTask?, _ call: RecordsCall) throws(VDBError) -> [UInt64] {
        let told = records.ids?.count ?? records.keys?.count ?? records.meta?.count ?? 1
        let shape = try records.vectors.shape(rows: told, dim: dim)
        try records.keys.check("keys", rows: shape.count)
        try records.meta.check("metadata", rows: shape.count)
        var ids = records.ids ?? [UInt64](repeating: Database.idNone, count: shape.count)
        guard ids.count == shape.count else { throw VDBError(.invalidArgument, "\(ids.count) ids for \(shape.count) vectors") }
        try checked { e in
            records.vectors.withMemory { vectors in
                records.keys.withMemory { keys, keyOffsets in
                    records.meta.withMemory { meta, metaOffsets in
                        call(
                            handle, &ids, keys, keyOffsets, vectors, shape.count, shape.dim, shape.stride,
                            records.vectors.scalar.rawValue, meta, metaOffsets, task?.handle, e)
                    }
                }
            }
        }
        return ids
    }

    /// Gives rows other metadata, all in one batch, and returns how many there were. Vectors and keys stay as they are.
    @discardableResult
    public func updateMeta(ids: [UInt64], _ meta: Texts) throws(VDBError) -> Int {
        try Optional(meta).check("metadata", rows: ids.count)
        var updated: UInt64 = 0
        try checked { e in meta.withMemory { vdb_update_meta_batch(handle, ids, ids.count, $0, $1, &updated, e) } }
        return Int(updated)
    }

    /// Gives all rows that the filter lets pass the same metadata, empty for none, and returns how many they were.
    @discardableResult
    public func updateMeta(where filter: Filter, _ meta: String, task: VDBTask? = nil) throws(VDBError) -> Int {
        let bytes = Array(meta.utf8)
        var updated: UInt64 = 0
        try checked { e in
            withCharacters(bytes) { vdb_update_meta_where(handle, filter.handle, $0, bytes.count, &updated, task?.handle, e) }
        }
        return Int(updated)
    }
}
