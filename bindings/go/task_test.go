package vdb

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

func TestAContextThatHasEndedChangesNothing(t *testing.T) {
	db := memory(t, Options{OptDim: 2})
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(bg)
	cancel(why)
	err := db.Insert(ctx, []uint64{1}, Vector([]float32{1, 2}))
	fails(t, err, ErrCancelled)
	if !errors.Is(err, why) || !errors.Is(err, context.Canceled) {
		t.Errorf("%v does not tell the cause", err)
	}
	_, err = db.Search(ctx, Vector([]float32{1, 2}), 1, nil)
	fails(t, err, ErrCancelled)
	if count, _ := db.Count(nil); count != 0 {
		t.Errorf("%d rows", count)
	}
}

func TestAContextEndsALongCall(t *testing.T) {
	db := memory(t, Options{OptDim: 128, OptThreads: 1})
	fill(t, db, 20000)
	ctx, cancel := context.WithTimeout(bg, 20*time.Millisecond)
	defer cancel()
	err := db.WaitIndexed(ctx)
	fails(t, err, ErrCancelled)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v is not the deadline", err)
	}
	stats, err := db.Stats()
	must(t, err)
	if stats.Unindexed == 0 {
		t.Error("the call went on to the end of the work")
	}
}

func TestAContextEndsASearchThatKeepsItsHits(t *testing.T) {
	db := memory(t, Options{OptDim: 64, OptGraphMinRows: 1 << 31, OptThreads: 1})
	fill(t, db, 20000)
	queries := F32(noise(3, 4000, 64), 64)
	var hits Hits
	// On a busy machine the context may end before the search begins: then once more, with more time.
	for patience := 30 * time.Millisecond; !hits.Partial && patience < 10*time.Second; patience *= 2 {
		ctx, cancel := context.WithTimeout(bg, patience)
		defer cancel()
		var err error
		hits, err = db.Search(ctx, queries, 10, nil)
		fails(t, err, ErrCancelled)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v is not the deadline", err)
		}
	}
	if !hits.Partial || len(hits.Counts) != 4000 {
		t.Errorf("partial %v, %d counts", hits.Partial, len(hits.Counts))
	}
	if last, _ := hits.Row(3999); len(last) != 0 {
		t.Errorf("all of 4000 scans were done: %v", last)
	}
}

func TestProgressIsToldAndEndsWithTheCall(t *testing.T) {
	db := memory(t, Options{OptDim: 16})
	var told [][2]uint64
	ctx := WithProgress(bg, func(done, total uint64) { told = append(told, [2]uint64{done, total}) })
	must(t, db.Insert(ctx, sequence(0, 3000), F32(noise(1, 3000, 16), 16)))
	if len(told) == 0 || told[len(told)-1] != [2]uint64{3000, 3000} {
		t.Errorf("told %v", told)
	}
	told = nil
	if _, err := db.MeasureRecallOfRows(ctx, 100, 10, nil); err != nil {
		t.Fatal(err)
	}
	for i, step := range told {
		if step[0] > step[1] || i > 0 && step[0] < told[i-1][0] {
			t.Errorf("told %v", told)
		}
	}
	before := runtime.NumGoroutine()
	for range 50 {
		must(t, db.Checkpoint(ctx))
	}
	if after := runtime.NumGoroutine(); after > before+2 {
		t.Errorf("%d goroutines, then %d", before, after)
	}
}

func TestCheckAndRepairTellWhatIsDamaged(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "db")
	db := onDisk(t, path, Options{OptDim: 16})
	fill(t, db, 3000)
	must(t, db.WaitIndexed(bg))
	must(t, db.Checkpoint(bg))
	report, err := db.Check(bg, CheckRecall)
	must(t, err)
	if !report.Sound || report.Completed != "recall" || report.Rows != 3000 || report.RecallAt10 == nil || *report.RecallAt10 < 0.9 {
		t.Errorf("%+v", report)
	}
	must(t, db.Close())

	damage(t, path)
	db, err = Open(path, nil)
	if err == nil {
		report, err = db.Check(bg, CheckChecksums)
		if len(report.Problems) == 0 || report.Problems[0].File == "" || report.Sound {
			t.Errorf("%+v", report)
		}
		db.Close()
	}
	fails(t, err, ErrCorrupt)
	repair, err := Repair(bg, path, filepath.Join(folder, "repaired"), nil)
	must(t, err)
	if repair.Rows+repair.RowsLost < 3000 || repair.FilesDamaged == 0 {
		t.Errorf("%+v", repair)
	}
	repaired := onDisk(t, filepath.Join(folder, "repaired"), nil)
	if count, _ := repaired.Count(nil); count != repair.Rows {
		t.Errorf("%d rows, %d told", count, repair.Rows)
	}
	_, err = Repair(bg, filepath.Join(folder, "none"), filepath.Join(folder, "x"), nil)
	fails(t, err, ErrNotFound)
}

// damage changes a byte in the middle of the largest file.
func damage(t *testing.T, folder string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	must(t, err)
	var largest string
	var size int64
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && info.Size() > size {
			largest, size = filepath.Join(folder, entry.Name()), info.Size()
		}
	}
	bytes, err := os.ReadFile(largest)
	must(t, err)
	bytes[size/2] ^= 0x55
	must(t, os.WriteFile(largest, bytes, 0o644))
}
