// Command measure is ../measure.c in Go.
package main

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"time"
	"unsafe"

	vdb "vdb/bindings/go"
)

const (
	smallDim, smallRows, smallSearches             = 4, 10, 20000
	sampleDim, queryCount, sampleSearches, k       = 384, 100, 2000, 10
	insertDim, insertRows, graphNever        int64 = 60, 100000, 2000000
)

var bg = context.Background()

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func memory(dim, graphMinRows int64) *vdb.DB {
	db, err := vdb.OpenMemory(vdb.Options{vdb.OptDim: dim, vdb.OptGraphMinRows: graphMinRows})
	must(err)
	return db
}

// timed are the nanoseconds of each call.
func timed(count int, call func(i int) error) float64 {
	start := time.Now()
	for i := range count {
		if err := call(i); err != nil {
			log.Fatal(err)
		}
	}
	return float64(time.Since(start)) / float64(count)
}

func insert(ids []uint64, rows []float32, batch int64) float64 {
	db := memory(insertDim, graphNever)
	each := timed(int(insertRows/batch), func(i int) error {
		from := int64(i) * batch
		return db.Insert(bg, ids[from:from+batch], vdb.F32(rows[from*insertDim:(from+batch)*insertDim], int(insertDim)))
	})
	must(db.Close())
	return each / float64(batch)
}

func main() {
	ids, rows := make([]uint64, insertRows), make([]float32, insertRows*insertDim)
	for i := range ids {
		ids[i] = uint64(i)
	}
	for i := range rows {
		rows[i] = float32(i*37%100) / 100
	}
	small, large := memory(smallDim, 2000), memory(sampleDim, 2000)
	must(small.Insert(bg, ids[:smallRows], vdb.F32(rows[:smallRows*smallDim], smallDim)))
	file, err := os.ReadFile(os.Args[1] + "/base.npy")
	must(err)
	sample := unsafe.Slice((*uint16)(unsafe.Pointer(&file[128])), (len(file)-128)/2)
	must(large.Insert(bg, ids[:len(sample)/sampleDim], vdb.F16(sample, sampleDim)))
	must(large.WaitIndexed(bg))
	queries, _, err := large.Get(ids[:queryCount])
	must(err)
	query := vdb.Vector([]float32{0.5, 0.25, 0.125, 0.0625})
	cancellable, cancel := context.WithCancel(bg)
	defer cancel()

	var hits vdb.Hits
	ways := []func(i int) error{
		func(int) error { return small.SearchInto(bg, query, k, nil, &hits) },
		func(int) error { _, err := small.Search(bg, query, k, nil); return err },
		func(int) error { return small.SearchInto(cancellable, query, k, nil, &hits) },
	}
	inSample := func(i int) error {
		from := i % queryCount * sampleDim
		return large.SearchInto(bg, vdb.Vector(queries[from:from+sampleDim]), k, nil, &hits)
	}
	fmt.Println("Go, hits used again\tGo, fresh hits\tGo, context that can be cancelled")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		switch what, way, _ := strings.Cut(lines.Text(), " "); what {
		case "small":
			fmt.Printf("%.1f\n", timed(smallSearches, ways[way[0]-'0']))
		case "sample":
			fmt.Printf("%.1f\n", timed(sampleSearches, inSample))
		default:
			batch, err := strconv.ParseInt(way, 10, 64)
			must(err)
			fmt.Printf("%.1f\n", insert(ids, rows, batch))
		}
	}
}
