package vdb

import (
	"context"
	"math"
	"slices"
	"testing"
	"time"
)

// nearest is the plain answer: all rows by squared distance, then id.
func nearest(rows []float32, dim int, query []float32, k int, passes func(uint64) bool) []uint64 {
	type pair struct {
		id uint64
		d  float64
	}
	var all []pair
	for i := 0; i < len(rows)/dim; i++ {
		if passes != nil && !passes(uint64(i)) {
			continue
		}
		sum := 0.0
		for j := range dim {
			d := float64(rows[i*dim+j]) - float64(query[j])
			sum += d * d
		}
		all = append(all, pair{uint64(i), sum})
	}
	slices.SortFunc(all, func(a, b pair) int {
		if a.d != b.d {
			return int(math.Copysign(1, a.d-b.d))
		}
		return int(a.id) - int(b.id)
	})
	ids := make([]uint64, 0, k)
	for _, p := range all[:min(k, len(all))] {
		ids = append(ids, p.id)
	}
	return ids
}

func TestAnExactSearchIsThePlainAnswer(t *testing.T) {
	const dim, k = 8, 7
	db := memory(t, Options{OptDim: dim})
	rows := fill(t, db, 500)
	queries := noise(9, 20, dim)
	hits, err := db.Search(bg, F32(queries, dim), k, &SearchParams{Flags: SearchExact})
	must(t, err)
	even, err := AllowIDs(slices.DeleteFunc(sequence(0, 500), func(id uint64) bool { return id%2 == 1 }))
	must(t, err)
	defer even.Close()
	filtered, err := db.Search(bg, F32(queries, dim), k, &SearchParams{Flags: SearchExact, Filter: even})
	must(t, err)
	for q := range 20 {
		query := queries[q*dim : (q+1)*dim]
		if ids, _ := hits.Row(q); !slices.Equal(ids, nearest(rows, dim, query, k, nil)) {
			t.Errorf("query %d: %v", q, ids)
		}
		if ids, _ := filtered.Row(q); !slices.Equal(ids, nearest(rows, dim, query, k, func(id uint64) bool { return id%2 == 0 })) {
			t.Errorf("query %d among the even: %v", q, ids)
		}
	}
	count, err := db.Count(even)
	must(t, err)
	odd, err := DenyIDs(sequence(0, 490))
	must(t, err)
	defer odd.Close()
	rest, err := db.Count(odd)
	must(t, err)
	if count != 250 || rest != 10 {
		t.Errorf("%d even, %d not denied", count, rest)
	}
}

func TestHitsOfTheCallerAreUsedAgain(t *testing.T) {
	db := memory(t, Options{OptDim: 4})
	rows := fill(t, db, 50)
	var hits Hits
	must(t, db.SearchInto(bg, F32(rows[:40], 4), 5, nil, &hits))
	first := &hits.IDs[0]
	must(t, db.SearchInto(bg, F32(rows[4:8], 4), 3, nil, &hits))
	if &hits.IDs[0] != first || len(hits.IDs) != 3 || len(hits.Counts) != 1 || hits.IDs[0] != 1 {
		t.Errorf("%v %v", hits.IDs, hits.Counts)
	}
	allocations := testing.AllocsPerRun(100, func() {
		_ = db.SearchInto(bg, F32(rows[4:8], 4), 3, nil, &hits)
	})
	if allocations != 0 {
		t.Errorf("%v allocations a search", allocations)
	}
	fresh := testing.AllocsPerRun(100, func() { _, _ = db.Search(bg, F32(rows[4:8], 4), 3, nil) })
	if fresh != 1 {
		t.Errorf("%v allocations a search with fresh hits", fresh)
	}
	if err := db.SearchInto(bg, F32(rows[:3], 3), 3, nil, &hits); err == nil || len(hits.IDs) != 0 {
		t.Errorf("%v after %v", hits, err)
	}
}

func TestEverySearchAllocatesItsHitsOnly(t *testing.T) {
	db := line(t, 0)
	query, rows, params := Vector([]float32{4}), []uint64{4}, &SearchParams{Ef: 20}
	for what, c := range map[string]struct {
		allocations float64
		search      func() (Hits, error)
	}{
		"range":     {1, func() (Hits, error) { return db.SearchRange(bg, query, 4, 3, params) }},
		"ids":       {1, func() (Hits, error) { return db.SearchIDs(bg, rows, 3, params) }},
		"recommend": {1, func() (Hits, error) { return db.Recommend(bg, rows, nil, 3, params) }},
		"diverse":   {1, func() (Hits, error) { return db.SearchDiverse(bg, query, 3, 0, 1, params) }},
		"groups":    {1, func() (Hits, error) { return db.SearchGroups(bg, query, "of", 2, 3, params) }},
		// And the sources, and the handles of the databases, which may be on the stack.
		"many": {3, func() (Hits, error) { return SearchMany(bg, []*DB{db}, query, 3, params) }},
	} {
		if n := testing.AllocsPerRun(50, func() { _, _ = c.search() }); n > c.allocations {
			t.Errorf("%s: %v allocations, not %v", what, n, c.allocations)
		}
	}
}

func TestNothingToFindIsNoError(t *testing.T) {
	db := memory(t, Options{OptDim: 4})
	for _, k := range []int{0, 3} {
		hits, err := db.Search(bg, Vector(noise(1, 1, 4)), k, nil)
		must(t, err)
		if ids, distances := hits.Row(0); len(ids) != 0 || len(distances) != 0 {
			t.Errorf("k = %d: %v", k, ids)
		}
	}
	hits, err := db.Search(bg, F32(nil, 4), 3, nil)
	must(t, err)
	if len(hits.IDs) != 0 || len(hits.Counts) != 0 {
		t.Errorf("no queries: %v", hits)
	}
	if _, _, err := db.Get(nil); err != nil {
		t.Error(err)
	}
	must(t, db.Insert(bg, nil, F32(nil, 4)))
}

func TestRangeSearch(t *testing.T) {
	db := memory(t, Options{OptDim: 1})
	must(t, db.Insert(bg, sequence(0, 10), F32([]float32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 1)))
	hits, err := db.SearchRange(bg, Vector([]float32{0}), 9, 100, nil)
	must(t, err)
	if ids, _ := hits.Row(0); !slices.Equal(ids, []uint64{0, 1, 2, 3}) || hits.More {
		t.Errorf("%v, more %v", ids, hits.More)
	}
	hits, err = db.SearchRange(bg, Vector([]float32{0}), 9, 2, nil)
	must(t, err)
	if ids, _ := hits.Row(0); !slices.Equal(ids, []uint64{0, 1}) || !hits.More {
		t.Errorf("%v, more %v", ids, hits.More)
	}
	hits, err = db.SearchRange(bg, Vector([]float32{0}), 9, 0, nil)
	must(t, err)
	if !hits.More || len(hits.IDs) != 0 {
		t.Errorf("%+v", hits)
	}
	_, err = db.SearchRange(bg, Vector([]float32{0}), float32(math.NaN()), 2, nil)
	fails(t, err, ErrInvalidArgument)
	_, err = db.SearchRange(bg, F32([]float32{0, 1}, 1), 9, 2, nil)
	fails(t, err, ErrInvalidArgument)
}

func TestASearchOutOfTimeHasWhatItFound(t *testing.T) {
	db := memory(t, Options{OptDim: 64, OptGraphMinRows: 1 << 31})
	fill(t, db, 20000)
	hits, err := db.Search(bg, F32(noise(3, 200, 64), 64), 10, &SearchParams{Deadline: time.Nanosecond})
	must(t, err)
	if !hits.Partial {
		t.Error("200 scans of 20,000 rows in a microsecond")
	}
}

func TestRecallIsMeasured(t *testing.T) {
	db := memory(t, Options{OptDim: 8})
	fill(t, db, 3000)
	must(t, db.WaitIndexed(bg))
	for _, measure := range []func() (Recall, error){
		func() (Recall, error) { return db.MeasureRecall(bg, F32(noise(4, 50, 8), 8), 10, nil) },
		func() (Recall, error) { return db.MeasureRecallOfRows(bg, 50, 10, &SearchParams{Ef: 100}) },
	} {
		r, err := measure()
		must(t, err)
		if r.Value < 0.9 || r.Low > r.Value || r.High < r.Value || r.High > 1 {
			t.Errorf("%+v", r)
		}
	}
	_, err := db.Search(bg, Vector(noise(5, 1, 8)), 10, nil)
	must(t, err)
	stats, err := db.Stats()
	must(t, err)
	if stats.Live != 3000 || stats.Dim != 8 || stats.GraphNodes != 3000 || stats.Searches != 1 {
		t.Errorf("%+v", stats)
	}
}

// noHits says whether all places of a query are there and none is taken.
func noHits(hits Hits, k int) bool {
	ids, _ := hits.Row(0)
	return len(ids) == 0 && len(hits.IDs) == k && len(hits.Counts) == 1 && hits.Partial &&
		!slices.ContainsFunc(hits.IDs, func(id uint64) bool { return id != IDNone }) &&
		!slices.ContainsFunc(hits.Distances, func(d float32) bool { return !math.IsInf(float64(d), 1) })
}

func TestASearchThatFailsHasNoHitsOfBefore(t *testing.T) {
	db := line(t, 0)
	ended, cancel := context.WithCancel(bg)
	cancel()
	hits, err := SearchMany(bg, []*DB{db}, Vector([]float32{7}), 2, nil)
	must(t, err)
	fails(t, db.SearchInto(ended, Vector([]float32{1}), 2, nil, &hits), ErrCancelled)
	if !noHits(hits, 2) || hits.Sources != nil {
		t.Errorf("%+v after a context that had ended", hits)
	}
	for what, search := range map[string]func() error{
		"parameters": func() error { return db.SearchInto(bg, Vector([]float32{1}), 2, &SearchParams{Ef: -1}, &hits) },
		"k":          func() error { return db.SearchInto(bg, Vector([]float32{1}), -2, nil, &hits) },
		"vectors":    func() error { return db.SearchInto(bg, F32([]float32{1, 2, 3}, 2), 2, nil, &hits) },
	} {
		must(t, db.SearchInto(bg, Vector([]float32{7}), 2, nil, &hits))
		if err := search(); err == nil || len(hits.IDs)+len(hits.Counts)+hits.K != 0 {
			t.Errorf("wrong %s: %+v, %v", what, hits, err)
		}
	}
}

func TestEverySearchOfAContextThatHasEndedHasPlacesWithoutHits(t *testing.T) {
	db := line(t, 0)
	ended, cancel := context.WithCancel(bg)
	cancel()
	query := Vector([]float32{1})
	for what, search := range map[string]func(ctx context.Context, params *SearchParams) (Hits, error){
		"search":    func(c context.Context, p *SearchParams) (Hits, error) { return db.Search(c, query, 3, p) },
		"range":     func(c context.Context, p *SearchParams) (Hits, error) { return db.SearchRange(c, query, 9, 3, p) },
		"ids":       func(c context.Context, p *SearchParams) (Hits, error) { return db.SearchIDs(c, []uint64{1}, 3, p) },
		"recommend": func(c context.Context, p *SearchParams) (Hits, error) { return db.Recommend(c, []uint64{1}, nil, 3, p) },
		"diverse":   func(c context.Context, p *SearchParams) (Hits, error) { return db.SearchDiverse(c, query, 3, 0, 1, p) },
		"many":      func(c context.Context, p *SearchParams) (Hits, error) { return SearchMany(c, []*DB{db}, query, 3, p) },
	} {
		hits, err := search(ended, nil)
		fails(t, err, ErrCancelled)
		if !noHits(hits, 3) || what == "many" && len(hits.Sources) != 3 {
			t.Errorf("%s: %+v", what, hits)
		}
		hits, err = search(bg, &SearchParams{Ef: -1})
		fails(t, err, ErrOutOfRange)
		if len(hits.IDs)+len(hits.Counts)+len(hits.Sources) != 0 {
			t.Errorf("%s: %+v", what, hits)
		}
	}
	groups, err := db.SearchGroups(ended, query, "of", 2, 3, nil)
	fails(t, err, ErrCancelled)
	if len(groups.IDs)+len(groups.Counts) != 0 || !groups.Partial {
		t.Errorf("%+v", groups)
	}
}

func TestADatabaseThatIsNilIsToldOf(t *testing.T) {
	_, err := SearchMany(bg, []*DB{line(t, 0), nil}, Vector([]float32{1}), 2, nil)
	if e := fails(t, err, ErrNullArgument); e.Item != 1 {
		t.Errorf("item %d", e.Item)
	}
}

func TestMoreResultsThanThereIsMemoryForAreAnError(t *testing.T) {
	db := line(t, 0)
	_, err := db.SearchIDs(bg, make([]uint64, 1_000_000), MaxK, nil)
	fails(t, err, ErrNoMemory)
	_, err = db.SearchGroups(bg, Vector([]float32{1}), "of", MaxK, MaxK, nil)
	fails(t, err, ErrLimit)
	_, err = db.SearchGroups(bg, Vector([]float32{1}), "of", 2, -1, nil)
	fails(t, err, ErrLimit)
}
