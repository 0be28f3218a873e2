// Searches 5,000 dictionary entries by meaning: swift run vdb-search ../../data/wordnet
import Foundation
import VDB

let dim = 384
let folder = URL(fileURLWithPath: CommandLine.arguments.dropFirst().first ?? "../../data/wordnet")
guard FileManager.default.fileExists(atPath: folder.appendingPathComponent("base.npy").path) else {
    print("\(folder.path) has no base.npy: name the folder data/wordnet of vdb's sources, as swift run vdb-search FOLDER")
    exit(1)
}

func lines(_ name: String) throws -> [Substring] {
    try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8).split(separator: "\n")
}

/// The numbers of an .npy file: a header of 128 bytes, then the rows.
func numbers<Number>(_ name: String, as type: Number.Type) throws -> [Number] {
    try Data(contentsOf: folder.appendingPathComponent(name)).dropFirst(128).withUnsafeBytes { Array($0.bindMemory(to: type)) }
}

func short(_ text: Substring) -> Substring { text.prefix(90) }

let rows = try numbers("base.npy", as: UInt16.self)  // half-precision numbers, by their bits
let questions = try numbers("queries.npy", as: UInt16.self)
let truth = try numbers("gt_top10_ids.npy", as: Int32.self)
let (texts, asked) = (try lines("glosses.txt"), try lines("query_glosses.txt"))

let db = try Database.inMemory([.dim: dim, .metric: Metric.cosine, .scalar: Scalar.f16])
try await VDBTask.run(progress: {
    print("\($0.done) of \($0.total) rows are in"); return true
}) { task in
    try db.insert(ids: texts.indices.map(UInt64.init), .f16(bits: rows), task: task)
}
try db.waitIndexed()

for number in [63, 34, 43] {
    print("\n\(short(asked[number]))")
    let question = Array(questions[number * dim..<(number + 1) * dim])
    for hit in try db.search(.f16(bits: question), k: 3)[0] {
        print(String(format: "   %.3f  ", hit.distance) + short(texts[Int(hit.id)]))
    }
}

// Only among some rows: a filter is made once and used again.
let long = try Filter(allow: texts.indices.filter { texts[$0].count > 150 }.map(UInt64.init))
let few = try db.search(.f16(bits: Array(questions.prefix(dim))), k: 3, params: SearchParams(filter: long))
precondition(few[0].allSatisfy { texts[Int($0.id)].count > 150 })

// All questions in one call, and how much of the truth that finds.
let all = Vectors.f16(bits: questions, dim: dim)
let found = try db.search(all, k: 10)
let right = found.indices.map { query in found[query].ids.filter { truth[query * 10..<query * 10 + 10].contains(Int32($0)) }.count }
print(String(format: "\nrecall@10 of %d questions: %.3f", asked.count, Double(right.reduce(0, +)) / Double(truth.count)))
print(String(format: "asked of the database itself: %.3f", try db.measureRecall(all, k: 10).value))
try db.close()
