#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The keys or the metadata of several rows, back to back. An empty text is none: it takes away what a row had.
///
/// Write them as `["kind of blue", "what's going on"]`; ``init(encoding:)`` makes metadata of values.
public struct Texts: Sendable, Equatable {
    /// All texts, as UTF-8.
    public internal(set) var bytes: [UInt8]
    /// Text i is `bytes[offsets[i]..<offsets[i + 1]]`.
    public internal(set) var offsets: [UInt64]

    public init(_ texts: some Sequence<String>) {
        bytes = []
        offsets = [0]
        for text in texts {
            bytes.append(contentsOf: text.utf8)
            offsets.append(UInt64(bytes.count))
        }
    }

    /// The JSON of values: the metadata of rows, each an object. nil is no metadata. A `Date` is written as a timestamp of the
    /// database: whole milliseconds since 1970.
    public init<Value: Encodable>(encoding values: some Sequence<Value?>) throws {
        let encoder = JSONEncoder.ofMetadata()
        bytes = []
        offsets = [0]
        for value in values {
            if let value { bytes.append(contentsOf: try encoder.encode(value)) }
            offsets.append(UInt64(bytes.count))
        }
    }

    init(capacity: Int, count: Int) {
        bytes = [UInt8](repeating: 0, count: capacity)
        offsets = [UInt64](repeating: 0, count: count + 1)
    }

    /// The bytes of a text, in an array of their own.
    public func utf8(_ index: Int) -> [UInt8] { Array(slice(index)) }

    private func slice(_ index: Int) -> ArraySlice<UInt8> {
        bytes[Int(offsets[index])..<Int(offsets[index + 1])]
    }

    /// Each text read as JSON; nil for an empty one. A `Date` is read from milliseconds since 1970.
    public func decoded<Value: Decodable>(as type: Value.Type) throws -> [Value?] {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .millisecondsSince1970
        return try indices.map { index in
            let text = slice(index)
            return text.isEmpty ? nil : try decoder.decode(type, from: Data(text))
        }
    }
}

extension Texts: RandomAccessCollection {
    public var startIndex: Int { 0 }
    public var endIndex: Int { offsets.count - 1 }
    public subscript(index: Int) -> String { String(decoding: slice(index), as: UTF8.self) }
}

extension Texts: ExpressibleByArrayLiteral {
    public init(arrayLiteral elements: String...) {
        self.init(elements)
    }
}

extension Texts {
    /// Text and offsets as the library reads them. The text is never NULL, which would be no texts at all.
    @inline(__always)
    func withMemory<R>(_ body: (UnsafePointer<CChar>, UnsafePointer<UInt64>) -> R) -> R {
        withCharacters(bytes) { body($0, offsets) }
    }
}

extension Texts? {
    /// nil is no texts at all, for which the library gets NULL twice.
    @inline(__always)
    func withMemory<R>(_ body: (UnsafePointer<CChar>?, UnsafePointer<UInt64>?) -> R) -> R {
        switch self {
        case .some(let texts): texts.withMemory { body($0, $1) }
        case .none: body(nil, nil)
        }
    }

    /// There must be as many as rows; further rules are the library's.
    func check(_ what: String, rows: Int) throws(VDBError) {
        if let self, self.count != rows {
            throw VDBError(.invalidArgument, "\(self.count) \(what) for \(rows) rows")
        }
    }
}

/// Bytes as the library reads texts, not NULL where there are none.
@inline(__always)
func withCharacters<R>(_ bytes: [UInt8], _ body: (UnsafePointer<CChar>) -> R) -> R {
    bytes.withUnsafeBufferPointer { buffer in
        guard let first = buffer.baseAddress, !buffer.isEmpty else {
            var nothing: CChar = 0
            return withUnsafePointer(to: &nothing, body)
        }
        return first.withMemoryRebound(to: CChar.self, capacity: buffer.count, body)
    }
}

extension JSONEncoder {
    /// Writes what the database keeps and compares: times as whole milliseconds since 1970, as a column of timestamps has them.
    static func ofMetadata() -> JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .custom { date, encoder in
            guard let milliseconds = Int64(exactly: (date.timeIntervalSince1970 * 1000).rounded()) else {
                let why = "no number of milliseconds since 1970"
                throw EncodingError.invalidValue(date, .init(codingPath: encoder.codingPath, debugDescription: why))
            }
            var container = encoder.singleValueContainer()
            try container.encode(milliseconds)
        }
        return encoder
    }
}
