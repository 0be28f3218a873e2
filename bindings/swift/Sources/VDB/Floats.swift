// Floats are what most programs have: calls that take vectors take an array of them as it is.

extension Database {
    /// Inserts rows of floats, one after the other.
    public func insert(ids: [UInt64], _ vectors: [Float], task: VDBTask? = nil) throws(VDBError) {
        try insert(ids: ids, .f32(vectors), task: task)
    }

    /// Inserts or replaces rows of floats, one after the other.
    public func upsert(ids: [UInt64], _ vectors: [Float], task: VDBTask? = nil) throws(VDBError) {
        try upsert(ids: ids, .f32(vectors), task: task)
    }

    /// The `k` nearest rows of one query.
    public func search(_ query: [Float], k: Int, params: SearchParams? = nil) throws(VDBError) -> Hits {
        try search(.f32(query), k: k, params: params)
    }

    /// The same into the arrays of `hits`, which are used again where they have the size.
    public func search(_ query: [Float], k: Int, params: SearchParams? = nil, into hits: inout Hits) throws(VDBError) {
        try search(.f32(query), k: k, params: params, into: &hits)
    }

    /// The nearest `limit` rows whose distance to one query is at most `maxDistance`.
    public func searchRange(_ query: [Float], maxDistance: Float, limit: Int, params: SearchParams? = nil) throws(VDBError) -> Hits {
        try searchRange(.f32(query), maxDistance: maxDistance, limit: limit, params: params)
    }

    /// `k` rows that are near one query and not too near to each other.
    public func searchDiverse(_ query: [Float], k: Int, candidates: Int = 0, lambda: Float, params: SearchParams? = nil)
        throws(VDBError) -> Hits
    {
        try searchDiverse(.f32(query), k: k, candidates: candidates, lambda: lambda, params: params)
    }

    /// The best groups of rows near one query.
    public func searchGroups(_ query: [Float], by path: String, groups: Int, perGroup: Int, params: SearchParams? = nil)
        throws(VDBError) -> Hits
    {
        try searchGroups(.f32(query), by: path, groups: groups, perGroup: perGroup, params: params)
    }

    /// The `k` nearest rows of one query among those of all databases.
    public static func searchMany(_ databases: [Database], _ query: [Float], k: Int, params: SearchParams? = nil)
        throws(VDBError) -> Hits
    {
        try searchMany(databases, .f32(query), k: k, params: params)
    }

    /// A cursor through all rows, those nearest to one query first.
    public func cursor(_ query: [Float], params: SearchParams? = nil) throws(VDBError) -> Cursor {
        try cursor(.f32(query), params: params)
    }

    /// How a search with one query goes and why.
    public func explain(_ query: [Float], k: Int, params: SearchParams? = nil) throws(VDBError) -> Explanation {
        try explain(.f32(query), k: k, params: params)
    }
}

extension Records {
    /// Rows of floats, one after the other.
    public init(_ vectors: [Float], ids: [UInt64]? = nil, keys: Texts? = nil, meta: Texts? = nil) {
        self.init(.f32(vectors), ids: ids, keys: keys, meta: meta)
    }
}
