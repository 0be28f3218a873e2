// Command search is ../search.c in Go: what one search costs.
package main

import (
	"context"
	"fmt"
	"log"
	"math"
	"time"

	vdb "vdb/bindings/go"
)

const dim, rows, rounds, searches = 4, 10, 400, 1000

func main() {
	ctx := context.Background()
	db, err := vdb.OpenMemory(vdb.Options{vdb.OptDim: dim})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	ids, data := make([]uint64, rows), make([]float32, rows*dim)
	for i := range ids {
		ids[i] = uint64(i)
	}
	for i := range data {
		data[i] = float32(i*37%100) / 100
	}
	if err := db.Insert(ctx, ids, vdb.F32(data, dim)); err != nil {
		log.Fatal(err)
	}
	query := vdb.Vector([]float32{0.5, 0.25, 0.125, 0.0625})

	var hits vdb.Hits
	fmt.Printf("Go, fresh hits %.0f\n", best(func() error {
		hits, err := db.Search(ctx, query, rows, nil)
		if err == nil && hits.Counts[0] != rows {
			err = fmt.Errorf("%d hits", hits.Counts[0])
		}
		return err
	}))
	fmt.Printf("Go, hits used again %.0f\n", best(func() error {
		return db.SearchInto(ctx, query, rows, nil, &hits)
	}))
	cancellable, cancel := context.WithCancel(ctx)
	defer cancel()
	fmt.Printf("Go, context that can be cancelled %.0f\n", best(func() error {
		return db.SearchInto(cancellable, query, rows, nil, &hits)
	}))
}

func best(search func() error) float64 {
	best := math.Inf(1)
	for range rounds {
		start := time.Now()
		for range searches {
			if err := search(); err != nil {
				log.Fatal(err)
			}
		}
		best = min(best, float64(time.Since(start))/searches)
	}
	return best
}
