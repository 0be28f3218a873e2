package vdb

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestVectors replays ../testdata through the package, as its README says.
func TestVectors(t *testing.T) {
	files, err := filepath.Glob("../testdata/*.json")
	must(t, err)
	if len(files) == 0 {
		t.Fatal("there are no test vectors")
	}
	told := replays{Language: "Go", Passed: []string{}, Failed: []string{}}
	defer told.write(t)
	for _, file := range files {
		text, err := os.ReadFile(file)
		must(t, err)
		var vectors struct {
			Cases []struct {
				Name  string
				Steps []object
			}
		}
		must(t, decodeStrictly(text, &vectors))
		for _, c := range vectors.Cases {
			passed := t.Run(c.Name, func(t *testing.T) {
				r := newReplayer(t.TempDir())
				defer r.close()
				for i, step := range c.Steps {
					if err := r.step(step); err != nil {
						t.Fatalf("step %d, %v: %v", i, step["op"], err)
					}
				}
				if c.Name == "the script" {
					told.transcript = append(told.transcript, r.transcript...)
				}
			})
			if passed {
				told.Passed = append(told.Passed, c.Name)
			} else {
				told.Failed = append(told.Failed, c.Name)
			}
		}
	}
}

// A replayer that finds nothing wrong proves nothing.
func TestWrongVectorsAreNoticed(t *testing.T) {
	for _, wrong := range []string{
		`{"op": "count", "db": "db", "expect": {"count": 2}}`,
		`{"op": "count", "db": "db", "expect": {"counts": 1}}`,
		`{"op": "count", "db": "db", "expect": {"status": "ERR_CLOSED"}}`,
		`{"op": "count", "db": "db", "filters": "x"}`,
		`{"op": "counts", "db": "db"}`,
		`{"op": "insert", "db": "db", "ids": ["1"], "rows": [[1, 2]]}`,
		`{"op": "insert", "db": "db", "ids": ["1"], "rows": [[1, 2]], "expect": {"status": "ERR_ALREADY_EXISTS"}}`,
		`{"op": "search", "db": "db", "queries": [[1, 2]], "k": 1, "expect": {"ids": [["1"]], "distances": [[0.01]]}}`,
		`{"op": "search", "db": "db", "queries": [[1, 2]], "k": 1, "params": {"eff": 3}}`,
		`{"op": "stats", "db": "db", "expect": {"stats": {"live": 2}}}`,
	} {
		r := newReplayer(t.TempDir())
		for _, step := range []string{
			`{"op": "open", "db": "db", "path": null, "options": {"schema.dim": 2}}`,
			`{"op": "insert", "db": "db", "ids": ["1"], "rows": [[1, 2]]}`,
		} {
			must(t, r.step(parse(t, step)))
		}
		if r.step(parse(t, wrong)) == nil {
			t.Errorf("passes: %s", wrong)
		}
		r.close()
	}
}

type object = map[string]any

func decodeStrictly(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	return decoder.Decode(into)
}

func parse(t *testing.T, text string) object {
	t.Helper()
	var o object
	must(t, decodeStrictly([]byte(text), &o))
	return o
}

// replayer runs one case.
type replayer struct {
	folder  string
	dbs     map[string]*DB
	filters map[string]*Filter
	tasks   map[string]*watched
	cursors map[string]*Cursor
	shots   map[string]*Snapshot
	current object
	used    map[string]bool
	// A line for each step.
	transcript []string
}

func newReplayer(folder string) *replayer {
	return &replayer{
		folder: folder, dbs: map[string]*DB{}, filters: map[string]*Filter{}, tasks: map[string]*watched{},
		cursors: map[string]*Cursor{}, shots: map[string]*Snapshot{},
	}
}

func (r *replayer) close() {
	for _, db := range r.dbs {
		db.Close()
	}
	for _, filter := range r.filters {
		filter.Close()
	}
	for _, cursor := range r.cursors {
		cursor.Close()
	}
	for _, snapshot := range r.shots {
		snapshot.Close()
	}
}

// step runs a step, and says in what it is not as expected.
func (r *replayer) step(step object) (wrong error) {
	defer func() {
		if caught := recover(); caught != nil {
			wrong = fmt.Errorf("%v", caught)
		}
	}()
	r.current, r.used = step, map[string]bool{"op": true, "expect": true}
	expect, _ := step["expect"].(object)
	op, known := map[string]func() (object, error){
		"open": r.open, "close": r.closeDB, "option": r.option, "delete": r.delete, "get": r.get, "count": r.count,
		"insert": r.insert, "upsert": r.upsert, "filter": r.filter, "free_filter": r.freeFilter,
		"search": r.search, "search_exact": r.searchExact, "search_range": r.searchRange, "measure_recall": r.measureRecall,
		"sync": r.sync, "refresh": r.refresh, "checkpoint": r.checkpoint, "wait_indexed": r.waitIndexed,
		"check": r.check, "repair": r.repair, "stats": r.stats, "task": r.task, "cancel": r.cancel, "progress": r.progress,
		"update_meta": r.updateMeta, "update_meta_where": r.updateMetaWhere, "delete_where": r.deleteWhere, "delete_keys": r.deleteKeys,
		"ids_of_keys": r.idsOfKeys, "keys_of_ids": r.keysOfIDs, "get_meta": r.getMeta,
		"search_ids": r.searchIDs, "recommend": r.recommend, "search_diverse": r.searchDiverse, "search_many": r.searchMany,
		"search_groups": r.searchGroups,
		"cursor_search": r.cursorSearch, "cursor_scan": r.cursorScan, "cursor_read": r.cursorRead, "free_cursor": r.freeCursor,
		"parse_filter": r.parseFilter, "bind_filter": r.bindFilter,
		"snapshot": r.snapshot, "free_snapshot": r.freeSnapshot,
		"backup": r.backup, "export_file": r.exportFile, "import_file": r.importFile,
		"explain": r.explain, "latency": r.latency, "log_read": r.readLog, "cache_clear": r.clearCache,
		"damage": r.damage,
	}[step["op"].(string)]
	if !known {
		return errors.New("an op that the replayer does not know")
	}
	results, err := op()
	for name := range step {
		if !r.used[name] {
			return fmt.Errorf("%s: an argument that the replayer does not know", name)
		}
	}
	r.transcript = append(r.transcript, noted(step["op"].(string), expect, results, err))
	return judge(expect, results, err)
}

// outcome is what a call came to; the error is one that is not of the library.
func outcome(results object, err error) (status string, item int64, message string, other error) {
	var e *Error
	switch partial, _ := results["status"].(string); {
	case errors.As(err, &e):
		return strings.TrimPrefix(e.Code.String(), "VDB_"), e.Item, e.Message, nil
	case partial != "":
		return partial, -1, "", err
	}
	return "OK", -1, "", err
}

func judge(expect, results object, err error) error {
	status, item, message, other := outcome(results, err)
	if other != nil {
		return other
	}
	wanted := object{"status": "OK", "item": json.Number("-1")}
	for name, value := range expect {
		wanted[name] = value
	}
	if wanted["status"] != status {
		return fmt.Errorf("%s %q, expected %v", status, message, wanted["status"])
	}
	if fmt.Sprint(wanted["item"]) != fmt.Sprint(item) {
		return fmt.Errorf("item %d, expected %v", item, wanted["item"])
	}
	for name, value := range wanted {
		switch name {
		case "status", "item":
			continue
		case "message":
			if err == nil || !strings.Contains(message, value.(string)) {
				return fmt.Errorf("%q does not contain %q", message, value)
			}
			continue
		}
		got, there := results[name]
		if !there {
			return fmt.Errorf("%s: an expectation that the replayer does not know", name)
		}
		if name == "contains" {
			for _, part := range value.([]any) {
				if !strings.Contains(got.(string), part.(string)) {
					return fmt.Errorf("the log has no %q:\n%s", part, got)
				}
			}
			continue
		}
		if !same(name, got, value) {
			return fmt.Errorf("%s is %v, expected %v", name, plain(got), value)
		}
	}
	return nil
}

// plain is a value as JSON has it.
func plain(value any) any {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	var out any
	if err := decodeStrictly(text, &out); err != nil {
		panic(err)
	}
	return out
}

// same compares what a call gave with what a file has.
func same(name string, got, wanted any) bool {
	switch wanted := wanted.(type) {
	case object:
		fields, _ := plain(got).(object)
		for field, value := range wanted {
			value2, there := fields[field]
			if !there || !same(field, value2, value) {
				return false
			}
		}
		return true
	case []any:
		list, ok := plain(got).([]any)
		if !ok || len(list) != len(wanted) {
			return false
		}
		for i := range list {
			if !same(name, list[i], wanted[i]) {
				return false
			}
		}
		return true
	case json.Number:
		w, err := wanted.Float64()
		g, ok := plain(got).(json.Number)
		if err != nil || !ok {
			return false
		}
		f, err := g.Float64()
		if name == "distances" {
			return err == nil && math.Abs(f-w) <= 1e-4*max(1, math.Abs(w))
		}
		return err == nil && f == w
	}
	return reflect.DeepEqual(plain(got), wanted)
}
