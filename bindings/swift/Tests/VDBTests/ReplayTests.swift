import Foundation
import XCTest

/// Replays bindings/testdata, as its README says.
final class ReplayTests: XCTestCase {
    private struct File: Decodable {
        struct Case: Decodable {
            let name: String
            let steps: [[String: JSON]]
        }
        let cases: [Case]
    }

    func testVectors() throws {
        let folder = repository.appendingPathComponent("bindings/testdata")
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "json" }
        XCTAssertGreaterThanOrEqual(files.count, 5)
        var notes = Notes()
        for file in files {
            for one in try JSONDecoder().decode(File.self, from: Data(contentsOf: file)).cases {
                try withFolder { folder in
                    let replayer = Replayer(folder)
                    defer { replayer.close() }
                    do {
                        try replayer.run(one.steps)
                        notes.passed.append(one.name)
                    } catch {
                        XCTFail("\(file.lastPathComponent), \(one.name), \(error)")
                        notes.failed.append(one.name)
                    }
                    if one.name == "the script" { notes.transcript = replayer.transcript }
                }
            }
        }
        try notes.write()
    }

    /// A replayer that finds nothing wrong proves nothing.
    func testWrongVectorsAreNoticed() throws {
        for wrong in [
            #"{"op": "count", "db": "db", "expect": {"count": 2}}"#,
            #"{"op": "count", "db": "db", "expect": {"counts": 1}}"#,
            #"{"op": "count", "db": "db", "expect": {"status": "ERR_CLOSED"}}"#,
            #"{"op": "count", "db": "db", "filters": "x"}"#,
            #"{"op": "counts", "db": "db"}"#,
            #"{"op": "insert", "db": "db", "ids": ["1"], "rows": [[1, 2]]}"#,
            #"{"op": "insert", "db": "db", "ids": ["1"], "rows": [[1, 2]], "expect": {"status": "ERR_ALREADY_EXISTS"}}"#,
            #"{"op": "search", "db": "db", "queries": [[1, 2]], "k": 1, "expect": {"ids": [["1"]], "distances": [[0.01]]}}"#,
            #"{"op": "search", "db": "db", "queries": [[1, 2]], "k": 1, "params": {"eff": 3}}"#,
            #"{"op": "stats", "db": "db", "expect": {"stats": {"live": 2}}}"#,
            #"{"op": "log_read", "db": "db", "expect": {"contains": ["no such event"]}}"#,
        ] {
            try withFolder { folder in
                let replayer = Replayer(folder)
                defer { replayer.close() }
                for step in [
                    #"{"op": "open", "db": "db", "path": null, "options": {"schema.dim": 2}}"#,
                    #"{"op": "insert", "db": "db", "ids": ["1"], "rows": [[1, 2]]}"#,
                ] {
                    try replayer.run(XCTUnwrap(JSON.read(step).object))
                }
                let step = try XCTUnwrap(JSON.read(wrong).object)
                XCTAssertThrowsError(try replayer.run(step), wrong)
            }
        }
    }
}
