import CVDB
import Dispatch
import Synchronization

/// What a long call asks whether to go on, and tells how far it is. One serves one call after the other; once cancelled it
/// stays cancelled. Any thread may cancel it and look at its progress.
public final class VDBTask: @unchecked Sendable {
    /// Units done and in total.
    public struct Progress: Equatable, Sendable {
        public let done, total: Int
    }

    /// What is told of progress; false cancels the call.
    public typealias Watcher = @Sendable (Progress) -> Bool

    // The library gets its address, which a call may hold while the watcher in it is replaced.
    private final class Box: Sendable {
        let watcher = Mutex<Watcher?>(nil)
        let isCancelled = Atomic(false)
    }

    let handle: OpaquePointer
    private let box = Box()

    public init() throws(VDBError) {
        handle = try made { vdb_task_new($0, $1) }
    }

    deinit { vdb_task_free(handle) }

    /// Asks the call to stop soon: a write or a job then changes nothing and throws `Status.cancelled`, a search returns
    /// what it has (``Hits/isPartial``). Of an import, the batches that it wrote before stay.
    public func cancel() {
        // First, so that what the library broke off finds it.
        box.isCancelled.store(true, ordering: .sequentiallyConsistent)
        vdb_task_cancel(handle)
    }

    /// Whether it was cancelled, which the library does not tell.
    var isCancelled: Bool { box.isCancelled.load(ordering: .sequentiallyConsistent) }

    /// How far the call is; 0 of 0 before it starts.
    public var progress: Progress {
        var done: UInt64 = 0
        var total: UInt64 = 0
        vdb_task_progress(handle, &done, &total)
        return Progress(done: Int(clamping: done), total: Int(clamping: total))
    }

    /// Sets what a long call tells at each step, on the thread that makes the call; nil removes it. It may not use the
    /// library but for this task's `cancel` and `progress`. A search tells nothing.
    ///
    /// The task keeps the closure until it gets another or nil: one that uses the task itself has it as `[weak task]`, or both stay.
    public func watch(_ watcher: Watcher?) throws(VDBError) {
        let user = Unmanaged.passUnretained(box).toOpaque()
        try checked { vdb_task_on_progress(handle, watcher == nil ? nil : VDBTask.step, user, $0) }
        // What the one before kept goes after the lock is given back: it may be the last that has another task.
        _ = box.watcher.withLock { current in
            let before = current
            current = watcher
            return before
        }
    }

    private static let step: @convention(c) (UnsafeMutableRawPointer?, UInt64, UInt64) -> Int32 = { user, done, total in
        guard let user else { return 1 }
        let box = Unmanaged<Box>.fromOpaque(user).takeUnretainedValue()
        guard let watcher = box.watcher.withLock({ $0 }) else { return 1 }
        if watcher(Progress(done: Int(clamping: done), total: Int(clamping: total))) { return 1 }
        // At the end it is too late.
        if done < total { box.isCancelled.store(true, ordering: .sequentiallyConsistent) }
        return 0
    }
}

// MARK: Swift's tasks

extension VDBTask {
    /// Makes a long call on a thread of its own and not on one of those that Swift's tasks share, and cancels it when the task
    /// that waits is cancelled:
    ///
    ///     let hits = try await VDBTask.run { try db.search(queries, k: 10, params: SearchParams(task: $0)) }
    ///
    /// It throws what `call` throws.
    public static func run<Value: Sendable>(
        progress: Watcher? = nil, _ call: @escaping @Sendable (VDBTask) throws -> Value
    ) async throws -> Value {
        let task = try VDBTask()
        try task.watch(progress)
        return try await task.run { try call(task) }
    }

    /// A long call that ``start(_:)`` began. Like a task of Swift it goes on when nobody waits for it.
    public struct Job<Value: Sendable>: Sendable {
        /// How far the call is, step by step: ends with the call, and has the newest step for who comes late.
        public let progress: AsyncStream<Progress>
        fileprivate let work: Task<Value, any Error>

        /// Waits for the end of the call: what it returned, or its error. Cancels it when the task that waits is cancelled.
        public var value: Value {
            get async throws {
                try await withTaskCancellationHandler {
                    try await work.value
                } onCancel: {
                    work.cancel()
                }
            }
        }

        /// Asks the call to stop soon: ``VDBTask/cancel()``.
        public func cancel() { work.cancel() }
    }

    /// Begins a long call on a thread of its own and returns, so that its progress can be followed meanwhile:
    ///
    ///     let backup = try VDBTask.start { try db.backup(to: "backup", task: $0) }
    ///     for await step in backup.progress { print("\(step.done) of \(step.total) bytes") }
    ///     try await backup.value
    public static func start<Value: Sendable>(
        _ call: @escaping @Sendable (VDBTask) throws -> Value
    ) throws(VDBError) -> Job<Value> {
        let task = try VDBTask()
        let (progress, steps) = AsyncStream.makeStream(of: Progress.self, bufferingPolicy: .bufferingNewest(1))
        try task.watch { step in
            steps.yield(step)
            return true
        }
        let work = Task {
            defer { steps.finish() }
            return try await task.run { try call(task) }
        }
        return Job(progress: progress, work: work)
    }

    /// The same as `run` for a call of this package alone.
    static func waiting<Value: Sendable>(
        _ progress: Watcher?, _ call: @escaping @Sendable (VDBTask) throws(VDBError) -> Value
    ) async throws(VDBError) -> Value {
        let task = try VDBTask()
        try task.watch(progress)
        return try await task.run { () throws(VDBError) in try call(task) }
    }

    /// Makes a call on a thread of its own, and is cancelled with the task that waits, unless that is another's business.
    func run<Value: Sendable, Failure: Error>(
        cancelled: Bool = true, _ call: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let result: Result<Value, Failure> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // A queue of its own has a thread of its own. The global ones have no more than there are cores, which Swift's
                // tasks need too: a few long calls would stop all of them.
                DispatchQueue(label: "vdb").async { continuation.resume(returning: Result(catching: call)) }
            }
        } onCancel: {
            if cancelled { cancel() }
        }
        return try result.get()
    }
}
