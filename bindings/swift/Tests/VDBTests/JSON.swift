import Foundation

/// JSON as the files of testdata have it.
enum JSON: Equatable, Sendable {
    case null
    case bool(Bool)
    case number(Double)
    case text(String)
    case list([JSON])
    case object([String: JSON])

    static func read(_ text: String) throws -> JSON {
        try JSONDecoder().decode(JSON.self, from: Data(text.utf8))
    }

    static func numbers(_ values: some Sequence<some BinaryFloatingPoint>) -> JSON { .list(values.map { .number(Double($0)) }) }
    static func numbers(_ values: some Sequence<some BinaryInteger>) -> JSON { .list(values.map { .number(Double($0)) }) }
    static func ids(_ values: some Sequence<UInt64>) -> JSON { .list(values.map { .text(String($0)) }) }

    /// Texts with null for an empty one.
    static func texts(_ values: some Sequence<String>) -> JSON { .list(values.map { $0.isEmpty ? .null : .text($0) }) }

    subscript(name: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members[name]
    }

    var number: Double? { if case .number(let value) = self { value } else { nil } }
    var text: String? { if case .text(let value) = self { value } else { nil } }
    var list: [JSON]? { if case .list(let value) = self { value } else { nil } }
    var object: [String: JSON]? { if case .object(let value) = self { value } else { nil } }
    var isTrue: Bool { self == .bool(true) }
}

extension JSON: Codable {
    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else if let text = try? value.decode(String.self) {
            self = .text(text)
        } else if let list = try? value.decode([JSON].self) {
            self = .list(list)
        } else {
            self = .object(try value.decode([String: JSON].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .null: try value.encodeNil()
        case .bool(let bool): try value.encode(bool)
        case .number(let number): try value.encode(number)
        case .text(let text): try value.encode(text)
        case .list(let list): try value.encode(list)
        case .object(let object): try value.encode(object)
        }
    }

    /// The members of a struct of numbers, texts, booleans and structs, by their names without case.
    init(of value: Any) {
        switch value {
        case let value as Bool: self = .bool(value)
        case let value as any BinaryInteger: self = .number(Double(value))
        case let value as Double: self = .number(value)
        case let value as String: self = .text(value)
        case let value as [Any]: self = .list(value.map(JSON.init(of:)))
        default:
            let mirror = Mirror(reflecting: value)
            if mirror.displayStyle == .optional {
                self = mirror.children.first.map { JSON(of: $0.value) } ?? .null
            } else {
                self = .object(
                    Dictionary(mirror.children.map { (JSON.plain($0.label ?? ""), JSON(of: $0.value)) }, uniquingKeysWith: { $1 }))
            }
        }
    }

    /// graph_nodes and graphNodes are one name.
    static func plain(_ name: String) -> String { name.lowercased().filter { $0 != "_" } }
}
