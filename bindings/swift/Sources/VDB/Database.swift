import CVDB
import Dispatch

/// An open database. Any number of threads and tasks may use it at any time: writers queue, a search works on one
/// consistent state and never waits for a writer.
///
/// Close it with ``close()``; one that is forgotten is closed when its last reference goes.
public final class Database: @unchecked Sendable {
    // A number, not an address: the library knows when it was closed (R5 of the header), so that nothing here has to
    // be locked.
    let handle: OpaquePointer
    /// Components of a vector.
    public let dim: Int
    /// What "near" means.
    public let metric: Metric
    /// The type of the components that are stored.
    public let scalar: Scalar
    /// Bytes of a vector of that type.
    let rowBytes: Int

    /// Opens the database in the directory `path`, or makes one there; see vdb_open in the header. A new one needs
    /// ``Option/dim``.
    public convenience init(path: String, options: Options = [:]) throws(VDBError) {
        try terminated("path", path)
        try self.init(at: path, options)
    }

    /// Makes an empty database in memory.
    public static func inMemory(_ options: Options) throws(VDBError) -> Database {
        try Database(at: nil, options)
    }

    private init(at path: String?, _ options: Options) throws(VDBError) {
        let abi = Int(vdb_abi_version())
        guard abi == Database.abiVersion else {
            throw VDBError(
                .unsupported,
                "libvdb \(Database.libraryVersion) has ABI \(abi), this package was made for \(Database.abiVersion): "
                    + "install the library of the package's version")
        }
        let set = try OptionSetHandle(options)
        let handle = try made { vdb_open(path, set.handle, $0, $1) }
        do throws(VDBError) {
            dim = Int(try Database.value(of: .dim, in: handle))
            metric = try known("metric", try Database.value(of: .metric, in: handle))
            scalar = try known("scalar", try Database.value(of: .scalar, in: handle))
        } catch {
            vdb_close(handle, nil)
            throw error
        }
        rowBytes = scalar.bytes(dim: dim)
        self.handle = handle
    }

    deinit {
        // Does nothing when it was closed already. Inside a watcher, which the call in progress is waiting for, another thread has to.
        guard vdb_close(handle, nil) == Status.busy.rawValue else { return }
        let number = UInt(bitPattern: handle)
        DispatchQueue(label: "vdb").async { vdb_close(OpaquePointer(bitPattern: number), nil) }
    }

    /// Waits for calls in progress, makes everything durable and gives the database back. It is closed whatever is
    /// thrown. Calls after this one throw `Status.closed`, also a second `close`.
    public func close() throws(VDBError) {
        try checked { vdb_close(handle, $0) }
    }

    /// The value in force of an option that is a whole number, a switch or an enum.
    public func value(of option: Option) throws(VDBError) -> UInt64 {
        try Database.value(of: option, in: handle)
    }

    private static func value(of option: Option, in handle: OpaquePointer) throws(VDBError) -> UInt64 {
        var value: UInt64 = 0
        try checked { vdb_option_get_u64(handle, option.rawValue, &value, $0) }
        return value
    }

    /// The value in force of an option that is a fraction.
    public func fraction(of option: Option) throws(VDBError) -> Double {
        var value = Double.nan
        try checked { vdb_option_get_f64(handle, option.rawValue, &value, $0) }
        return value
    }

    /// The value in force of an option that is a text.
    public func text(of option: Option) throws(VDBError) -> String {
        try written(capacity: 1024) { vdb_option_get_text(handle, option.rawValue, $0, $1, $2, $3) }
    }
}

/// The enum value that the library means.
private func known<E: RawRepresentable>(_ what: String, _ value: UInt64) throws(VDBError) -> E where E.RawValue == UInt32 {
    guard let value32 = UInt32(exactly: value), let known = E(rawValue: value32) else {
        throw VDBError(.unsupported, "the database has \(what) \(value), which this package does not know: use a newer one")
    }
    return known
}

// MARK: The library

extension Database {
    /// The version of the library that was loaded, e.g. "0.1.0".
    public static var libraryVersion: String { String(cString: vdb_version_string()) }

    /// The same as major << 16 | minor << 8 | patch.
    public static var libraryVersionNumber: Int { Int(vdb_version_number()) }

    /// Facts about the library as a JSON object: version, ABI, target, and the instruction set of the distance kernels that
    /// this processor gets.
    public static func buildInfo() throws(VDBError) -> String {
        try written(capacity: 512) { vdb_build_info($0, $1, $2, $3) }
    }
}

typealias TextCall = (
    UnsafeMutablePointer<CChar>?, Int, UnsafeMutablePointer<Int>, UnsafeMutablePointer<vdb_error_t>
) -> vdb_status_t

/// Makes a call that writes a text, into a buffer that is enlarged where it was too small.
func written(capacity: Int, _ call: TextCall) throws(VDBError) -> String {
    var (text, error) = read(capacity: capacity, call)
    while let failure = error, failure.code == .bufferTooSmall, text.capacity > capacity {
        (text, error) = read(capacity: text.capacity, call)
    }
    if let error { throw error }
    return text.string
}

/// What a call wrote, which it may have done along with an error, and the capacity that it asks for.
func read(capacity: Int, _ call: TextCall) -> (text: (string: String, capacity: Int), error: VDBError?) {
    var buffer = [CChar](repeating: 0, count: capacity)
    var length = 0
    var failure: VDBError?
    do throws(VDBError) {
        try checked { call(&buffer, capacity, &length, $0) }
    } catch {
        failure = error
    }
    let written = length < capacity ? length : 0
    let string = buffer.withUnsafeBytes { String(decoding: $0.prefix(written), as: UTF8.self) }
    return ((string, length + 1), failure)
}
