import CVDB

/// How a search runs. Those left out are the defaults.
public struct SearchParams: Sendable {
    /// Breadth of the graph search; 0 means ``Option/efSearch``. At least k is used.
    public var ef: Int
    /// Share of the true neighbours to find on average, instead of an `ef`; 0 means ``Option/targetRecall``.
    public var targetRecall: Float
    /// Candidates whose exact distance is computed; 0 means max(2k, k + 10).
    public var rerank: Int
    public var flags: SearchFlags
    /// Ends a search after so much time with what it has, see ``Hits/isPartial``.
    public var deadline: Duration?
    /// Rows that may be results; nil means all.
    public var filter: Filter?
    /// The state to search; nil means the newest.
    public var snapshot: Snapshot?
    /// Working memory in bytes that each query may take; 0 means no limit but ``Option/maxMemory``.
    public var maxMemory: Int
    /// Cancels the search, which then returns what it has.
    public var task: VDBTask?

    public init(
        ef: Int = 0, targetRecall: Float = 0, rerank: Int = 0, flags: SearchFlags = [], deadline: Duration? = nil,
        filter: Filter? = nil, snapshot: Snapshot? = nil, maxMemory: Int = 0, task: VDBTask? = nil
    ) {
        self.ef = ef
        self.targetRecall = targetRecall
        self.rerank = rerank
        self.flags = flags
        self.deadline = deadline
        self.filter = filter
        self.snapshot = snapshot
        self.maxMemory = maxMemory
        self.task = task
    }
}

extension SearchParams {
    /// What the library reads. A scalar of nil is for searches that have no query components. The handles in it are those of
    /// objects that `self` keeps.
    func native(_ scalar: Scalar?) throws(VDBError) -> vdb_search_params_t {
        var c = vdb_search_params_t()
        c.struct_size = UInt32(MemoryLayout<vdb_search_params_t>.size)
        guard let ef = UInt32(exactly: ef), let rerank = UInt32(exactly: rerank), maxMemory >= 0 else {
            throw VDBError(
                .outOfRange,
                "ef = \(ef), rerank = \(rerank), maxMemory = \(maxMemory): none may be negative, nor the first two above \(UInt32.max)")
        }
        c.ef = ef
        c.query_scalar = scalar?.rawValue ?? 0
        c.flags = flags.rawValue
        c.rerank = rerank
        c.target_recall = targetRecall
        c.deadline_us = try deadline?.microseconds() ?? 0
        c.task = task?.handle
        c.filter = filter?.handle
        c.snapshot = snapshot?.handle
        c.max_memory = UInt64(maxMemory)
        return c
    }

    /// The same of parameters that may be left out.
    static func native(_ params: SearchParams?, _ scalar: Scalar?) throws(VDBError) -> vdb_search_params_t {
        try (params ?? SearchParams()).native(scalar)
    }
}

extension Duration {
    /// Rounded up: less than a microsecond is still a limit.
    func microseconds() throws(VDBError) -> UInt64 {
        guard self >= .zero else { throw VDBError(.outOfRange, "a deadline of \(self) has passed before it began") }
        let (seconds, attoseconds) = components
        let (micros, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000)
        return overflow ? .max : max(1, micros &+ UInt64((attoseconds + 999_999_999_999) / 1_000_000_000_000))
    }
}
