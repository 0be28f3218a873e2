// Command http answers GET /?row=17&k=5 with the dictionary entries nearest to one of the sample, as JSON:
//
//	go run ./examples/http ../../data/wordnet localhost:8080
package main

import (
	"context"
	"encoding/json"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"unsafe"
	vdb "vdb/bindings/go"
)

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

// load puts the sample, 384 half-precision numbers a row, into a database in memory: its ids begin with 1.
func load(folder string) (*vdb.DB, []string) {
	base := must(os.ReadFile(folder + "/base.npy"))[128:] // a header, then the rows
	texts := strings.Split(string(must(os.ReadFile(folder+"/glosses.txt"))), "\n")
	db := must(vdb.OpenMemory(vdb.Options{vdb.OptDim: 384, vdb.OptMetric: "cosine", vdb.OptScalar: "f16"}))
	rows := vdb.F16(unsafe.Slice((*uint16)(unsafe.Pointer(&base[0])), len(base)/2), 384)
	return must(db, db.InsertRecords(context.Background(), &vdb.Records{Vectors: rows})), texts
}

// near searches under the request's context: a client that goes away ends its search.
func near(db *vdb.DB, texts []string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		row, errRow := strconv.ParseUint(r.FormValue("row"), 10, 64)
		k, errK := strconv.Atoi(r.FormValue("k"))
		vector, found, err := db.Get([]uint64{row})
		if errRow != nil || errK != nil || k < 1 || k > 100 || err != nil || !found[0] {
			http.Error(w, "row must be one of the sample, k from 1 to 100", http.StatusBadRequest)
			return
		}
		hits, err := db.Search(r.Context(), vdb.Vector(vector), k, nil)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		var entries []map[string]any
		for id, distance := range hits.All(0) {
			entries = append(entries, map[string]any{"id": id, "distance": distance, "text": texts[id-1]})
		}
		json.NewEncoder(w).Encode(entries)
	}
}

func main() {
	log.Fatal(http.ListenAndServe(os.Args[2], near(load(os.Args[1]))))
}
