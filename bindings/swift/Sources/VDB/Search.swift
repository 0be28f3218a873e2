import CVDB

extension Database {
    /// Finds the `k` nearest rows of each query; ``Hits/subscript(_:)`` has those of one.
    public func search(_ queries: Vectors, k: Int, params: SearchParams? = nil) throws(VDBError) -> Hits {
        if params == nil, queries.scalar == scalar {
            let shape = try shape(of: queries)
            var hits = try Hits(queries: shape.count, k: k)
            try search(queries, shape, nil, &hits)
            return hits
        }
        var p = try SearchParams.native(params, queries.scalar)
        let shape = try shape(of: queries)
        var hits = try Hits(queries: shape.count, k: k)
        try search(queries, shape, &p, &hits)
        return hits
    }

    /// The same into the arrays of `hits`, which are used again where they have the size. After an error there are no hits.
    public func search(_ queries: Vectors, k: Int, params: SearchParams?, into hits: inout Hits) throws(VDBError) {
        guard let params else { return try search(queries, k: k, into: &hits) }
        try hits.orNone { (hits) throws(VDBError) in
            var p = try params.native(queries.scalar)
            let shape = try shape(of: queries)
            try hits.reserve(queries: shape.count, k: k)
            try search(queries, shape, &p, &hits)
        }
    }

    /// The same without parameters, which is the fastest way to ask.
    public func search(_ queries: Vectors, k: Int, into hits: inout Hits) throws(VDBError) {
        try hits.orNone { (hits) throws(VDBError) in
            let shape = try shape(of: queries)
            try hits.reserve(queries: shape.count, k: k)
            // Parameters that all are as without them need not be passed.
            if queries.scalar == scalar { return try search(queries, shape, nil, &hits) }
            var p = vdb_search_params_t(queries.scalar)
            try search(queries, shape, &p, &hits)
        }
    }

    @inline(__always)
    private func shape(of queries: Vectors) throws(VDBError) -> Vectors.Shape {
        queries.isOne(of: self) ? Vectors.Shape(count: 1, dim: dim, stride: 0) : try queries.shape(rows: 1, dim: dim)
    }

    private func search(
        _ queries: Vectors, _ shape: Vectors.Shape, _ params: UnsafePointer<vdb_search_params_t>?, _ hits: inout Hits
    ) throws(VDBError) {
        let k = hits.k
        try hits.fill { ids, distances, counts, e in
            queries.withMemory {
                vdb_search(handle, $0, shape.count, shape.dim, shape.stride, k, params, ids, distances, counts, e)
            }
        }
    }

    /// Finds all rows whose distance to one query is at most `maxDistance`, nearest first, and returns the nearest `limit` of
    /// them; ``Hits/hasMore`` says whether there are others.
    public func searchRange(_ query: Vectors, maxDistance: Float, limit: Int, params: SearchParams? = nil) throws(VDBError) -> Hits {
        let dim = try query.one("a range search", of: self)
        var p = try SearchParams.native(params, query.scalar)
        var hits = try Hits(queries: 1, k: limit)
        var count = 0
        try hits.fill { ids, distances, counts, e in
            query.withMemory { vdb_search_range(handle, $0, dim, maxDistance, limit, &p, ids, distances, &count, e) }
        }
        hits.counts[0] = UInt32(min(count, limit))
        hits.hasMore = count > limit
        return hits
    }

    /// Finds the `k` rows nearest to each of some rows, which are left out themselves.
    public func search(ids rows: [UInt64], k: Int, params: SearchParams? = nil) throws(VDBError) -> Hits {
        try ask(queries: rows.count, k: k, nil, params) { p, ids, distances, counts, e in
            vdb_search_ids(handle, rows, rows.count, k, p, ids, distances, counts, e)
        }
    }

    /// Finds the `k` rows that are most like the positive examples and unlike the negative ones; vdb_recommend in the header
    /// says how. Hits of one query.
    public func recommend(positive: [UInt64], negative: [UInt64] = [], k: Int, params: SearchParams? = nil) throws(VDBError) -> Hits {
        try ask(queries: 1, k: k, nil, params) { p, ids, distances, count, e in
            vdb_recommend(handle, positive, positive.count, negative, negative.count, k, p, ids, distances, count, e)
        }
    }

    /// Chooses `k` rows that are near one query and not too near to each other, of the nearest `candidates` (0: 4k). With a
    /// `lambda` of 1 they are the nearest rows, with 0 those farthest apart. They are in the order in which they were chosen.
    public func searchDiverse(_ query: Vectors, k: Int, candidates: Int = 0, lambda: Float, params: SearchParams? = nil)
        throws(VDBError) -> Hits
    {
        let dim = try query.one("a search for diverse rows", of: self)
        guard candidates >= 0 else { throw VDBError(.outOfRange, "\(candidates) candidates: 0 stands for 4k") }
        return try ask(queries: 1, k: k, query.scalar, params) { p, ids, distances, count, e in
            query.withMemory { vdb_search_diverse(handle, $0, dim, k, candidates, lambda, p, ids, distances, count, e) }
        }
    }

    /// Finds the best groups of rows near one query, and of each its `perGroup` best rows. Rows that have the same text, number
    /// or boolean at a path of their metadata, such as `author.name`, are one group; others are in none. Hits has a group in
    /// place of a query.
    public func searchGroups(_ query: Vectors, by path: String, groups: Int, perGroup: Int, params: SearchParams? = nil)
        throws(VDBError) -> Hits
    {
        let dim = try query.one("a search for groups", of: self)
        guard 0...Database.maxK ~= groups else {
            throw VDBError(.limit, "\(groups) groups: 0 to \(Database.maxK) are possible")
        }
        let name = Array(path.utf8)
        var found: UInt32 = 0
        var hits = try ask(queries: groups, k: perGroup, query.scalar, params) { p, ids, distances, counts, e in
            query.withMemory { memory in
                withCharacters(name) {
                    vdb_search_groups(handle, memory, dim, $0, name.count, groups, perGroup, p, ids, distances, counts, &found, e)
                }
            }
        }
        hits.truncate(queries: min(Int(found), groups))
        return hits
    }

    /// Finds the `k` nearest rows of each query among those of all databases, as if they were one. They must have the same metric
    /// and dimension. ``Hits/sources`` has the place in `databases` that each row is from.
    public static func searchMany(_ databases: [Database], _ queries: Vectors, k: Int, params: SearchParams? = nil)
        throws(VDBError) -> Hits
    {
        // Without a database nothing is found, of however many queries.
        let shape = try queries.shape(rows: 1, dim: databases.first?.dim ?? 0)
        let handles: [OpaquePointer?] = databases.map(\.handle)
        var sources: [UInt32] = []
        var hits = try ask(queries: shape.count, k: k, queries.scalar, params) { p, ids, distances, counts, e in
            sources = [UInt32](repeating: 0, count: shape.count * k)
            return queries.withMemory {
                vdb_search_many(
                    handles, handles.count, $0, shape.count, shape.dim, shape.stride, k, p, ids, distances, &sources, counts, e)
            }
        }
        hits.sources = sources
        // The handles are those of objects that must be there until the call is over.
        withExtendedLifetime(databases) {}
        return hits
    }

    /// A measured recall and its 95 % confidence interval, all from 0 to 1.
    public struct Recall: Equatable, Sendable {
        public let value, low, high: Double
    }

    /// Measures how many of the true `k` nearest rows a search with these parameters finds, by comparing with an exact search of
    /// each query.
    public func measureRecall(_ queries: Vectors, k: Int, params: SearchParams? = nil, task: VDBTask? = nil) throws(VDBError) -> Recall {
        let shape = try queries.shape(rows: 1, dim: dim)
        return try measure(k, queries.scalar, params) { p, recall, low, high, e in
            queries.withMemory {
                vdb_measure_recall(handle, $0, shape.count, shape.dim, shape.stride, k, p, recall, low, high, task?.handle, e)
            }
        }
    }

    /// The same with some stored rows for queries, each looked for apart from itself.
    public func measureRecall(ofRows rows: Int, k: Int, params: SearchParams? = nil, task: VDBTask? = nil) throws(VDBError) -> Recall {
        guard rows >= 0 else { throw VDBError(.outOfRange, "the recall of \(rows) rows: there cannot be less than none") }
        return try measure(k, nil, params) { p, recall, low, high, e in
            vdb_measure_recall(handle, nil, rows, 0, 0, k, p, recall, low, high, task?.handle, e)
        }
    }

    private typealias Measurement = (
        UnsafePointer<vdb_search_params_t>, UnsafeMutablePointer<Double>, UnsafeMutablePointer<Double>, UnsafeMutablePointer<Double>,
        UnsafeMutablePointer<vdb_error_t>
    ) -> vdb_status_t

    private func measure(_ k: Int, _ scalar: Scalar?, _ params: SearchParams?, _ call: Measurement) throws(VDBError) -> Recall {
        guard k >= 0 else { throw VDBError(.outOfRange, "k is \(k): it cannot be negative") }
        var p = try SearchParams.native(params, scalar)
        var value = 0.0
        var low = 0.0
        var high = 0.0
        try checked { call(&p, &value, &low, &high, $0) }
        return Recall(value: value, low: low, high: high)
    }
}

/// NULL where there are none.
typealias Places<T> = UnsafeMutablePointer<T>?
typealias Filling = (Places<UInt64>, Places<Float>, Places<UInt32>, UnsafeMutablePointer<vdb_error_t>) -> vdb_status_t

extension Hits {
    /// Makes a call that fills the places there are.
    @inline(__always)
    mutating func fill(_ call: Filling) throws(VDBError) {
        // Through buffers, which take an array out of its place and put it back; pointers to it would be counted.
        isPartial =
            try checked { e in
                ids.withUnsafeMutableBufferPointer { ids in
                    distances.withUnsafeMutableBufferPointer { distances in
                        counts.withUnsafeMutableBufferPointer { call(ids.baseAddress, distances.baseAddress, $0.baseAddress, e) }
                    }
                }
            } == .partial
    }

    /// Makes a search into what is there, of which nothing is left where it failed.
    @inline(__always)
    fileprivate mutating func orNone(_ search: (inout Hits) throws(VDBError) -> Void) throws(VDBError) {
        do throws(VDBError) {
            try search(&self)
        } catch {
            self = Hits()
            throw error
        }
    }
}

/// Makes a search that fills `k` places for each of some queries.
private func ask(
    queries: Int, k: Int, _ scalar: Scalar?, _ params: SearchParams?,
    _ call: (UnsafePointer<vdb_search_params_t>, Places<UInt64>, Places<Float>, Places<UInt32>, UnsafeMutablePointer<vdb_error_t>)
        -> vdb_status_t
) throws(VDBError) -> Hits {
    var p = try SearchParams.native(params, scalar)
    var hits = try Hits(queries: queries, k: k)
    try hits.fill { call(&p, $0, $1, $2, $3) }
    return hits
}
