package vdb_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	vdb "vdb/bindings/go"
)

func temp() string {
	folder, err := os.MkdirTemp("", "vdb")
	if err != nil {
		panic(err)
	}
	return folder
}

// The quick start: rows go in, the nearest come out.
func Example() {
	folder := temp()
	defer os.RemoveAll(folder)
	ctx := context.Background()

	db, err := vdb.Open(filepath.Join(folder, "quickstart.vdb"), vdb.Options{vdb.OptDim: 4, vdb.OptMetric: "cosine"})
	if err != nil {
		panic(err)
	}
	defer db.Close()

	rows := []float32{1, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 0}
	if err := db.Upsert(ctx, []uint64{10, 20, 30}, vdb.F32(rows, 4)); err != nil {
		panic(err)
	}
	hits, err := db.Search(ctx, vdb.Vector([]float32{1, 0.2, 0, 0}), 2, nil)
	if err != nil {
		panic(err)
	}
	for id, distance := range hits.All(0) {
		fmt.Printf("row %d, distance %.3f\n", id, distance)
	}
	// Output:
	// row 10, distance 0.019
	// row 30, distance 0.168
}

// Errors are compared with errors.Is, and have a message for people.
func ExampleError() {
	_, err := vdb.Open("/no/such/folder", vdb.Options{vdb.OptDim: 4, vdb.OptCreate: false})
	fmt.Println(errors.Is(err, vdb.ErrNotFound))

	db, _ := vdb.OpenMemory(vdb.Options{vdb.OptDim: 2})
	defer db.Close()
	err = db.Insert(context.Background(), []uint64{7, 8, 7}, vdb.F32(make([]float32, 6), 2))
	var e *vdb.Error
	if errors.As(err, &e) {
		fmt.Println(e.Code, "row", e.Item)
	}
	// Output:
	// true
	// VDB_ERR_ALREADY_EXISTS row 2
}

// One filter serves any number of searches.
func ExampleFilter() {
	ctx := context.Background()
	db, _ := vdb.OpenMemory(vdb.Options{vdb.OptDim: 1})
	defer db.Close()
	db.Insert(ctx, []uint64{1, 2, 3, 4}, vdb.F32([]float32{1, 2, 3, 4}, 1))

	filter, _ := vdb.AllowIDs([]uint64{3, 4})
	defer filter.Close()
	hits, _ := db.Search(ctx, vdb.Vector([]float32{0}), 10, &vdb.SearchParams{Filter: filter})
	ids, distances := hits.Row(0)
	fmt.Println(ids, distances)
	// Output: [3 4] [9 16]
}

// A context ends a long call, and WithProgress tells how far it is.
func ExampleWithProgress() {
	db, _ := vdb.OpenMemory(vdb.Options{vdb.OptDim: 1})
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var last uint64
	ctx = vdb.WithProgress(ctx, func(done, total uint64) { last = 100 * done / total })
	db.Insert(ctx, []uint64{1, 2, 3}, vdb.F32([]float32{1, 2, 3}, 1))
	fmt.Println(last, "%")
	// Output: 100 %
}

// Hits that are used again spare the allocation.
func ExampleDB_SearchInto() {
	ctx := context.Background()
	db, _ := vdb.OpenMemory(vdb.Options{vdb.OptDim: 1})
	defer db.Close()
	db.Insert(ctx, []uint64{1, 2}, vdb.F32([]float32{1, 2}, 1))
	var hits vdb.Hits
	for _, x := range []float32{0.9, 2.2} {
		if err := db.SearchInto(ctx, vdb.Vector([]float32{x}), 1, nil, &hits); err != nil {
			panic(err)
		}
		fmt.Println(hits.IDs[0])
	}
	// Output:
	// 1
	// 2
}
