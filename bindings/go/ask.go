package vdb

import (
	"context"
	"fmt"
	"runtime"
	"unsafe"
)

// question is a search into hits of its own. What the library reads and writes is in it, and not in a closure: so it stays on the stack.
type question struct {
	hits   Hits
	given  *SearchParams
	job    job
	params cSearchParams
	e      cError
}

// begin makes k places for each of `queries`. A scalar of 0 is for searches that have no query components.
func (q *question) begin(ctx context.Context, queries, k int, scalar Scalar, params *SearchParams) error {
	var err error
	if q.job, err = q.hits.begin(ctx, queries, k); err != nil {
		return err
	}
	if q.params, err = params.native(scalar, q.job.number()); err != nil {
		q.job.finish()
		q.hits = Hits{}
		return err
	}
	q.given, q.e = params, newError()
	return nil
}

// end says what came of it.
func (q *question) end(ctx context.Context, status Status) (Hits, error) {
	q.job.finish()
	runtime.KeepAlive(q.given)
	err := q.hits.end(ctx, status, &q.e)
	return q.hits, err
}

// SearchIDs finds the k rows nearest to each of some rows, which are left out themselves.
func (db *DB) SearchIDs(ctx context.Context, rows []uint64, k int, params *SearchParams) (Hits, error) {
	var q question
	if err := q.begin(ctx, len(rows), k, 0, params); err != nil {
		return q.hits, err
	}
	status := vdbSearchIDs(db.handle, unsafe.SliceData(rows), len(rows), k, &q.params,
		unsafe.SliceData(q.hits.IDs), unsafe.SliceData(q.hits.Distances), unsafe.SliceData(q.hits.Counts), &q.e)
	runtime.KeepAlive(db)
	return q.end(ctx, status)
}

// Recommend finds the k rows that are most like the positive examples and unlike the negative ones; vdb_recommend in the
// header says how. Hits has one query.
func (db *DB) Recommend(ctx context.Context, positive, negative []uint64, k int, params *SearchParams) (Hits, error) {
	var q question
	if err := q.begin(ctx, 1, k, 0, params); err != nil {
		return q.hits, err
	}
	status := vdbRecommend(db.handle, unsafe.SliceData(positive), len(positive), unsafe.SliceData(negative), len(negative), k, &q.params,
		unsafe.SliceData(q.hits.IDs), unsafe.SliceData(q.hits.Distances), unsafe.SliceData(q.hits.Counts), &q.e)
	runtime.KeepAlive(db)
	return q.end(ctx, status)
}

// SearchDiverse chooses k rows that are near one query and not too near to each other, of the nearest candidates (0: 4k).
// With lambda 1 they are the nearest rows, with 0 those farthest apart. They are in the order in which they were chosen.
func (db *DB) SearchDiverse(ctx context.Context, query Vectors, k, candidates int, lambda float32, params *SearchParams) (Hits, error) {
	if err := query.one("a search for diverse rows"); err != nil {
		return Hits{}, err
	}
	if candidates < 0 {
		return Hits{}, invalid(ErrOutOfRange, "%d candidates: 0 stands for 4k", candidates)
	}
	var q question
	if err := q.begin(ctx, 1, k, query.scalar, params); err != nil {
		return q.hits, err
	}
	status := vdbSearchDiverse(db.handle, query.data, query.dim, k, candidates, lambda, &q.params,
		unsafe.SliceData(q.hits.IDs), unsafe.SliceData(q.hits.Distances), unsafe.SliceData(q.hits.Counts), &q.e)
	runtime.KeepAlive(db)
	return q.end(ctx, status)
}

// SearchGroups finds the best groups of rows near one query, and of each the perGroup best rows. Rows that have the same text, number
// or bool at a path of their metadata, such as author.name, are one group; others are in none. Hits has for each group, in place of
// a query, as many places as rows were asked for.
func (db *DB) SearchGroups(ctx context.Context, query Vectors, path string, groups, perGroup int, params *SearchParams) (Hits, error) {
	if err := query.one("a search for groups"); err != nil {
		return Hits{}, err
	}
	if groups < 0 || perGroup < 0 || perGroup > 0 && groups > MaxK/perGroup || groups > MaxK {
		return Hits{}, invalid(ErrLimit, "%d groups of %d rows: 0 to %d rows are possible", groups, perGroup, MaxK)
	}
	var q question
	if err := q.begin(ctx, groups, perGroup, query.scalar, params); err != nil {
		q.hits.keep(0)
		return q.hits, err
	}
	var found uint32
	status := vdbSearchGroups(db.handle, query.data, query.dim, textData(path), len(path), groups, perGroup, &q.params,
		unsafe.SliceData(q.hits.IDs), unsafe.SliceData(q.hits.Distances), unsafe.SliceData(q.hits.Counts), &found, &q.e)
	runtime.KeepAlive(db)
	hits, err := q.end(ctx, status)
	hits.keep(int(found))
	return hits, err
}

// keep takes away all but the first queries.
func (h *Hits) keep(queries int) {
	if queries < len(h.Counts) {
		h.Counts, h.IDs, h.Distances = h.Counts[:queries], h.IDs[:queries*h.K], h.Distances[:queries*h.K]
	}
}

// one says whether there is exactly one query.
func (v *Vectors) one(what string) error {
	if err := v.whole(); err != nil {
		return err
	}
	if v.count != 1 {
		return invalid(ErrInvalidArgument, "%d queries: %s takes one", v.count, what)
	}
	return nil
}

// SearchMany finds the k nearest rows of each query among those of all databases, as if they were one. They must have the same metric
// and dimension. Sources of the hits has the place in dbs that each row is from.
func SearchMany(ctx context.Context, dbs []*DB, queries Vectors, k int, params *SearchParams) (Hits, error) {
	if err := queries.whole(); err != nil {
		return Hits{}, err
	}
	handles := make([]uintptr, len(dbs))
	for i, db := range dbs {
		if db == nil {
			return Hits{}, &Error{Code: ErrNullArgument, Item: int64(i), Message: fmt.Sprintf("database %d of %d is nil", i, len(dbs))}
		}
		handles[i] = db.handle
	}
	var q question
	err := q.begin(ctx, queries.count, k, queries.scalar, params)
	q.hits.Sources = make([]uint32, len(q.hits.IDs))
	if err != nil {
		return q.hits, err
	}
	status := vdbSearchMany(unsafe.SliceData(handles), len(handles), queries.data, queries.count, queries.dim, queries.stride, k, &q.params,
		unsafe.SliceData(q.hits.IDs), unsafe.SliceData(q.hits.Distances), unsafe.SliceData(q.hits.Sources), unsafe.SliceData(q.hits.Counts), &q.e)
	runtime.KeepAlive(dbs)
	return q.end(ctx, status)
}
