import CVDB

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Says which rows a search may return. Make one and use it often, from any thread: it remembers what it found out about
/// rows.
public final class Filter: @unchecked Sendable {
    let handle: OpaquePointer

    private init(_ handle: OpaquePointer) { self.handle = handle }

    deinit { vdb_filter_free(handle) }

    /// Only these rows pass.
    public convenience init(allow ids: [UInt64]) throws(VDBError) {
        self.init(try made { vdb_filter_ids(ids, ids.count, 1, $0, $1) })
    }

    /// All rows but these pass.
    public convenience init(deny ids: [UInt64]) throws(VDBError) {
        self.init(try made { vdb_filter_ids(ids, ids.count, 0, $0, $1) })
    }

    /// Rows pass whose metadata meets a condition, such as
    ///
    ///     year >= 1990 and genre in ('jazz', 'soul')
    ///
    /// docs/filters.md describes the language. A text with parameters ($1, $2, ...) needs values before it is used, see
    /// ``bind(_:)``. The item of a `Status.filterSyntax` is the byte where it shows.
    public convenience init(_ condition: String) throws(VDBError) {
        let bytes = Array(condition.utf8)
        self.init(try made { out, e in withCharacters(bytes) { vdb_filter_parse($0, bytes.count, out, e) } })
    }

    /// The filter with values for its parameters: the first stands for $1. Values are texts, numbers, booleans and
    /// dates, which are milliseconds since 1970; after `in` also arrays of these. Any number of filters can be made out of one.
    public func bind(_ values: any Encodable...) throws(VDBError) -> Filter {
        let encoder = JSONEncoder.ofMetadata()
        var list = "["
        for value in values {
            guard let text = try? encoder.encode(value) else {
                throw VDBError(.invalidArgument, "\(value) cannot be the value of a filter: texts, numbers, booleans and dates can")
            }
            list += (list == "[" ? "" : ",") + String(decoding: text, as: UTF8.self)
        }
        return try bind(json: list + "]")
    }

    /// The same with the values as a JSON array.
    public func bind(json values: String) throws(VDBError) -> Filter {
        let bytes = Array(values.utf8)
        return Filter(try made { out, e in withCharacters(bytes) { vdb_filter_bind(handle, $0, bytes.count, out, e) } })
    }

    /// Gives the filter back before its last reference goes; calls that use it go on.
    public func close() {
        vdb_filter_free(handle)
    }
}
