import CVDB

/// What a database is opened with: `[.dim: 384, .metric: Metric.cosine, .readOnly: true]`. Texts are as in
/// configuration files: `[.metric: "cosine"]`.
public typealias Options = [Option: any OptionValue]

/// What an option can be set to: whole numbers, fractions, switches, the enums of this package, and texts.
public protocol OptionValue: Sendable {
    var setting: OptionSetting { get }
}

/// The value of an option as the library takes it.
public enum OptionSetting: Sendable {
    case whole(UInt64)
    case fraction(Double)
    case text(String)
    /// The number of an enum's value, and the option that has those values.
    case member(UInt32, of: Option)
    /// A number that no option can have.
    case negative(Int)
}

extension Int: OptionValue {
    public var setting: OptionSetting { self < 0 ? .negative(self) : .whole(UInt64(self)) }
}

extension UInt64: OptionValue {
    public var setting: OptionSetting { .whole(self) }
}

extension Double: OptionValue {
    public var setting: OptionSetting { .fraction(self) }
}

extension Bool: OptionValue {
    public var setting: OptionSetting { .whole(self ? 1 : 0) }
}

extension String: OptionValue {
    public var setting: OptionSetting { .text(self) }
}

extension Metric: OptionValue {
    public var setting: OptionSetting { .member(rawValue, of: .metric) }
}

extension Scalar: OptionValue {
    public var setting: OptionSetting { .member(rawValue, of: .scalar) }
}

extension Quant: OptionValue {
    public var setting: OptionSetting { .member(rawValue, of: .quant) }
}

extension Originals: OptionValue {
    public var setting: OptionSetting { .member(rawValue, of: .originals) }
}

extension Profile: OptionValue {
    public var setting: OptionSetting { .member(rawValue, of: .profile) }
}

extension Durability: OptionValue {
    public var setting: OptionSetting { .member(rawValue, of: .durability) }
}

extension WhenBehind: OptionValue {
    public var setting: OptionSetting { .member(rawValue, of: .whenBehind) }
}

extension LogLevel: OptionValue {
    public var setting: OptionSetting { .member(rawValue, of: .logLevel) }
}

/// A line of the library's table of options.
public struct OptionInfo: Sendable {
    public let option: Option
    /// How a value is set; nil for a kind that this package does not know.
    public let type: OptionType?
    public let flags: OptionFlags
    /// What configuration files call it, e.g. "hnsw.m".
    public let name: String
    /// One sentence.
    public let help: String
    /// Those of an enum, as "l2sq=1 ip=2".
    public let values: String
    public let defaultValue: Double
    public let range: ClosedRange<Double>

    init(_ c: vdb_option_info_t) {
        option = Option(rawValue: c.id)
        type = OptionType(rawValue: c.value_type)
        flags = OptionFlags(rawValue: c.flags)
        name = c.name.map { String(cString: $0) } ?? ""
        help = c.help.map { String(cString: $0) } ?? ""
        values = c.values.map { String(cString: $0) } ?? ""
        defaultValue = c.default_value
        range = c.min_value...max(c.min_value, c.max_value)
    }
}

extension Option: CaseIterable, CustomStringConvertible {
    private static let table: Result<[OptionInfo], VDBError> = Result { () throws(VDBError) in
        var table: [OptionInfo] = []
        while true {
            var info = vdb_option_info_t()
            info.struct_size = UInt32(MemoryLayout<vdb_option_info_t>.size)
            let status = try checked { vdb_option_at(table.count, &info, $0) }
            if status == .done { return table }
            table.append(OptionInfo(info))
        }
    }

    /// All options of the library, in its order.
    public static var allCases: [Option] { ((try? table.get()) ?? []).map(\.option) }

    /// What the library says about the option.
    public func info() throws(VDBError) -> OptionInfo {
        for info in try Option.table.get() where info.option == self { return info }
        throw VDBError(.unknownOption, "option \(rawValue) is not known to this library")
    }

    /// The option that configuration files call `name`, e.g. "hnsw.m".
    public init(named name: String) throws(VDBError) {
        for info in try Option.table.get() where info.name == name {
            self = info.option
            return
        }
        // The library's word on a name that it does not know has the closest ones.
        let set = try OptionSetHandle([:])
        try set.set(name, "")
        throw VDBError(.unknownOption, "option \(name.debugDescription) is known to the library by another name only")
    }

    /// What configuration files call it.
    public var description: String { (try? info().name) ?? "option \(rawValue)" }
}

extension Dictionary where Key == Option, Value == any OptionValue {
    /// Options out of names and texts, as configuration files, command lines and environments have them:
    /// `["schema.dim": "384", "schema.metric": "cosine"]`.
    public init(named settings: [String: String]) throws(VDBError) {
        self.init()
        for (name, value) in settings.sorted(by: { $0.key < $1.key }) {
            self[try Option(named: name)] = value
        }
    }
}

/// A set of options in the library.
final class OptionSetHandle {
    let handle: OpaquePointer

    init(_ options: Options) throws(VDBError) {
        handle = try made { vdb_options_new($0, $1) }
        // In the order of their numbers, so that of several errors it is always the same that is thrown.
        for (option, value) in options.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            try set(option, value.setting)
        }
    }

    deinit { vdb_options_free(handle) }

    private func set(_ option: Option, _ setting: OptionSetting) throws(VDBError) {
        switch setting {
        case .whole(let value):
            // A whole number where a fraction is wanted: 1 for 1.0.
            if try option.info().type == .f64 {
                try set(option, .fraction(Double(value)))
            } else {
                try checked { vdb_options_set_u64(handle, option.rawValue, value, $0) }
            }
        case .fraction(let value):
            try checked { vdb_options_set_f64(handle, option.rawValue, value, $0) }
        case .member(let value, let owner):
            guard owner == option else { throw VDBError(.invalidArgument, "\(option) is set to a value of \(owner)") }
            try checked { vdb_options_set_u64(handle, option.rawValue, UInt64(value), $0) }
        case .text(let value):
            try set(try option.info().name, value)
        case .negative(let value):
            throw VDBError(.outOfRange, "\(option) is \(value): at least \(try option.info().range.lowerBound) is needed")
        }
    }

    func set(_ name: String, _ value: String) throws(VDBError) {
        try terminated("option", name)
        try terminated("value of \(name)", value)
        try checked { vdb_options_set_text(handle, name, value, $0) }
    }
}
