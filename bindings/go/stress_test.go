package vdb

import (
	"errors"
	"math/rand"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestManyGoroutinesUseOneDatabase(t *testing.T) {
	const dim, rows, workers = 16, 2000, 8
	rounds := 300
	if quick() {
		rounds = 60
	}
	db := memory(t, Options{OptDim: dim})
	data := fill(t, db, rows)
	deny, err := DenyIDs(sequence(1000, 500))
	must(t, err)
	defer deny.Close()
	var group sync.WaitGroup
	for worker := range workers {
		group.Add(1)
		go func() {
			defer group.Done()
			random := rand.New(rand.NewSource(int64(worker)))
			own := uint64(10000 + worker*1000)
			for round := range rounds {
				id := uint64(random.Intn(1000))
				query := data[id*dim : (id+1)*dim]
				hits, err := db.Search(bg, Vector(query), 3, &SearchParams{Filter: deny})
				if err != nil || hits.IDs[0] != id || hits.Distances[0] != 0 {
					t.Errorf("row %d: %v %v %v", id, hits.IDs, hits.Distances, err)
					return
				}
				mine := noise(int64(worker*rounds+round), 1, dim)
				if err := db.Upsert(bg, []uint64{own}, Vector(mine)); err != nil {
					t.Error(err)
					return
				}
				vectors, _, err := db.Get([]uint64{own})
				if err != nil || !slices.Equal(vectors, mine) {
					t.Errorf("own row: %v", err)
					return
				}
			}
		}()
	}
	group.Wait()
	if count, _ := db.Count(nil); count != rows+workers {
		t.Errorf("%d rows", count)
	}
}

func TestClosingWhileOthersSearch(t *testing.T) {
	for range 20 {
		db := memory(t, Options{OptDim: 8})
		data := fill(t, db, 200)
		var group sync.WaitGroup
		var searches atomic.Int64
		for range 4 {
			group.Add(1)
			go func() {
				defer group.Done()
				for {
					if _, err := db.Search(bg, Vector(data[:8]), 5, nil); err != nil {
						if !errors.Is(err, ErrClosed) {
							t.Error(err)
						}
						return
					}
					searches.Add(1)
				}
			}()
		}
		for searches.Load() == 0 {
			runtime.Gosched()
		}
		must(t, db.Close())
		group.Wait()
	}
}

// What is forgotten is closed by the garbage collector: a directory can be opened again.
func TestAForgottenDatabaseIsClosed(t *testing.T) {
	path := t.TempDir()
	func() {
		db, err := Open(path, Options{OptDim: 2})
		must(t, err)
		must(t, db.Insert(bg, []uint64{1}, Vector([]float32{1, 2})))
	}()
	for range 200 {
		runtime.GC()
		db, err := Open(path, nil)
		if err == nil {
			count, _ := db.Count(nil)
			if db.Close(); count != 1 {
				t.Errorf("%d rows", count)
			}
			return
		}
		fails(t, err, ErrLocked)
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the database is still open")
}

// Garbage is collected all the time while calls are made with memory that nothing else holds.
func TestNothingMovesOrGoesDuringACall(t *testing.T) {
	const dim = 32
	rounds := 400
	if quick() {
		rounds = 100
	}
	db := memory(t, Options{OptDim: dim})
	stop := make(chan struct{})
	var group sync.WaitGroup
	group.Add(1)
	go func() {
		defer group.Done()
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	}()
	for round := range rounds {
		from := uint64(round * 10)
		must(t, db.Insert(bg, sequence(from, 10), F32(noise(int64(round), 10, dim), dim)))
		filter, err := AllowIDs(sequence(from, 10))
		must(t, err)
		hits, err := db.Search(bg, F32(noise(int64(round), 10, dim), dim), 1, &SearchParams{Filter: filter})
		must(t, err)
		if !slices.Equal(hits.IDs, sequence(from, 10)) {
			t.Fatalf("round %d: %v", round, hits.IDs)
		}
		vectors, _, err := db.Get(sequence(from, 10))
		must(t, err)
		if !slices.Equal(vectors, noise(int64(round), 10, dim)) {
			t.Fatalf("round %d: rows are not what was written", round)
		}
	}
	close(stop)
	group.Wait()
}

func TestOpenAndCloseTenThousandTimes(t *testing.T) {
	cycles := 10000
	if quick() {
		cycles = 1000
	}
	cycle := func() {
		db, err := OpenMemory(Options{OptDim: 4})
		must(t, err)
		must(t, db.Upsert(bg, []uint64{1}, Vector([]float32{1, 2, 3, 4})))
		filter, err := AllowIDs([]uint64{1})
		must(t, err)
		hits, err := db.Search(bg, Vector([]float32{1, 2, 3, 4}), 1, &SearchParams{Filter: filter})
		if err != nil || hits.IDs[0] != 1 {
			t.Fatal(hits, err)
		}
		must(t, filter.Close())
		must(t, db.Close())
	}
	for range cycles / 10 {
		cycle()
	}
	runtime.GC()
	before, goroutines := residentKB(t), runtime.NumGoroutine()
	for range cycles {
		cycle()
	}
	runtime.GC()
	if grown := residentKB(t) - before; grown > 8*1024 {
		t.Errorf("%d cycles took %d KB more", cycles, grown)
	}
	if now := runtime.NumGoroutine(); now > goroutines {
		t.Errorf("%d goroutines, then %d", goroutines, now)
	}
}
