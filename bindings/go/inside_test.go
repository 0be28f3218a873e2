package vdb

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

func TestASearchIsExplained(t *testing.T) {
	db := line(t, 0)
	text, err := db.Explain(Vector([]float32{1}), 3, &SearchParams{Flags: SearchExact})
	must(t, err)
	var explanation struct {
		Plan  string
		Found int
	}
	must(t, json.Unmarshal(text, &explanation))
	if explanation.Plan != "scan" || explanation.Found != 3 {
		t.Errorf("%s", text)
	}
	_, err = db.Explain(Vector([]float32{1, 2}), 3, nil)
	fails(t, err, ErrDimension)
	_, err = db.Explain(Vector([]float32{1}), -1, nil)
	fails(t, err, ErrOutOfRange)
}

func TestTimesOfCallsAreKept(t *testing.T) {
	db := line(t, 0)
	for range 5 {
		_, err := db.Search(bg, Vector([]float32{1}), 1, nil)
		must(t, err)
	}
	l, err := db.Latency(CallSearch)
	must(t, err)
	if l.Count != 5 || l.P50 == 0 || l.Max < l.P50 || l.Call != CallSearch {
		t.Errorf("%+v", l)
	}
	stats, err := db.Stats()
	must(t, err)
	if stats.Originals != OriginalsKeep {
		t.Errorf("%v", stats.Originals)
	}
	if l, err = db.Latency(CallRefresh); err != nil || l.Count != 0 {
		t.Errorf("%+v %v", l, err)
	}
	_, err = db.Latency(999)
	fails(t, err, ErrUnsupported)
}

func TestTheLogIsReadLineByLine(t *testing.T) {
	db := onDisk(t, filepath.Join(t.TempDir(), "db"), Options{OptDim: 1})
	must(t, db.Insert(bg, []uint64{1}, Vector([]float32{1})))
	must(t, db.Checkpoint(bg))
	lines, err := db.ReadLog()
	must(t, err)
	if len(lines) < 2 || !strings.Contains(strings.Join(lines, "\n"), " info checkpoint ") {
		t.Errorf("%q", lines)
	}
	for _, line := range lines {
		if line == "" || strings.Contains(line, "\n") {
			t.Errorf("%q", line)
		}
	}
	if lines, err = db.ReadLog(); err != nil || len(lines) != 0 {
		t.Errorf("%q, %v", lines, err)
	}
}

func TestAnswersAreKeptAndForgotten(t *testing.T) {
	db := memory(t, Options{OptDim: 1, OptCacheBytes: 1 << 20})
	must(t, db.Insert(bg, sequence(0, 3), F32([]float32{1, 2, 3}, 1)))
	ask := func(flags SearchFlag) uint64 {
		_, err := db.Search(bg, Vector([]float32{1}), 1, &SearchParams{Flags: flags})
		must(t, err)
		stats, err := db.Stats()
		must(t, err)
		return stats.CacheHits
	}
	if hits := []uint64{ask(0), ask(0), ask(SearchNoCache)}; hits[0] != 0 || hits[1] != 1 || hits[2] != 1 {
		t.Errorf("%v hits", hits)
	}
	must(t, db.ClearCache())
	if hits := ask(0); hits != 1 {
		t.Errorf("%d hits after all was forgotten", hits)
	}
}

func TestASearchKeepsToItsMemory(t *testing.T) {
	db := memory(t, Options{OptDim: 8})
	fill(t, db, 1000)
	_, err := db.Search(bg, Vector(make([]float32, 8)), 500, &SearchParams{MaxMemory: 1})
	fails(t, err, ErrLimit)
	_, err = db.Search(bg, Vector(make([]float32, 8)), 5, &SearchParams{MaxMemory: 1 << 20})
	must(t, err)
}

func TestColumnsAreDeclaredAndToldOf(t *testing.T) {
	db, err := OpenMemory(Options{OptDim: 1, OptColumns: "year i64, tags string[]"})
	must(t, err)
	defer db.Close()
	if text, err := db.TextOption(OptColumns); err != nil || text != "tags string[], year i64" {
		t.Errorf("%q %v", text, err)
	}
	if text, err := db.TextOption(OptMetric); err != nil || text != "l2sq" {
		t.Errorf("%q %v", text, err)
	}
	wrong := Strings(`{"year": 1999}`, `{"year": "2000"}`)
	err = db.InsertRecords(bg, &Records{Vectors: F32([]float32{1, 2}, 1), Meta: wrong})
	if e := fails(t, err, ErrInvalidArgument); e.Item != 1 || !strings.Contains(e.Message, "declared i64") {
		t.Errorf("%+v", e)
	}
	text, err := db.Columns()
	must(t, err)
	var told struct {
		Columns []struct {
			Name, Type string
			Declared   bool
		}
	}
	must(t, json.Unmarshal(text, &told))
	if len(told.Columns) != 2 || told.Columns[1].Name != "year" || told.Columns[1].Type != "i64" || !told.Columns[1].Declared {
		t.Errorf("%s", text)
	}
	_, err = OpenMemory(Options{OptDim: 1, OptColumns: "year int"})
	if e := fails(t, err, ErrInvalidArgument); e.Item != 5 {
		t.Errorf("%+v", e)
	}
}
