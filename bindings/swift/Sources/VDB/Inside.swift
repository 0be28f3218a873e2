import CVDB

/// How a search went and why. `json` has more: the header describes its members (vdb_explain).
public struct Explanation: Sendable {
    private struct Told: Decodable {
        let plan, why: String
        let complete: Bool
        let found: Int
        let advice: [String]
    }

    /// How rows were looked for: "scan", "pick", "walk", "walk through" or "walk over".
    public let plan: String
    /// What decided on that, in words.
    public let why: String
    /// False where the search was stopped: by its deadline, its task or its memory.
    public let complete: Bool
    /// Rows found.
    public let found: Int
    /// What would help, most important first; often nothing.
    public let advice: [String]
    /// All of it, as the library told it.
    public let json: String

    init(_ json: String) throws(VDBError) {
        let told: Told = try report(json)
        (plan, why, complete, found, advice) = (told.plan, told.why, told.complete, told.found, told.advice)
        self.json = json
    }
}

extension Database {
    /// Statistics at this moment.
    public func stats() throws(VDBError) -> Stats {
        var stats = vdb_stats_t()
        stats.struct_size = UInt32(MemoryLayout<vdb_stats_t>.size)
        try checked { vdb_stats_get(handle, &stats, $0) }
        return Stats(stats)
    }

    /// How long calls of one kind took since the database was opened.
    public func latency(of call: Call) throws(VDBError) -> Latency {
        var latency = vdb_latency_t()
        latency.struct_size = UInt32(MemoryLayout<vdb_latency_t>.size)
        try checked { vdb_latency_get(handle, call.rawValue, &latency, $0) }
        return Latency(latency)
    }

    /// Searches for the `k` nearest rows of one query as ``search(_:k:params:)`` would, and tells how it went and why.
    public func explain(_ query: Vectors, k: Int, params: SearchParams? = nil) throws(VDBError) -> Explanation {
        let dim = try query.one("an explanation", of: self)
        guard k >= 0 else { throw VDBError(.outOfRange, "k is \(k): it cannot be negative") }
        var p = try SearchParams.native(params, query.scalar)
        return try Explanation(
            try written(capacity: Database.explainMax) { json, capacity, length, e in
                query.withMemory { vdb_explain(handle, $0, dim, k, &p, json, capacity, length, e) }
            })
    }

    /// Tells about the columns of metadata, those that were declared (``Option/columns``) and those that filters looked at: a JSON object
    /// whose members the header describes (vdb_columns_get).
    public func columns() throws(VDBError) -> String {
        try written(capacity: 4096) { vdb_columns_get(handle, $0, $1, $2, $3) }
    }

    /// Takes the lines out of the log of the database that came since it was read last; each goes to one reader. vdb_log_read in
    /// the header says what is in them.
    public func readLog() throws(VDBError) -> [String] {
        var lines: [String] = []
        while true {
            let some = try written(capacity: 16 * 1024) { vdb_log_read(handle, $0, $1, $2, $3) }
            if some.isEmpty { return lines }
            lines += some.split(separator: "\n").map(String.init)
        }
    }

    /// Forgets the answers that are kept for later searches (``Option/cacheBytes``) and gives their memory back.
    public func clearCache() throws(VDBError) {
        try checked { vdb_cache_clear(handle, $0) }
    }
}
