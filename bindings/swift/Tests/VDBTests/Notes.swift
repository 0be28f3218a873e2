import Foundation
import VDB

/// What a replay leaves: which cases passed, for the table of features, and a transcript, for the comparison of the languages.
struct Notes {
    var passed: [String] = []
    var failed: [String] = []
    /// A line for each step of the script.
    var transcript: [String] = []

    /// Leaves the files where VDB_REPLAY_OUT says, if it does.
    func write() throws {
        guard let folder = ProcessInfo.processInfo.environment["VDB_REPLAY_OUT"], !folder.isEmpty else { return }
        let (passed, failed) = (JSON.list(passed.map(JSON.text)), JSON.list(failed.map(JSON.text)))
        let features = JSON.object(["language": .text("Swift"), "passed": passed, "failed": failed])
        try (features.compact() + "\n").write(toFile: folder + "/features-swift.json", atomically: true, encoding: .utf8)
        try (transcript.joined(separator: "\n") + "\n").write(toFile: folder + "/transcript-swift.txt", atomically: true, encoding: .utf8)
    }

    /// A step of the transcript: what it came to, and the results that its file expects, to the bit.
    static func line(_ op: String, _ outcome: Replayer.Outcome, expected: [String: JSON]) throws -> String {
        var words = [op, outcome.status]
        if let item = outcome.failure?.item { words.append("item=\(item)") }
        guard outcome.failure == nil else { return words.joined(separator: " ") }
        for (name, wanted) in expected.sorted(by: { $0.key < $1.key }) where name != "status" && name != "contains" {
            guard let result = outcome.results[name] else { continue }
            words.append("\(name)=\(try exact(result, wanted, single: name == "distances" || name == "rows").compact())")
        }
        return words.joined(separator: " ")
    }

    /// Numbers of single precision as their bits, and of objects what is expected.
    private static func exact(_ value: JSON, _ wanted: JSON?, single: Bool) throws -> JSON {
        switch value {
        case .list(let list): return .list(try list.map { try exact($0, nil, single: single) })
        case .object(let members):
            var some: [String: JSON] = [:]
            for name in (wanted?.object ?? [:]).keys { some[name] = members[name] ?? members[JSON.plain(name)] }
            return .object(some)
        case .number(let number) where single: return .text(String(format: "%08x", Float(number).bitPattern))
        default: return value
        }
    }
}

extension JSON {
    /// On one line, members in the order of their names.
    func compact() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}
