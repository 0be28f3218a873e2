import Foundation
import VDB

/// What is not as a file of testdata expects it.
struct Mismatch: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Runs the steps of one case.
final class Replayer {
    typealias Results = [String: JSON]

    /// What a call came to.
    struct Outcome {
        var results: Results = [:]
        var failure: VDBError?
        var status: String { failure.map { String("\($0.code)".dropFirst(4)) } ?? results["status"]?.text ?? "OK" }
    }

    let folder: URL
    var databases: [String: Database] = [:]
    var filters: [String: Filter] = [:]
    var tasks: [String: VDBTask] = [:]
    var cursors: [String: Cursor] = [:]
    var snapshots: [String: Snapshot] = [:]
    /// A line for each step.
    private(set) var transcript: [String] = []
    private var current: [String: JSON] = [:]
    private var used: Set<String> = []

    init(_ folder: URL) { self.folder = folder }

    /// Closes what is open.
    func close() {
        for database in databases.values { try? database.close() }
        for cursor in cursors.values { cursor.close() }
        for filter in filters.values { filter.close() }
        for snapshot in snapshots.values { snapshot.close() }
    }

    /// Runs steps until one is not as expected, and throws in what.
    func run(_ steps: [[String: JSON]]) throws {
        for (place, step) in steps.enumerated() {
            do {
                try run(step)
            } catch {
                throw Mismatch("step \(place), \(step["op"]?.text ?? ""): \(error)")
            }
        }
    }

    /// Runs a step and throws in what it is not as expected.
    func run(_ step: [String: JSON]) throws {
        current = step
        used = ["op", "expect"]
        let op = try text("op")
        var outcome = Outcome()
        do {
            outcome.results = try call(op)
        } catch let error as VDBError {
            outcome.failure = error
        }
        if let name = step.keys.first(where: { !used.contains($0) }) {
            throw Mismatch("\(name): an argument that the replayer does not know")
        }
        let expect = step["expect"]?.object ?? [:]
        transcript.append(try Notes.line(op, outcome, expected: expect))
        try judge(expect, outcome)
    }

    private func judge(_ expect: [String: JSON], _ outcome: Outcome) throws {
        let (status, failure) = (outcome.status, outcome.failure)
        var results = outcome.results
        let wanted = expect["status"]?.text ?? "OK"
        guard status == wanted else { throw Mismatch("\(status) \(failure?.message ?? ""), expected \(wanted)") }
        let (item, row) = (failure?.item, expect["item"].flatMap { $0.text.flatMap { Int($0) } ?? $0.number.map { Int($0) } })
        guard item == row else { throw Mismatch("item \(item as Any), expected \(row as Any)") }
        if let report = failure?.report { results["report"] = JSON(of: report) }
        for (name, value) in expect where name != "status" && name != "item" {
            if name == "message" {
                guard let text = value.text, failure?.message.contains(text) == true else {
                    throw Mismatch("\(failure?.message ?? "no message") does not contain \(value)")
                }
                continue
            }
            guard let result = results[name] else {
                if failure != nil { continue }
                throw Mismatch("\(name): an expectation that the replayer does not know")
            }
            guard same(name, result, value) else { throw Mismatch("\(name) is \(result), expected \(value)") }
        }
    }

    /// Compares what a call gave with what a file has.
    private func same(_ name: String, _ got: JSON, _ wanted: JSON) -> Bool {
        switch (got, wanted) {
        case (.object(let got), .object(let wanted)):
            return wanted.allSatisfy { field, value in
                guard let member = got[field] ?? got[JSON.plain(field)] else { return false }
                return same(field, member, value)
            }
        case (.list(let got), .list(let wanted)):
            return got.count == wanted.count && zip(got, wanted).allSatisfy { same(name, $0, $1) }
        case (.number(let got), .number(let wanted)) where name == "distances":
            return abs(got - wanted) <= 1e-4 * max(1, abs(wanted))
        default:
            return got == wanted
        }
    }

    // MARK: Arguments

    func argument(_ name: String) -> JSON? {
        used.insert(name)
        return current[name] == .null ? nil : current[name]
    }

    /// The list that the step expects.
    func expected(_ name: String) -> [JSON] { current["expect"]?[name]?.list ?? [] }

    func need<T>(_ name: String, _ value: T?) throws -> T {
        guard let value else { throw Mismatch("\(name): missing, or not what it should be") }
        return value
    }

    func text(_ name: String) throws -> String { try need(name, argument(name)?.text) }
    func number(_ name: String) throws -> Int { try need(name, argument(name)?.number.map { Int($0) }) }
    func float(_ name: String) throws -> Float { try need(name, argument(name)?.number.map { Float($0) }) }
    func database() throws -> Database { try need("db", databases[try text("db")]) }
    func path(_ name: String) throws -> String { inFolder(try text(name)) }

    func inFolder(_ path: String) -> String {
        path.isEmpty ? "" : folder.appendingPathComponent(path).path
    }

    func filter() throws -> Filter? { try argument("filter")?.text.map { try need("filter", filters[$0]) } }
    func task() throws -> VDBTask? { try argument("task")?.text.map { try need("task", tasks[$0]) } }
    func snapshot() throws -> Snapshot? { try argument("snapshot")?.text.map { try need("snapshot", snapshots[$0]) } }

    func ids(_ name: String = "ids") throws -> [UInt64] {
        try need(name, argument(name)?.list).map { try need(name, $0.text.flatMap { UInt64($0) }) }
    }

    func texts(_ name: String) -> Texts? {
        argument(name)?.list.map { list in Texts(list.map { $0.text ?? "" }) }
    }

    func scalar() throws -> Scalar? {
        guard let name = argument("scalar")?.text else { return nil }
        return try need("scalar", Scalar.allCases.first { "\($0)" == name })
    }

    func rows(_ name: String, of database: Database) throws -> Vectors {
        try vectors(try need(name, argument(name)?.list), of: database)
    }

    func query(of database: Database) throws -> Vectors {
        try vectors([try need("query", argument("query"))], of: database)
    }

    /// Lists of numbers, or texts of bytes in hexadecimal.
    private func vectors(_ rows: [JSON], of database: Database) throws -> Vectors {
        let scalar = try scalar() ?? .f32
        var dim = database.dim
        var bytes: [UInt8] = []
        for row in rows {
            if let text = row.text {
                let some = try need("rows", unhexed(text))
                bytes += some
                if scalar != .b1 { dim = some.count * 8 / width(scalar) }
            } else {
                let list = try need("rows", row.list?.map(\.number))
                dim = list.count
                for component in list { bytes += encoded(try need("rows", component), scalar) }
            }
        }
        switch scalar {
        case .f32: return .f32(words(bytes) { Float(bitPattern: $0) }, dim: dim)
        case .f16: return .f16(bits: words(bytes) { $0 }, dim: dim)
        case .bf16: return .bf16(bits: words(bytes) { $0 }, dim: dim)
        case .i8: return .i8(bytes.map { Int8(bitPattern: $0) }, dim: dim)
        case .u8: return .u8(bytes, dim: dim)
        case .b1: return .bits(bytes, dim: dim)
        }
    }

    func params() throws -> SearchParams? {
        guard let given = argument("params")?.object else { return nil }
        var params = SearchParams()
        for (name, value) in given {
            switch name {
            case "ef": params.ef = Int(try need(name, value.number))
            case "rerank": params.rerank = Int(try need(name, value.number))
            case "target_recall": params.targetRecall = Float(try need(name, value.number))
            case "max_memory": params.maxMemory = Int(try need(name, value.number))
            case "exact": if value.isTrue { params.flags.insert(.exact) }
            case "no_cache": if value.isTrue { params.flags.insert(.noCache) }
            case "filter": params.filter = try need(name, value.text.flatMap { filters[$0] })
            case "task": params.task = try need(name, value.text.flatMap { tasks[$0] })
            case "snapshot": params.snapshot = try need(name, value.text.flatMap { snapshots[$0] })
            default: throw Mismatch("\(name): a parameter that the replayer does not know")
            }
        }
        return params
    }

    /// Numbers stay numbers, so that the library's check of each kind is seen.
    func options() throws -> Options {
        var options: Options = [:]
        for (name, value) in argument("options")?.object ?? [:] {
            let option = try Option(named: name)
            switch value {
            case .number(let number): options[option] = number == number.rounded() && number >= 0 ? UInt64(number) : number
            case .bool(let bool): options[option] = bool
            case .text(let text): options[option] = text
            default: throw Mismatch("\(name): an option of a kind that the replayer does not know")
            }
        }
        return options
    }
}

// MARK: Bytes

func width(_ scalar: Scalar) -> Int {
    switch scalar {
    case .f32: 32
    case .f16, .bf16: 16
    case .i8, .u8: 8
    case .b1: 1
    }
}

private func encoded(_ x: Double, _ scalar: Scalar) -> [UInt8] {
    switch scalar {
    case .i8: [UInt8(bitPattern: Int8(x))]
    case .u8: [UInt8(x)]
    default: (0..<4).map { UInt8(truncatingIfNeeded: Float(x).bitPattern >> ($0 * 8)) }
    }
}

func words<Word: FixedWidthInteger, T>(_ bytes: [UInt8], _ make: (Word) -> T) -> [T] {
    let size = Word.bitWidth / 8
    return stride(from: 0, to: bytes.count, by: size).map { at in
        make((0..<size).reduce(Word(0)) { $0 | Word(bytes[at + $1]) << ($1 * 8) })
    }
}

private func unhexed(_ text: String) -> [UInt8]? {
    let digits = text.compactMap(\.hexDigitValue)
    guard digits.count == text.count, digits.count % 2 == 0 else { return nil }
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
}

/// A vector as the files have it.
func shown(_ bytes: [UInt8], _ scalar: Scalar) -> JSON {
    switch scalar {
    case .f32: .numbers(words(bytes) { Float(bitPattern: $0) })
    case .i8: .numbers(bytes.map { Int8(bitPattern: $0) })
    case .u8: .numbers(bytes)
    default: .text(bytes.map { String(format: "%02x", $0) }.joined())
    }
}
