// measure.c in Swift.
import Foundation
import VDB

let (smallDim, smallRows, smallSearches) = (4, 10, 20_000)
let (sampleDim, sampleRows, queryCount, sampleSearches, k) = (384, 5000, 100, 2000, 10)
let (insertDim, insertRows, noGraph) = (60, 100_000, 2_000_000)

let ids = (0..<UInt64(insertRows)).map { $0 }
let rows = (0..<insertRows * insertDim).map { Float($0 * 37 % 100) / 100 }
let small = try Database.inMemory([.dim: smallDim])
let large = try Database.inMemory([.dim: sampleDim])
try small.insert(ids: Array(ids[..<smallRows]), Array(rows[..<(smallRows * smallDim)]))
let file = try Data(contentsOf: URL(fileURLWithPath: CommandLine.arguments[1] + "/base.npy")).dropFirst(128)
try file.withUnsafeBytes { try large.insert(ids: Array(ids[..<sampleRows]), .memory($0, .f16)) }
try large.waitIndexed()
let vectors = try large.get(Array(ids[..<queryCount]))
let queries = (0..<queryCount).map { Vectors.f32(Array(vectors[$0]!)) }

/// Nanoseconds of each of `count` calls.
func timed(_ count: Int, _ call: (Int) throws -> Void) rethrows -> Double {
    let start = ContinuousClock.now
    for at in 0..<count { try call(at) }
    let (seconds, attoseconds) = (ContinuousClock.now - start).components
    return (Double(seconds) * 1e9 + Double(attoseconds) / 1e9) / Double(count)
}

func enough(_ hits: borrowing Hits) {
    if hits.counts[0] != k { fatalError("too few hits") }
}

func searched(_ way: Int) throws -> Double {
    let query = Vectors.f32([0.5, 0.25, 0.125, 0.0625])
    let params = SearchParams(ef: 20)
    var hits = Hits()
    switch way {
    case 0:
        return try timed(smallSearches) { _ in
            try small.search(query, k: k, into: &hits)
            enough(hits)
        }
    case 1: return try timed(smallSearches) { _ in enough(try small.search(query, k: k)) }
    default:
        return try timed(smallSearches) { _ in
            try small.search(query, k: k, params: params, into: &hits)
            enough(hits)
        }
    }
}

func insert(_ batch: Int) throws -> Double {
    let db = try Database.inMemory([.dim: insertDim, .graphMinRows: noGraph])
    let each = try rows.withUnsafeBufferPointer { rows in
        try timed(insertRows / batch) { at in
            let part = rows[(at * batch * insertDim)..<((at + 1) * batch * insertDim)]
            try db.insert(ids: Array(ids[(at * batch)..<((at + 1) * batch)]), .f32(UnsafeBufferPointer(rebasing: part)))
        }
    }
    try db.close()
    return each / Double(batch)
}

print("Swift\tSwift, fresh hits\tSwift, with parameters")
fflush(nil)
while let line = readLine() {
    let words = line.split(separator: " ")
    let ns =
        switch words[0] {
        case "small": try searched(Int(words[1])!)
        case "sample": try timed(sampleSearches) { enough(try large.search(queries[$0 % queryCount], k: k)) }
        default: try insert(Int(words[1])!)
        }
    print(String(format: "%.1f", ns))
    fflush(nil)
}
