package vdb

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestASnapshotStaysWhatItIs(t *testing.T) {
	db := memory(t, Options{OptDim: 1})
	must(t, db.InsertRecords(bg, &Records{IDs: []uint64{1, 2}, Vectors: F32([]float32{1, 2}, 1), Keys: Strings("a", "b"), Meta: Strings(`{"x":1}`, "")}))
	snapshot, err := db.Snapshot()
	must(t, err)
	_, err = db.Delete([]uint64{1})
	must(t, err)
	must(t, db.Upsert(bg, []uint64{2, 3}, F32([]float32{20, 30}, 1)))

	then := db.At(snapshot)
	count, err := then.Count(nil)
	must(t, err)
	vectors, found, err := then.Get([]uint64{1, 2, 3})
	must(t, err)
	keys, err := then.KeysOfIDs([]uint64{1, 2})
	must(t, err)
	meta, err := then.Meta([]uint64{1, 2})
	must(t, err)
	ids, err := then.IDsOfKeys(Strings("b", "a"))
	must(t, err)
	if count != 2 || !slices.Equal(vectors, []float32{1, 2, 0}) || !slices.Equal(found, []bool{true, true, false}) ||
		!slices.Equal(listOf(keys), []string{"a", "b"}) || !slices.Equal(listOf(meta), []string{`{"x":1}`, ""}) || !slices.Equal(ids, []uint64{2, 1}) {
		t.Errorf("%d rows, %v %v, %q, %q, %v", count, vectors, found, listOf(keys), listOf(meta), ids)
	}
	hits, err := db.Search(bg, Vector([]float32{0}), 9, &SearchParams{Snapshot: snapshot})
	must(t, err)
	if row, distances := hits.Row(0); !slices.Equal(row, []uint64{1, 2}) || distances[1] != 4 {
		t.Errorf("%v %v", row, distances)
	}
	cursor, err := then.ScanCursor(nil)
	must(t, err)
	var page [9]uint64
	if count, err := cursor.Next(page[:], nil); err != nil || !slices.Equal(page[:count], []uint64{1, 2}) {
		t.Errorf("%v %v", page, err)
	}
	must(t, cursor.Close())
	if now, _ := db.Count(nil); now != 2 {
		t.Errorf("%d rows now", now)
	}
	other := memory(t, Options{OptDim: 1})
	_, err = other.At(snapshot).Count(nil)
	fails(t, err, ErrMismatch)
	_, err = other.At(snapshot).ScanCursor(nil)
	fails(t, err, ErrMismatch)
	must(t, snapshot.Close())
	must(t, snapshot.Close())
	_, err = then.Count(nil)
	fails(t, err, ErrClosed)
	must(t, db.Close())
	_, err = db.Snapshot()
	fails(t, err, ErrClosed)
}

func TestAForgottenSnapshotIsFreed(t *testing.T) {
	db := line(t, 0)
	func() {
		_, err := db.Snapshot()
		must(t, err)
	}()
	for range 500 {
		stats, err := db.Stats()
		must(t, err)
		if stats.Snapshots == 0 {
			return
		}
		runtime.GC()
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("it is still there")
}

func TestABackupIsADatabase(t *testing.T) {
	folder := t.TempDir()
	db := onDisk(t, filepath.Join(folder, "db"), Options{OptDim: 4})
	fill(t, db, 100)
	var last [2]uint64
	ctx := WithProgress(bg, func(done, total uint64) { last = [2]uint64{done, total} })
	must(t, db.Backup(ctx, filepath.Join(folder, "one"), ""))
	must(t, db.Upsert(bg, []uint64{1000}, Vector(make([]float32, 4))))
	must(t, db.Backup(bg, filepath.Join(folder, "two"), filepath.Join(folder, "one")))
	fails(t, db.Backup(bg, filepath.Join(folder, "two"), ""), ErrAlreadyExists)
	fails(t, db.Backup(bg, filepath.Join(folder, "x"), filepath.Join(folder, "none")), ErrNotFound)
	for name, rows := range map[string]uint64{"one": 100, "two": 101} {
		copy := onDisk(t, filepath.Join(folder, name), nil)
		if count, err := copy.Count(nil); err != nil || count != rows {
			t.Errorf("%s has %d rows, %v", name, count, err)
		}
	}
	if last[0] != last[1] {
		t.Errorf("progress ended at %v", last)
	}
	ended, cancel := context.WithCancel(bg)
	cancel()
	fails(t, db.Backup(ended, filepath.Join(folder, "three"), ""), ErrCancelled)
}

func TestRowsGoToFilesAndBack(t *testing.T) {
	folder := t.TempDir()
	db := memory(t, Options{OptDim: 2})
	must(t, db.Insert(bg, []uint64{5, 7, 9}, F32([]float32{1, 2, 3, 4, 5, 6}, 2)))
	few, err := DenyIDs([]uint64{7})
	must(t, err)
	defer few.Close()
	lines, array := filepath.Join(folder, "rows.jsonl"), filepath.Join(folder, "rows.bin")
	must(t, db.Export(bg, lines, "", few))
	must(t, db.Export(bg, array, "npy", nil))
	fails(t, db.Export(bg, array, "npy", nil), ErrAlreadyExists)
	fails(t, db.Export(bg, filepath.Join(folder, "x"), "pdf", nil), ErrUnsupported)
	text, err := os.ReadFile(lines)
	must(t, err)
	if strings.Count(string(text), "\n") != 2 || !strings.Contains(string(text), `"id":9`) {
		t.Errorf("%s", text)
	}
	into := memory(t, Options{OptDim: 2})
	must(t, into.Import(bg, lines, ""))
	vectors, found, err := into.Get([]uint64{5, 7, 9})
	must(t, err)
	if !slices.Equal(vectors, []float32{1, 2, 0, 0, 5, 6}) || !slices.Equal(found, []bool{true, false, true}) {
		t.Errorf("%v %v", vectors, found)
	}
	must(t, into.Import(bg, array, "npy"))
	if count, _ := into.Count(nil); count != 3 {
		t.Errorf("%d rows", count)
	}
	fails(t, into.Import(bg, filepath.Join(folder, "none.npy"), ""), ErrNotFound)
	fails(t, into.Import(bg, "a\x00b", ""), ErrInvalidArgument)
}

func TestAFilterOrSnapshotThatNobodyMadeIsRefused(t *testing.T) {
	db := line(t, 0)
	query, filter, snapshot := Vector([]float32{1}), &Filter{}, &Snapshot{}
	folder := t.TempDir()
	for what, use := range map[string]func() error{
		"count":           func() error { _, err := db.Count(filter); return err },
		"search":          func() error { _, err := db.Search(bg, query, 2, &SearchParams{Filter: filter}); return err },
		"search at":       func() error { _, err := db.Search(bg, query, 2, &SearchParams{Snapshot: snapshot}); return err },
		"search of rows":  func() error { _, err := db.SearchIDs(bg, []uint64{1}, 2, &SearchParams{Filter: filter}); return err },
		"cursor":          func() error { _, err := db.SearchCursor(bg, query, &SearchParams{Filter: filter}); return err },
		"scan":            func() error { _, err := db.ScanCursor(filter); return err },
		"scan at":         func() error { _, err := db.At(snapshot).ScanCursor(nil); return err },
		"explain":         func() error { _, err := db.Explain(query, 2, &SearchParams{Filter: filter}); return err },
		"recall":          func() error { _, err := db.MeasureRecall(bg, query, 2, &SearchParams{Filter: filter}); return err },
		"export":          func() error { return db.Export(bg, filepath.Join(folder, "x.npy"), "", filter) },
		"delete":          func() error { _, err := db.DeleteWhere(bg, filter); return err },
		"update":          func() error { _, err := db.UpdateMetaWhere(bg, filter, nil); return err },
		"bind":            func() error { _, err := filter.Bind(1); return err },
		"count at":        func() error { _, err := db.At(snapshot).Count(nil); return err },
		"get at":          func() error { _, _, err := db.At(snapshot).Get([]uint64{1}); return err },
		"metadata at":     func() error { _, err := db.At(snapshot).Meta([]uint64{1}); return err },
		"keys at":         func() error { _, err := db.At(snapshot).KeysOfIDs([]uint64{1}); return err },
		"ids of keys at":  func() error { _, err := db.At(snapshot).IDsOfKeys(Strings("a")); return err },
		"several at once": func() error { _, err := SearchMany(bg, []*DB{db}, query, 2, &SearchParams{Filter: filter}); return err },
	} {
		if err := use(); !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if count, err := db.Count(nil); err != nil || count != 10 {
		t.Errorf("%d rows, %v", count, err)
	}
}

// As where `defer x.Close()` stands before the look at the error.
func TestWhatWasNotMadeCanBeClosed(t *testing.T) {
	for _, nothing := range []io.Closer{(*Filter)(nil), (*Snapshot)(nil), (*Cursor)(nil), &Filter{}, &Snapshot{}, &Cursor{}} {
		must(t, nothing.Close())
	}
	fails(t, (*DB)(nil).Close(), ErrClosed)
}

func TestAnImportThatIsStoppedTellsHowManyRowsAreIn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows.npy")
	from := memory(t, Options{OptDim: 64})
	fill(t, from, 40000)
	must(t, from.Export(bg, path, "", nil))
	// As quick as the machine is, some time ends it between two batches.
	patience := 5 * time.Millisecond
	for range 200 {
		into := memory(t, Options{OptDim: 64})
		ctx, cancel := context.WithTimeout(bg, patience)
		err := into.Import(ctx, path, "")
		cancel()
		rows, _ := into.Count(nil)
		must(t, into.Close())
		switch {
		case err == nil:
			patience -= patience / 5
		case rows == 0:
			fails(t, err, ErrCancelled)
			patience += patience / 4
		default:
			if e := fails(t, err, ErrCancelled); rows != uint64(e.Item) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%d rows, %d told: %v", rows, e.Item, err)
			}
			return
		}
	}
	t.Error("it was never stopped between two batches")
}
