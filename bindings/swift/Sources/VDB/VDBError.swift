import CVDB

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a failed call throws.
public struct VDBError: Error, Sendable {
    /// What kind of failure it is: `catch { guard error.code == .notFound else { throw error } ... }`.
    ///
    /// Swift 6.0 breaks down on `catch where error.code == ...`, with "SIL verification failed".
    public let code: Status
    /// What failed, the value, the limit and what to do.
    public let message: String
    /// The row of the batch that is to blame, or the byte of a filter, if there is one.
    public let item: Int?
    /// The operating system's error number, or 0.
    public let osError: Int32
    /// What a check found that threw `Status.corrupt`.
    public var report: CheckReport? { reports.first }

    // An array is one word that costs nothing while it is empty.
    var reports: [CheckReport] = []
}

extension VDBError {
    /// An error that was noticed before the library was asked.
    init(_ code: Status, _ message: String) {
        self.init(code: code, message: message, item: nil, osError: 0)
    }

    /// The record of a call that failed.
    init(_ record: vdb_error_t) {
        let message = withUnsafeBytes(of: record.message) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        let item = record.item == .max ? nil : Int(clamping: record.item)
        self.init(code: Status(rawValue: record.code), message: message, item: item, osError: record.os_error)
    }
}

extension VDBError: CustomStringConvertible {
    public var description: String { "\(message) (\(code))" }
}

extension VDBError: LocalizedError {
    public var errorDescription: String? { message }
}

extension Status: CustomStringConvertible {
    /// The name in the header, e.g. "VDB_ERR_NOT_FOUND".
    public var description: String { String(cString: vdb_status_name(rawValue)) }
}

/// Makes a call with an error record, and throws what it says where the call failed.
@inline(__always) @discardableResult
func checked(_ call: (UnsafeMutablePointer<vdb_error_t>) -> vdb_status_t) throws(VDBError) -> Status {
    var record = vdb_error_t()
    record.struct_size = UInt32(MemoryLayout<vdb_error_t>.size)
    let status = call(&record)
    if status < 0 { throw VDBError(record) }
    return Status(rawValue: status)
}

/// Makes a call that makes a handle.
func made(_ call: (UnsafeMutablePointer<OpaquePointer?>, UnsafeMutablePointer<vdb_error_t>) -> vdb_status_t)
    throws(VDBError) -> OpaquePointer
{
    var handle: OpaquePointer?
    try checked { call(&handle, $0) }
    guard let handle else { throw VDBError(.internal, "the library made no handle and reported no error") }
    return handle
}

/// A text that C reads up to its first NUL must have none.
func terminated(_ what: String, _ text: String) throws(VDBError) {
    if text.utf8.contains(0) {
        throw VDBError(.invalidArgument, "\(what) \(text.debugDescription) has a NUL byte in it")
    }
}
