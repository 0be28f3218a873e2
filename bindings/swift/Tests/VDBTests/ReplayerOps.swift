import Foundation
import VDB

extension Replayer {
    /// The steps of testdata/README.md.
    private var ops: [String: () throws -> Results] {
        [
            "open": open, "close": closeDatabase, "option": option, "insert": insert, "upsert": upsert, "delete": delete,
            "update_meta": updateMeta, "update_meta_where": updateMetaWhere, "delete_where": deleteWhere, "delete_keys": deleteKeys,
            "ids_of_keys": idsOfKeys, "keys_of_ids": keysOfIDs, "get_meta": getMeta, "get": get, "count": count,
            "filter": makeFilter, "parse_filter": parseFilter, "bind_filter": bindFilter, "free_filter": freeFilter,
            "search": search, "search_exact": searchExact, "search_range": searchRange, "search_ids": searchIDs,
            "recommend": recommend, "search_diverse": searchDiverse, "search_many": searchMany, "search_groups": searchGroups,
            "cursor_search": cursorSearch, "cursor_scan": cursorScan, "cursor_read": cursorRead, "free_cursor": freeCursor,
            "measure_recall": measureRecall, "sync": sync, "refresh": refresh, "checkpoint": checkpoint, "wait_indexed": waitIndexed,
            "check": check, "repair": repair, "stats": stats, "snapshot": makeSnapshot, "free_snapshot": freeSnapshot,
            "backup": backup, "export_file": exportFile, "import_file": importFile, "explain": explain, "latency": latency,
            "log_read": logRead, "cache_clear": cacheClear, "task": makeTask, "cancel": cancel, "progress": progress, "damage": damage,
        ]
    }

    func call(_ op: String) throws -> Results {
        guard let call = ops[op] else { throw Mismatch("\(op): an op that the replayer does not know") }
        return try call()
    }

    private func open() throws -> Results {
        let name = try text("db")
        let path = argument("path")?.text
        let options = try options()
        databases[name] = try path.map { try Database(path: inFolder($0), options: options) } ?? Database.inMemory(options)
        return [:]
    }

    private func closeDatabase() throws -> Results {
        try database().close()
        return [:]
    }

    private func option() throws -> Results {
        let database = try database()
        let info = try Option(named: try text("name")).info()
        if info.type == .text { return ["value": .text(try database.text(of: info.option))] }
        if info.type == .f64 { return ["value": .number(try database.fraction(of: info.option))] }
        let value = try database.value(of: info.option)
        let name = info.values.split(separator: " ").first { $0.hasSuffix("=\(value)") }?.prefix { $0 != "=" }
        switch name {
        case "on", "off": return ["value": .bool(name == "on")]
        case let name?: return ["value": .text(String(name))]
        case nil: return ["value": .number(Double(value))]
        }
    }

    // MARK: Writes

    private func insert() throws -> Results {
        let database = try database()
        return try write(database, { try database.insert(ids: $0, $1, task: $2) }, { try database.insert($0, task: $1) })
    }

    private func upsert() throws -> Results {
        let database = try database()
        return try write(database, { try database.upsert(ids: $0, $1, task: $2) }, { try database.upsert($0, task: $1) })
    }

    /// Takes the call with keys and metadata where the step has some, or asks for an id.
    private func write(
        _ database: Database, _ plainly: ([UInt64], Vectors, VDBTask?) throws -> Void,
        _ records: (Records, VDBTask?) throws -> [UInt64]
    ) throws -> Results {
        let task = try task()
        let vectors = try rows("rows", of: database)
        let given = argument("ids")?.list
        let ids = try given?.map { $0 == .null ? Database.idNone : try need("ids", $0.text.flatMap { UInt64($0) }) }
        let (keys, meta) = (texts("keys"), texts("meta"))
        if let ids, keys == nil, meta == nil, given?.contains(.null) == false {
            try plainly(ids, vectors, task)
            return ["ids": .ids(ids)]
        }
        return ["ids": .ids(try records(Records(vectors, ids: ids, keys: keys, meta: meta), task))]
    }

    private func delete() throws -> Results { ["deleted": .number(Double(try database().delete(ids())))] }

    private func updateMeta() throws -> Results {
        let meta = try need("meta", texts("meta"))
        return ["updated": .number(Double(try database().updateMeta(ids: ids(), meta)))]
    }

    private func updateMetaWhere() throws -> Results {
        let filter = try need("filter", filter())
        let meta = argument("meta")?.text ?? ""
        return ["updated": .number(Double(try database().updateMeta(where: filter, meta, task: task())))]
    }

    private func deleteWhere() throws -> Results {
        ["deleted": .number(Double(try database().delete(where: need("filter", filter()), task: task())))]
    }

    private func deleteKeys() throws -> Results {
        ["deleted": .number(Double(try database().delete(keys: need("keys", texts("keys")))))]
    }

    // MARK: Reads

    private func idsOfKeys() throws -> Results {
        let ids = try database().ids(ofKeys: need("keys", texts("keys")), at: snapshot())
        return ["ids": .list(ids.map { $0.map { .text(String($0)) } ?? .null })]
    }

    private func keysOfIDs() throws -> Results { ["keys": .texts(try database().keys(ofIDs: ids(), at: snapshot()))] }
    private func getMeta() throws -> Results { ["meta": .texts(try database().meta(ofIDs: ids(), at: snapshot()))] }

    private func get() throws -> Results {
        let database = try database()
        let ids = try ids()
        let scalar = try scalar() ?? database.scalar
        let row = (database.dim * width(scalar) + 7) / 8
        let snapshot = try snapshot()
        var bytes = [UInt8](repeating: 0, count: row * ids.count)
        let found = try bytes.withUnsafeMutableBytes { try database.get(ids, as: scalar, into: $0, at: snapshot) }
        return ["rows": .list(ids.indices.map { found[$0] ? shown(Array(bytes[$0 * row..<($0 + 1) * row]), scalar) : .null })]
    }

    private func count() throws -> Results { ["count": .number(Double(try database().count(filter(), at: snapshot())))] }

    // MARK: Filters and snapshots

    private func makeFilter() throws -> Results {
        let ids = try ids()
        filters[try text("filter")] = argument("allow")?.isTrue == true ? try Filter(allow: ids) : try Filter(deny: ids)
        return [:]
    }

    private func parseFilter() throws -> Results {
        let name = try text("filter")
        filters[name] = try Filter(text("text"))
        return [:]
    }

    private func bindFilter() throws -> Results {
        let name = try text("filter")
        let from = try need("from", filters[text("from")])
        let values = String(decoding: try JSONEncoder().encode(argument("values")), as: UTF8.self)
        filters[name] = try from.bind(json: values)
        return [:]
    }

    private func freeFilter() throws -> Results {
        try filter()?.close()
        return [:]
    }

    private func makeSnapshot() throws -> Results {
        let name = try text("snapshot")
        snapshots[name] = try database().snapshot()
        return [:]
    }

    private func freeSnapshot() throws -> Results {
        try snapshot()?.close()
        return [:]
    }

    // MARK: Searches

    private func search() throws -> Results { try searches([]) }
    private func searchExact() throws -> Results { try searches(.exact) }

    private func searches(_ flags: SearchFlags) throws -> Results {
        let database = try database()
        var params = try params()
        if !flags.isEmpty {
            params = params ?? SearchParams()
            params?.flags.formUnion(flags)
        }
        return try listed(database.search(rows("queries", of: database), k: number("k"), params: params))
    }

    /// The hits of each query; those of one that was stopped are not compared.
    private func listed(_ hits: Hits) throws -> Results {
        for (place, id) in hits.ids.enumerated() where hits.k > 0 && place % hits.k >= Int(hits.counts[place / hits.k]) {
            guard id == Database.idNone, hits.distances[place] == .infinity else { throw Mismatch("place \(place) is not empty") }
        }
        return [
            "status": .text(hits.isPartial ? "PARTIAL" : "OK"), "ids": .list(hits.map { .ids($0.ids) }),
            "distances": .list(hits.map { .numbers($0.distances) }), "sources": .list(hits.map { .numbers($0.sources) }),
        ]
    }

    /// The hits of the only query.
    private func single(_ hits: Hits) throws -> Results {
        var results = try listed(hits)
        for name in ["ids", "distances"] { results[name] = results[name]?.list?.first }
        results["more"] = .bool(hits.hasMore)
        return results
    }

    private func searchRange() throws -> Results {
        let database = try database()
        return try single(
            database.searchRange(query(of: database), maxDistance: float("max_distance"), limit: number("cap"), params: params()))
    }

    private func searchIDs() throws -> Results { try listed(database().search(ids: ids(), k: number("k"), params: params())) }

    private func recommend() throws -> Results {
        try single(database().recommend(positive: ids("positive"), negative: ids("negative"), k: number("k"), params: params()))
    }

    private func searchDiverse() throws -> Results {
        let database = try database()
        return try single(
            database.searchDiverse(
                query(of: database), k: number("k"), candidates: number("candidates"), lambda: float("lambda"), params: params()))
    }

    private func searchMany() throws -> Results {
        let names = try need("dbs", argument("dbs")?.list)
        let many = try names.map { try need("dbs", $0.text.flatMap { databases[$0] }) }
        let shape = try many.first ?? Database.inMemory([.dim: 1])
        return try listed(Database.searchMany(many, rows("queries", of: shape), k: number("k"), params: params()))
    }

    private func searchGroups() throws -> Results {
        let database = try database()
        return try listed(
            database.searchGroups(
                query(of: database), by: text("path"), groups: number("groups"), perGroup: number("per_group"), params: params()))
    }

    private func cursorSearch() throws -> Results {
        let database = try database()
        cursors[try text("cursor")] = try database.cursor(query(of: database), params: params())
        return [:]
    }

    private func cursorScan() throws -> Results {
        cursors[try text("cursor")] = try database().scan(filter(), at: snapshot())
        return [:]
    }

    private func cursorRead() throws -> Results {
        let cursor = try need("cursor", cursors[text("cursor")])
        let cap = try number("cap")
        let wanted = argument("count")?.number.map { Int($0) } ?? .max
        var (ids, distances): ([UInt64], [Float]) = ([], [])
        while ids.count < wanted, let page = try cursor.next(min(cap, wanted - ids.count)) {
            ids += page[0].ids
            distances += page[0].distances
        }
        return ["ids": .ids(ids), "distances": .numbers(distances)]
    }

    private func freeCursor() throws -> Results {
        try cursors[text("cursor")]?.close()
        return [:]
    }

    private func measureRecall() throws -> Results {
        let database = try database()
        let recall =
            argument("queries") == nil
            ? try database.measureRecall(ofRows: number("count"), k: number("k"), params: params())
            : try database.measureRecall(rows("queries", of: database), k: number("k"), params: params())
        guard recall.low <= recall.value, recall.value <= recall.high else { throw Mismatch("\(recall)") }
        return ["recall": .number(recall.value)]
    }

    // MARK: Maintenance and seeing inside

    private func sync() throws -> Results {
        try database().sync()
        return [:]
    }

    private func refresh() throws -> Results {
        try database().refresh()
        return [:]
    }

    private func checkpoint() throws -> Results {
        try database().checkpoint(task: task())
        return [:]
    }

    private func waitIndexed() throws -> Results {
        try database().waitIndexed(task: task())
        return [:]
    }

    private func check() throws -> Results {
        let name = try text("level")
        let level = try need("level", CheckLevel.allCases.first { "\($0)" == name })
        return ["report": JSON(of: try database().check(level))]
    }

    private func repair() throws -> Results {
        let report = try Database.repair(from: path("from"), to: path("to"), options: options())
        return ["report": JSON(of: report), "status": .text(report.complete ? "OK" : "PARTIAL")]
    }

    private func stats() throws -> Results { ["stats": JSON(of: try database().stats())] }

    private func backup() throws -> Results {
        let previous = argument("previous")?.text.map(inFolder)
        try database().backup(to: path("path"), previous: previous)
        return [:]
    }

    private func exportFile() throws -> Results {
        try database().export(to: path("path"), format: argument("format")?.text, filter: filter())
        return [:]
    }

    private func importFile() throws -> Results {
        try database().importFile(path("path"), format: argument("format")?.text)
        return [:]
    }

    private func explain() throws -> Results {
        let database = try database()
        let told = try database.explain(query(of: database), k: number("k"), params: params())
        return ["told": try JSON.read(told.json)]
    }

    private func latency() throws -> Results {
        let name = JSON.plain(try text("call"))
        let call = try need("call", Call.allCases.first { JSON.plain("\($0)") == name })
        return ["count": .number(Double(try database().latency(of: call).count))]
    }

    /// Of the expected texts those that are there.
    private func logRead() throws -> Results {
        let lines = try database().readLog()
        return ["contains": .list(expected("contains").filter { text in lines.contains { $0.contains(text.text ?? "") } })]
    }

    private func cacheClear() throws -> Results {
        try database().clearCache()
        return [:]
    }

    private func makeTask() throws -> Results {
        tasks[try text("task")] = try VDBTask()
        return [:]
    }

    private func cancel() throws -> Results {
        try task()?.cancel()
        return [:]
    }

    private func progress() throws -> Results {
        let progress = try need("task", task()).progress
        return ["done": .number(Double(progress.done)), "total": .number(Double(progress.total))]
    }

    private func damage() throws -> Results {
        let path = try path("file")
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        bytes[try number("offset")] ^= 0xff
        try bytes.write(to: URL(fileURLWithPath: path))
        return [:]
    }
}
