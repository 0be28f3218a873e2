import CVDB

/// How a search runs. Those left out are the defaults.
public struct SearchParams: Sendable {
    /// What there is, in an object that changes only while nobody else has it: a structure of this size is copied field by field, and
    /// its optionals by calls of the runtime, by each function it goes through.
    private final class Box: @unchecked Sendable {
        var ef, rerank, maxMemory: Int
        var targetRecall: Float
        var flags: SearchFlags
        var deadline: Duration?
        var filter: Filter?
        var snapshot: Snapshot?
        var task: VDBTask?

        init(
            _ ef: Int, _ targetRecall: Float, _ rerank: Int, _ flags: SearchFlags, _ deadline: Duration?, _ filter: Filter?,
            _ snapshot: Snapshot?, _ maxMemory: Int, _ task: VDBTask?
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

    private var box: Box

    /// The object, which others have no more.
    private mutating func own() -> Box {
        if !isKnownUniquelyReferenced(&box) {
            box = Box(ef, targetRecall, rerank, flags, deadline, filter, snapshot, maxMemory, task)
        }
        return box
    }

    /// Breadth of the graph search; 0 means ``Option/efSearch``. At least k is used.
    public var ef: Int {
        get { box.ef }
        set { own().ef = newValue }
    }
    /// Share of the true neighbours to find on average, instead of an `ef`; 0 means ``Option/targetRecall``.
    public var targetRecall: Float {
        get { box.targetRecall }
        set { own().targetRecall = newValue }
    }
    /// Candidates whose exact distance is computed; 0 means max(2k, k + 10), and with `pq` and `rabitq` codes
    /// max(10k, k + 50, ef).
    public var rerank: Int {
        get { box.rerank }
        set { own().rerank = newValue }
    }
    public var flags: SearchFlags {
        get { box.flags }
        set { own().flags = newValue }
    }
    /// Ends a search after so much time with what it has, see ``Hits/isPartial``.
    public var deadline: Duration? {
        get { box.deadline }
        set { own().deadline = newValue }
    }
    /// Rows that may be results; nil means all.
    public var filter: Filter? {
        get { box.filter }
        set { own().filter = newValue }
    }
    /// The state to search; nil means the newest.
    public var snapshot: Snapshot? {
        get { box.snapshot }
        set { own().snapshot = newValue }
    }
    /// Working memory in bytes that each query may take; 0 means no limit but ``Option/maxMemory``.
    public var maxMemory: Int {
        get { box.maxMemory }
        set { own().maxMemory = newValue }
    }
    /// Cancels the search, which then returns what it has.
    public var task: VDBTask? {
        get { box.task }
        set { own().task = newValue }
    }

    public init(
        ef: Int = 0, targetRecall: Float = 0, rerank: Int = 0, flags: SearchFlags = [], deadline: Duration? = nil,
        filter: Filter? = nil, snapshot: Snapshot? = nil, maxMemory: Int = 0, task: VDBTask? = nil
    ) {
        box = Box(ef, targetRecall, rerank, flags, deadline, filter, snapshot, maxMemory, task)
    }
}

extension SearchParams {
    /// What the library reads. A scalar of nil is for searches that have no query components. The handles in it are those of
    /// objects that `self` keeps.
    func native(_ scalar: Scalar?) throws(VDBError) -> vdb_search_params_t {
        var c = vdb_search_params_t(scalar)
        guard let ef = UInt32(exactly: box.ef), let rerank = UInt32(exactly: box.rerank), box.maxMemory >= 0 else {
            throw VDBError(
                .outOfRange,
                "ef = \(ef), rerank = \(rerank), maxMemory = \(maxMemory): none may be negative, nor the first two above \(UInt32.max)")
        }
        c.ef = ef
        c.flags = box.flags.rawValue
        c.rerank = rerank
        c.target_recall = box.targetRecall
        if let deadline = box.deadline { c.deadline_us = try deadline.microseconds() }
        c.task = box.task?.handle
        c.filter = box.filter?.handle
        c.snapshot = box.snapshot?.handle
        c.max_memory = UInt64(box.maxMemory)
        return c
    }

    /// The same of parameters that may be left out.
    static func native(_ params: SearchParams?, _ scalar: Scalar?) throws(VDBError) -> vdb_search_params_t {
        try params?.native(scalar) ?? vdb_search_params_t(scalar)
    }
}

extension vdb_search_params_t {
    /// Those of a search without any. A scalar of nil is for searches that have no query components.
    init(_ scalar: Scalar?) {
        self.init()
        struct_size = UInt32(MemoryLayout<vdb_search_params_t>.size)
        query_scalar = scalar?.rawValue ?? 0
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
