package vdb

import (
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

// line is a database with the rows 0, 1, ... 9 on a line.
func line(t *testing.T, from uint64) *DB {
	t.Helper()
	db := memory(t, Options{OptDim: 1})
	must(t, db.Insert(bg, sequence(from, 10), F32([]float32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 1)))
	return db
}

func TestRowsAreAskedFor(t *testing.T) {
	db := line(t, 100)
	hits, err := db.SearchIDs(bg, []uint64{103, 109}, 2, nil)
	must(t, err)
	if !slices.Equal(hits.IDs, []uint64{102, 104, 108, 107}) || !slices.Equal(hits.Distances, []float32{1, 1, 1, 4}) {
		t.Errorf("%+v", hits)
	}
	_, err = db.SearchIDs(bg, []uint64{103, 7}, 2, nil)
	if e := fails(t, err, ErrNotFound); e.Item != 1 {
		t.Errorf("item %d", e.Item)
	}
	hits, err = db.Recommend(bg, []uint64{104, 106}, nil, 2, nil)
	must(t, err)
	if ids, _ := hits.Row(0); !slices.Equal(ids, []uint64{105, 103}) {
		t.Errorf("%v", ids)
	}
	hits, err = db.Recommend(bg, []uint64{104}, []uint64{105}, 1, nil)
	must(t, err)
	if ids, _ := hits.Row(0); !slices.Equal(ids, []uint64{103}) {
		t.Errorf("%v", ids)
	}
	_, err = db.Recommend(bg, nil, nil, 1, nil)
	fails(t, err, ErrInvalidArgument)
	hits, err = db.SearchDiverse(bg, Vector([]float32{0.1}), 2, 10, 0, nil)
	must(t, err)
	if ids, _ := hits.Row(0); !slices.Equal(ids, []uint64{100, 109}) {
		t.Errorf("%v", ids)
	}
	_, err = db.SearchDiverse(bg, Vector([]float32{0}), 2, 10, 2, nil)
	fails(t, err, ErrOutOfRange)
	_, err = db.SearchDiverse(bg, F32([]float32{0, 1}, 1), 2, 10, 1, nil)
	fails(t, err, ErrInvalidArgument)
}

func TestGroupsAreFound(t *testing.T) {
	db := memory(t, Options{OptDim: 1})
	meta, err := JSON(map[string]any{"of": "a"}, map[string]any{"of": "b"}, nil, map[string]any{"of": "a"}, map[string]any{"of": "a"})
	must(t, err)
	must(t, db.InsertRecords(bg, &Records{IDs: sequence(10, 5), Vectors: F32([]float32{0, 1, 2, 3, 4}, 1), Meta: meta}))
	hits, err := db.SearchGroups(bg, Vector([]float32{1}), "of", 5, 2, nil)
	must(t, err)
	if len(hits.Counts) != 2 || len(hits.IDs) != 4 {
		t.Fatalf("%+v", hits)
	}
	first, _ := hits.Row(0)
	second, distances := hits.Row(1)
	if !slices.Equal(first, []uint64{11}) || !slices.Equal(second, []uint64{10, 13}) || !slices.Equal(distances, []float32{1, 4}) {
		t.Errorf("%v and %v", first, second)
	}
	_, err = db.SearchGroups(bg, Vector([]float32{1}), "of.", 5, 2, nil)
	fails(t, err, ErrFilterSyntax)
	_, err = db.SearchGroups(bg, Vector([]float32{1}), "of", -1, 2, nil)
	fails(t, err, ErrLimit)
}

func TestSeveralDatabasesAreSearchedAsOne(t *testing.T) {
	a, b := line(t, 0), line(t, 1000)
	must(t, a.Upsert(bg, []uint64{50}, Vector([]float32{4.4})))
	hits, err := SearchMany(bg, []*DB{a, b}, F32([]float32{4.4, 9}, 1), 3, nil)
	must(t, err)
	if !slices.Equal(hits.IDs, []uint64{50, 4, 1004, 9, 1009, 8}) || !slices.Equal(hits.Sources, []uint32{0, 0, 1, 0, 1, 0}) {
		t.Errorf("%v of %v", hits.IDs, hits.Sources)
	}
	hits, err = SearchMany(bg, nil, Vector([]float32{1}), 3, nil)
	must(t, err)
	if hits.Counts[0] != 0 {
		t.Errorf("%+v", hits)
	}
	must(t, b.Close())
	_, err = SearchMany(bg, []*DB{a, b}, Vector([]float32{1}), 3, nil)
	if e := fails(t, err, ErrClosed); e.Item != 1 {
		t.Errorf("item %d", e.Item)
	}
	_, err = SearchMany(bg, []*DB{a, memory(t, Options{OptDim: 2})}, Vector([]float32{1}), 3, nil)
	fails(t, err, ErrMismatch)
}

func TestCursorsGoThroughAllRows(t *testing.T) {
	db := memory(t, Options{OptDim: 4})
	rows := fill(t, db, 1000)
	cursor, err := db.SearchCursor(bg, Vector(rows[:4]), &SearchParams{Flags: SearchExact})
	must(t, err)
	want := nearest(rows, 4, rows[:4], 1000, nil)
	ids, distances := make([]uint64, 7), make([]float32, 7)
	n, err := cursor.Next(ids, distances)
	must(t, err)
	if !slices.Equal(ids[:n], want[:n]) || n != 7 || distances[0] != 0 {
		t.Errorf("%v %v", ids[:n], distances[:n])
	}
	must(t, db.Close())
	var rest []uint64
	for id := range cursor.All() {
		rest = append(rest, id)
	}
	must(t, cursor.Err())
	if !slices.Equal(rest, want[7:]) {
		t.Errorf("%d rows are left", len(rest))
	}
	if n, err := cursor.Next(ids, nil); n != 0 || err != io.EOF {
		t.Errorf("%d, %v at the end", n, err)
	}
	must(t, cursor.Close())
	must(t, cursor.Close())
	_, err = cursor.Next(ids, nil)
	fails(t, err, ErrClosed)
	_, err = cursor.Next(ids, distances[:3])
	fails(t, err, ErrInvalidArgument)
	_, err = db.SearchCursor(bg, Vector(rows[:4]), nil)
	fails(t, err, ErrClosed)
}

func TestAScanIsInTheOrderOfIDs(t *testing.T) {
	db := line(t, 100)
	filter, err := DenyIDs([]uint64{101, 108})
	must(t, err)
	cursor, err := db.ScanCursor(filter)
	must(t, err)
	must(t, filter.Close())
	must(t, db.Upsert(bg, []uint64{5}, Vector([]float32{0})))
	var ids []uint64
	for id := range cursor.All() {
		if ids = append(ids, id); id == 103 {
			break
		}
	}
	must(t, cursor.Err())
	if !slices.Equal(ids, []uint64{100, 102, 103}) {
		t.Errorf("%v", ids)
	}
	must(t, cursor.Close())
}

func TestAContextEndsACursor(t *testing.T) {
	db := memory(t, Options{OptDim: 4})
	fill(t, db, 5000)
	ctx, cancel := context.WithCancel(bg)
	cursor, err := db.SearchCursor(ctx, Vector(make([]float32, 4)), nil)
	must(t, err)
	defer cursor.Close()
	ids := make([]uint64, 10)
	if n, err := cursor.Next(ids, nil); n == 0 || err != nil {
		t.Fatal(n, err)
	}
	cancel()
	// At once, also where pages are read already, and for good.
	for range 3 {
		_, err := cursor.Next(ids, nil)
		if fails(t, err, ErrCancelled); !errors.Is(err, context.Canceled) {
			t.Errorf("%v does not tell the cause", err)
		}
	}
	for id := range cursor.All() {
		t.Fatalf("row %d", id)
	}
	fails(t, cursor.Err(), ErrCancelled)
}

func TestACursorGoesOnAfterAnErrorAndForgetsIt(t *testing.T) {
	db := line(t, 0)
	cursor, err := db.ScanCursor(nil)
	must(t, err)
	defer cursor.Close()
	wrong := error(invalid(ErrDeadline, "of a page before"))
	cursor.err.Store(&wrong)
	rows := 0
	for range cursor.All() {
		rows++
	}
	if rows != 10 || cursor.Err() != nil {
		t.Errorf("%d rows, then %v", rows, cursor.Err())
	}
}

func TestVectorsWithoutComponentsAreRefused(t *testing.T) {
	db := line(t, 0)
	var hits Hits
	for _, nothing := range []Vectors{{}, Vector(nil), F32(nil, 0), F32(nil, -1)} {
		_, err := db.Search(bg, nothing, 3, nil)
		fails(t, err, ErrDimension)
		_, err = SearchMany(bg, []*DB{db}, nothing, 3, nil)
		fails(t, err, ErrDimension)
		fails(t, db.Insert(bg, nil, nothing), ErrDimension)
		fails(t, db.UpsertRecords(bg, &Records{Vectors: nothing}), ErrDimension)
	}
	must(t, db.Insert(bg, nil, F32(nil, 1)))
	must(t, db.SearchInto(bg, F32(nil, 1), 3, nil, &hits))
}

func TestGoroutinesTakeTurnsWithACursor(t *testing.T) {
	db := memory(t, Options{OptDim: 4})
	fill(t, db, 2000)
	ctx, cancel := context.WithCancel(bg)
	cursor, err := db.SearchCursor(ctx, Vector(make([]float32, 4)), nil)
	must(t, err)
	defer cursor.Close()
	cancel()
	var all sync.WaitGroup
	all.Add(4)
	for range 4 {
		go func() {
			defer all.Done()
			for range cursor.All() {
			}
			_ = cursor.Err()
		}()
	}
	all.Wait()
}

func TestForgottenCursorsAndFiltersAreFreed(t *testing.T) {
	db := line(t, 0)
	ctx, cancel := context.WithCancel(bg)
	defer cancel()
	cursor, filter := func() (uintptr, uintptr) {
		filter, err := AllowIDs([]uint64{1})
		must(t, err)
		cursor, err := db.SearchCursor(ctx, Vector([]float32{1}), &SearchParams{Filter: filter})
		must(t, err)
		return cursor.handle, filter.handle
	}()
	gone := func() bool {
		var count uint64
		return vdbCursorNext(cursor, 0, nil, nil, &count, nil) == ErrClosed && vdbCount(db.handle, filter, &count, nil) == ErrClosed
	}
	if gone() {
		t.Fatal("they are gone at once")
	}
	for range 500 {
		runtime.GC()
		if gone() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("they are still there")
}
