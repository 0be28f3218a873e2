package vdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
)

func (r *replayer) search() (object, error) { return r.searches(0) }

func (r *replayer) searchExact() (object, error) { return r.searches(SearchExact) }

func (r *replayer) searches(flags SearchFlag) (object, error) {
	db := r.db()
	p, ctx := r.params()
	if flags != 0 {
		if p == nil {
			p = &SearchParams{}
		}
		p.Flags |= flags
	}
	hits, err := db.Search(ctx, r.rows("queries", db), int(r.number("k")), p)
	return listed(ctx, hits, err)
}

// listed are the hits of each query. Of a search whose context had ended nothing is compared: where C has a partial result
// there is an error.
func listed(ctx context.Context, hits Hits, err error) (object, error) {
	if ctx.Err() != nil && errors.Is(err, ErrCancelled) {
		return object{"status": "PARTIAL"}, nil
	}
	ids, distances, sources := [][]string{}, [][]float32{}, [][]uint32{}
	for q := range hits.Counts {
		row, d := hits.Row(q)
		ids, distances = append(ids, digits(row)), append(distances, d)
		if hits.Sources != nil {
			sources = append(sources, hits.Sources[q*hits.K:q*hits.K+len(row)])
		}
		for i := q*hits.K + len(row); i < (q+1)*hits.K; i++ {
			if hits.IDs[i] != IDNone || !math.IsInf(float64(hits.Distances[i]), 1) {
				return nil, fmt.Errorf("place %d is not empty", i)
			}
		}
	}
	return object{"ids": ids, "distances": distances, "sources": sources}, err
}

// single are the hits of the only query.
func single(ctx context.Context, hits Hits, err error) (object, error) {
	if ctx.Err() != nil && errors.Is(err, ErrCancelled) {
		return object{"status": "PARTIAL"}, nil
	}
	if err != nil {
		return nil, err
	}
	ids, distances := hits.Row(0)
	return object{"ids": digits(ids), "distances": distances, "more": hits.More}, nil
}

func digits(ids []uint64) []string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.FormatUint(id, 10)
	}
	return texts
}

func (r *replayer) searchRange() (object, error) {
	db := r.db()
	p, ctx := r.params()
	query := r.vectors([]any{r.arg("query")}, db)
	hits, err := db.SearchRange(ctx, query, float32(r.number("max_distance")), int(r.number("cap")), p)
	return single(ctx, hits, err)
}

func (r *replayer) searchIDs() (object, error) {
	p, ctx := r.params()
	hits, err := r.db().SearchIDs(ctx, r.ids(), int(r.number("k")), p)
	return listed(ctx, hits, err)
}

func (r *replayer) recommend() (object, error) {
	p, ctx := r.params()
	hits, err := r.db().Recommend(ctx, r.idList("positive"), r.idList("negative"), int(r.number("k")), p)
	return single(ctx, hits, err)
}

func (r *replayer) searchDiverse() (object, error) {
	db := r.db()
	p, ctx := r.params()
	query := r.vectors([]any{r.arg("query")}, db)
	hits, err := db.SearchDiverse(ctx, query, int(r.number("k")), int(r.number("candidates")), float32(r.number("lambda")), p)
	return single(ctx, hits, err)
}

func (r *replayer) searchGroups() (object, error) {
	db := r.db()
	p, ctx := r.params()
	query := r.vectors([]any{r.arg("query")}, db)
	hits, err := db.SearchGroups(ctx, query, r.text("path"), int(r.number("groups")), int(r.number("per_group")), p)
	return listed(ctx, hits, err)
}

func (r *replayer) searchMany() (object, error) {
	var dbs []*DB
	for _, name := range r.arg("dbs").([]any) {
		dbs = append(dbs, r.dbs[name.(string)])
	}
	p, ctx := r.params()
	first := &DB{dim: 1}
	if len(dbs) > 0 {
		first = dbs[0]
	}
	hits, err := SearchMany(ctx, dbs, r.rows("queries", first), int(r.number("k")), p)
	return listed(ctx, hits, err)
}

func (r *replayer) cursorSearch() (object, error) {
	db, name := r.db(), r.text("cursor")
	p, ctx := r.params()
	cursor, err := db.SearchCursor(ctx, r.vectors([]any{r.arg("query")}, db), p)
	if err == nil {
		r.cursors[name] = cursor
	}
	return nil, err
}

func (r *replayer) cursorScan() (object, error) {
	name := r.text("cursor")
	cursor, err := r.view().ScanCursor(r.filters[r.text("filter")])
	if err == nil {
		r.cursors[name] = cursor
	}
	return nil, err
}

func (r *replayer) cursorRead() (object, error) {
	cursor, most, wanted := r.cursors[r.text("cursor")], int(r.number("cap")), math.MaxInt
	if r.arg("count") != nil {
		wanted = int(r.number("count"))
	}
	allIDs, allDistances := []uint64{}, []float32{}
	for len(allIDs) < wanted {
		places := min(most, wanted-len(allIDs))
		ids, distances := make([]uint64, places), make([]float32, places)
		n, err := cursor.Next(ids, distances)
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		allIDs, allDistances = append(allIDs, ids[:n]...), append(allDistances, distances[:n]...)
	}
	return object{"ids": digits(allIDs), "distances": allDistances}, nil
}

func (r *replayer) freeCursor() (object, error) { return nil, r.cursors[r.text("cursor")].Close() }

func (r *replayer) measureRecall() (object, error) {
	db := r.db()
	p, ctx := r.params()
	var recall Recall
	var err error
	if r.arg("queries") != nil {
		recall, err = db.MeasureRecall(ctx, r.rows("queries", db), int(r.number("k")), p)
	} else {
		recall, err = db.MeasureRecallOfRows(ctx, int(r.number("count")), int(r.number("k")), p)
	}
	if err == nil && (recall.Low > recall.Value || recall.Value > recall.High) {
		return nil, fmt.Errorf("%+v", recall)
	}
	return object{"recall": recall.Value}, err
}
