import CVDB

// Reading the newest state, or that of a snapshot.

/// Vectors of rows that were asked for: a collection with one for each id, nil where the id is not there.
public struct Rows: Equatable, Sendable {
    public let dim: Int
    /// `dim` components for each id, one vector after the other; those of an id that is not there are 0.
    public internal(set) var vectors: [Float]
    /// Whether each id is there.
    public internal(set) var found: [Bool]
}

extension Rows: RandomAccessCollection {
    public var startIndex: Int { 0 }
    public var endIndex: Int { found.count }
    /// The vector of an id that was asked for, in an array of its own; nil if it is not there.
    public subscript(index: Int) -> [Float]? {
        found[index] ? Array(vectors[index * dim..<(index + 1) * dim]) : nil
    }
}

extension Database {
    /// The vectors of rows.
    public func get(_ ids: [UInt64], at snapshot: Snapshot? = nil) throws(VDBError) -> Rows {
        try room(for: ids.count, "ids", bytes: dim * 4)
        var vectors = [Float](repeating: 0, count: ids.count * dim)
        var found: [Bool] = []
        try checked { e in
            vectors.withUnsafeMutableBytes { read(ids, .f32, $0.baseAddress, &found, snapshot, e) }
        }
        return Rows(dim: dim, vectors: vectors, found: found)
    }

    /// Writes the vectors of rows into memory of the caller, converted to a type, and returns whether each is there. Places of
    /// ids that are not there are left alone.
    public func get(_ ids: [UInt64], as scalar: Scalar, into memory: UnsafeMutableRawBufferPointer, at snapshot: Snapshot? = nil)
        throws(VDBError) -> [Bool]
    {
        let needed = ids.count * scalar.bytes(dim: dim)
        guard memory.count == needed else {
            throw VDBError(.invalidArgument, "\(memory.count) bytes for \(ids.count) vectors: \(needed) are needed")
        }
        var found: [Bool] = []
        try checked { read(ids, scalar, memory.baseAddress, &found, snapshot, $0) }
        return found
    }

    private func read(
        _ ids: [UInt64], _ scalar: Scalar, _ vectors: UnsafeMutableRawPointer?, _ found: inout [Bool], _ snapshot: Snapshot?,
        _ e: UnsafeMutablePointer<vdb_error_t>
    ) -> vdb_status_t {
        var marks = [UInt8](repeating: 0, count: ids.count)
        let status = vdb_get_batch_at(handle, snapshot?.handle, ids, ids.count, dim, scalar.rawValue, vectors, 0, &marks, e)
        found = marks.map { $0 != 0 }
        return status
    }

    /// The number of rows that a search can return; with a filter, of those that it lets pass.
    public func count(_ filter: Filter? = nil, at snapshot: Snapshot? = nil) throws(VDBError) -> Int {
        var count: UInt64 = 0
        try checked { vdb_count_at(handle, snapshot?.handle, filter?.handle, &count, $0) }
        return Int(count)
    }

    /// The ids of the rows that have the keys; nil where no row has one.
    public func ids(ofKeys keys: Texts, at snapshot: Snapshot? = nil) throws(VDBError) -> [UInt64?] {
        var ids = [UInt64](repeating: Database.idNone, count: keys.count)
        try checked { e in
            keys.withMemory { vdb_ids_of_keys_at(handle, snapshot?.handle, $0, $1, keys.count, &ids, e) }
        }
        return ids.map { $0 == Database.idNone ? nil : $0 }
    }

    /// The keys of rows; empty for a row without one, and for an id that is not there.
    public func keys(ofIDs ids: [UInt64], at snapshot: Snapshot? = nil) throws(VDBError) -> Texts {
        try texts(ids, each: 32) { vdb_keys_of_ids_at(handle, snapshot?.handle, ids, ids.count, $0, $1, $2, $3, $4) }
    }

    /// The metadata of rows, byte by byte what was stored; empty for a row without, and for an id that is not there.
    public func meta(ofIDs ids: [UInt64], at snapshot: Snapshot? = nil) throws(VDBError) -> Texts {
        try texts(ids, each: 256) { vdb_get_meta_at(handle, snapshot?.handle, ids, ids.count, $0, $1, $2, $3, $4) }
    }

    private typealias TextsCall = (
        UnsafeMutablePointer<CChar>?, Int, UnsafeMutablePointer<UInt64>, UnsafeMutablePointer<Int>, UnsafeMutablePointer<vdb_error_t>
    ) -> vdb_status_t

    /// Reads texts of rows into a buffer that is enlarged until they fit: others may write meanwhile.
    private func texts(_ ids: [UInt64], each: Int, _ call: TextsCall) throws(VDBError) -> Texts {
        var capacity = max(1, each * ids.count)
        while true {
            try room(for: 1, "texts of \(ids.count) rows", bytes: capacity)
            var texts = Texts(capacity: capacity, count: ids.count)
            var length = 0
            do throws(VDBError) {
                try checked { e in
                    texts.bytes.withUnsafeMutableBytes { bytes in
                        call(bytes.bindMemory(to: CChar.self).baseAddress, capacity, &texts.offsets, &length, e)
                    }
                }
            } catch {
                guard error.code == .bufferTooSmall, length > capacity else { throw error }
                capacity = length
                continue
            }
            texts.bytes.removeLast(capacity - length)
            return texts
        }
    }
}
