// search.c in Swift: what one search costs.
import VDB

let (dim, rows, rounds, searches) = (4, 10, 400, 1000)
let db = try Database.inMemory([.dim: dim])
try db.insert(
    ids: (0..<UInt64(rows)).map { $0 }, (0..<rows * dim).map { Float($0 * 37 % 100) / 100 })
let query = Vectors.f32([0.5, 0.25, 0.125, 0.0625])

func best(_ name: String, _ search: () throws -> Int) rethrows {
    var best = Double.infinity
    for _ in 0..<rounds {
        let start = ContinuousClock.now
        for _ in 0..<searches where try search() != rows { fatalError("too few hits") }
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        best = min(best, (Double(seconds) * 1e9 + Double(attoseconds) / 1e9) / Double(searches))
    }
    print(name, Int(best))
}

func measure() throws {
    var hits = Hits()
    try best("Swift, fresh hits") { Int(try db.search(query, k: rows).counts[0]) }
    try best("Swift, hits used again") {
        try db.search(query, k: rows, into: &hits)
        return Int(hits.counts[0])
    }
    let params = SearchParams(ef: 20)
    try best("Swift, with parameters") {
        try db.search(query, k: rows, params: params, into: &hits)
        return Int(hits.counts[0])
    }
}

try measure()
try db.close()
