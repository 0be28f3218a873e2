package vdb

import (
	"context"
	"errors"
	"math/rand"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

var bg = context.Background()

// quick is true where the tests should be short, as under valgrind or the race detector.
func quick() bool { return os.Getenv("VDB_TEST_QUICK") != "" || testing.Short() }

func memory(t testing.TB, options Options) *DB {
	t.Helper()
	db, err := OpenMemory(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil && !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	})
	return db
}

func onDisk(t testing.TB, path string, options Options) *DB {
	t.Helper()
	db, err := Open(path, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func noise(seed int64, count, dim int) []float32 {
	random := rand.New(rand.NewSource(seed))
	data := make([]float32, count*dim)
	for i := range data {
		data[i] = float32(random.NormFloat64())
	}
	return data
}

func sequence(from uint64, count int) []uint64 {
	ids := make([]uint64, count)
	for i := range ids {
		ids[i] = from + uint64(i)
	}
	return ids
}

// fill inserts rows of noise with ids from 0 on.
func fill(t testing.TB, db *DB, count int) []float32 {
	t.Helper()
	rows := noise(1, count, db.Dim())
	if err := db.Insert(bg, sequence(0, count), F32(rows, db.Dim())); err != nil {
		t.Fatal(err)
	}
	return rows
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fails checks the code of an error, and returns it.
func fails(t testing.TB, err error, code Status) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || !errors.Is(err, code) {
		t.Fatalf("got %v, want %v", err, code)
	}
	if e.Message == "" {
		t.Errorf("%v has no message", code)
	}
	return e
}

func sample(t testing.TB, name string) string {
	t.Helper()
	return filepath.Join("..", "..", "data", "wordnet", name)
}

// residentKB is the memory of the process, from the system.
func residentKB(t testing.TB) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("no /proc/self/statm")
	}
	var field []byte
	for spaces, i := 0, 0; spaces < 2; i++ {
		if text[i] == ' ' {
			spaces++
		} else if spaces == 1 {
			field = append(field, text[i])
		}
	}
	pages, err := strconv.Atoi(string(field))
	must(t, err)
	return pages * os.Getpagesize() / 1024
}
