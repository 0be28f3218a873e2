package vdb

import (
	"context"
	"fmt"
	"runtime"
	"unsafe"
)

// ask makes a search that fills hits, k places for each of `queries`. A scalar of 0 is for searches that have no query components.
func ask(ctx context.Context, queries, k int, scalar Scalar, params *SearchParams, call func(p *cSearchParams, hits *Hits, e *cError) Status) (Hits, error) {
	var hits Hits
	j, err := hits.begin(ctx, queries, k)
	if err != nil {
		return hits, err
	}
	defer j.finish()
	p, err := params.native(scalar, j.number())
	if err != nil {
		return Hits{}, err
	}
	e := newError()
	status := call(&p, &hits, &e)
	// What call has captured: the databases.
	runtime.KeepAlive(call)
	runtime.KeepAlive(params)
	return hits, hits.end(ctx, status, &e)
}

// SearchIDs finds the k rows nearest to each of some rows, which are left out themselves.
func (db *DB) SearchIDs(ctx context.Context, rows []uint64, k int, params *SearchParams) (Hits, error) {
	return ask(ctx, len(rows), k, 0, params, func(p *cSearchParams, hits *Hits, e *cError) Status {
		return vdbSearchIDs(db.handle, unsafe.SliceData(rows), len(rows), k, p,
			unsafe.SliceData(hits.IDs), unsafe.SliceData(hits.Distances), unsafe.SliceData(hits.Counts), e)
	})
}

// Recommend finds the k rows that are most like the positive examples and unlike the negative ones; vdb_recommend in the
// header says how. Hits has one query.
func (db *DB) Recommend(ctx context.Context, positive, negative []uint64, k int, params *SearchParams) (Hits, error) {
	return ask(ctx, 1, k, 0, params, func(p *cSearchParams, hits *Hits, e *cError) Status {
		return vdbRecommend(db.handle, unsafe.SliceData(positive), len(positive), unsafe.SliceData(negative), len(negative), k, p,
			unsafe.SliceData(hits.IDs), unsafe.SliceData(hits.Distances), unsafe.SliceData(hits.Counts), e)
	})
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
	return ask(ctx, 1, k, query.scalar, params, func(p *cSearchParams, hits *Hits, e *cError) Status {
		return vdbSearchDiverse(db.handle, query.data, query.dim, k, candidates, lambda, p,
			unsafe.SliceData(hits.IDs), unsafe.SliceData(hits.Distances), unsafe.SliceData(hits.Counts), e)
	})
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
	var found uint32
	hits, err := ask(ctx, groups, perGroup, query.scalar, params, func(p *cSearchParams, hits *Hits, e *cError) Status {
		return vdbSearchGroups(db.handle, query.data, query.dim, textData(path), len(path), groups, perGroup, p,
			unsafe.SliceData(hits.IDs), unsafe.SliceData(hits.Distances), unsafe.SliceData(hits.Counts), &found, e)
	})
	if count := int(found); count < len(hits.Counts) {
		hits.Counts, hits.IDs, hits.Distances = hits.Counts[:count], hits.IDs[:count*hits.K], hits.Distances[:count*hits.K]
	}
	return hits, err
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
	hits, err := ask(ctx, queries.count, k, queries.scalar, params, func(p *cSearchParams, hits *Hits, e *cError) Status {
		hits.Sources = make([]uint32, len(hits.IDs))
		return vdbSearchMany(unsafe.SliceData(handles), len(handles), queries.data, queries.count, queries.dim, queries.stride, k, p,
			unsafe.SliceData(hits.IDs), unsafe.SliceData(hits.Distances), unsafe.SliceData(hits.Sources), unsafe.SliceData(hits.Counts), e)
	})
	runtime.KeepAlive(dbs)
	if hits.Sources == nil {
		hits.Sources = make([]uint32, len(hits.IDs))
	}
	return hits, err
}
