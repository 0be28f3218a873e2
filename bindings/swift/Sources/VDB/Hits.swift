/// A row that a search found.
public struct Hit: Equatable, Hashable, Sendable {
    public let id: UInt64
    public let distance: Float

    public init(id: UInt64, distance: Float) {
        self.id = id
        self.distance = distance
    }
}

/// What a search found: `k` places for each query in flat arrays, nearest first; `hits[0]` has the rows of the first query.
public struct Hits: Equatable, Sendable {
    /// Places of a query.
    public internal(set) var k = 0
    /// `k` for each query; those left over are ``Database/idNone``.
    public internal(set) var ids: [UInt64] = []
    /// `k` for each query; those left over are infinite.
    public internal(set) var distances: [Float] = []
    /// The number of rows found of each query.
    public internal(set) var counts: [UInt32] = []
    /// For each place the database that the row is from, of ``Database/searchMany(_:_:k:params:)`` only.
    public internal(set) var sources: [UInt32] = []
    /// The search was stopped by its deadline or task, or kept to its memory: what is there is valid, but it is not all.
    public internal(set) var isPartial = false
    /// A range search found more than there are places: the nearest are there.
    public internal(set) var hasMore = false

    /// No hits; for searches that write into what is there.
    public init() {}
}

extension Hits: RandomAccessCollection {
    /// The rows of one query, nearest first.
    public struct Query: RandomAccessCollection, Sendable {
        fileprivate let idPlaces: ArraySlice<UInt64>
        fileprivate let distancePlaces: ArraySlice<Float>
        fileprivate let sourcePlaces: ArraySlice<UInt32>

        /// Arrays of their own, counted from 0; those of ``Hits`` are there without a copy.
        public var ids: [UInt64] { Array(idPlaces) }
        public var distances: [Float] { Array(distancePlaces) }
        /// The databases of the rows, of a search of many only.
        public var sources: [UInt32] { Array(sourcePlaces) }

        public var startIndex: Int { 0 }
        public var endIndex: Int { idPlaces.count }
        public subscript(index: Int) -> Hit {
            Hit(id: idPlaces[idPlaces.startIndex + index], distance: distancePlaces[distancePlaces.startIndex + index])
        }
    }

    public var startIndex: Int { 0 }
    public var endIndex: Int { counts.count }
    public subscript(query: Int) -> Query {
        let places = query * k..<query * k + Int(counts[query])
        return Query(
            idPlaces: ids[places], distancePlaces: distances[places], sourcePlaces: sources.isEmpty ? [] : sources[places])
    }
}

extension Hits {
    /// Room for the hits of some queries.
    init(queries: Int, k: Int) throws(VDBError) {
        try reserve(queries: queries, k: k)
    }

    /// The hits of one query.
    init(ids: ArraySlice<UInt64>, distances: ArraySlice<Float>) {
        k = ids.count
        self.ids = Array(ids)
        self.distances = Array(distances)
        counts = [UInt32(ids.count)]
    }

    /// Makes room for the hits of some queries, in the arrays that are there where they have the size.
    @inline(__always)
    mutating func reserve(queries: Int, k: Int) throws(VDBError) {
        guard 0...Database.maxK ~= k else { throw VDBError(.limit, "k is \(k): 0 to \(Database.maxK) is possible") }
        let (places, overflow) = queries.multipliedReportingOverflow(by: k)
        if overflow || ids.count != places {
            // An id, a distance and the database that it is from.
            try room(for: queries, "queries with k = \(k)", bytes: k * 16)
            ids = Hits.zeros(places)
        }
        self.k = k
        isPartial = false
        hasMore = false
        if distances.count != places { distances = Hits.zeros(places) }
        if counts.count != queries { counts = Hits.zeros(queries) }
        if !sources.isEmpty { sources = [] }
    }

    /// A copy of a collection, since other ways to make an array of a size look its type up each time, which takes 40 ns.
    private static func zeros<T: ExpressibleByIntegerLiteral>(_ count: Int) -> [T] {
        Array(repeatElement(0, count: count))
    }

    /// Keeps the first `count` queries.
    mutating func truncate(queries count: Int) {
        counts.removeLast(counts.count - count)
        ids.removeLast(ids.count - count * k)
        distances.removeLast(distances.count - count * k)
    }
}
