package vdb

import (
	"context"
	"iter"
	"math"
	"runtime"
	"time"
	"unsafe"
)

// SearchParams say how a search runs. The zero value, or nil, is the defaults.
type SearchParams struct {
	// Ef is the breadth of the graph search; 0 means [OptEfSearch]. At least k is used.
	Ef int
	// TargetRecall is the share of the true neighbours to find on average, instead of an Ef; 0 means
	// [OptTargetRecall].
	TargetRecall float32
	// Rerank is the number of candidates whose exact distance is computed; 0 means max(2k, k + 10), and with [QuantPQ] and
	// [QuantRabitq] max(10k, k + 50, Ef).
	Rerank int
	// Flags are bits such as [SearchExact].
	Flags SearchFlag
	// Deadline is the time that a search may take, from its call on: then it ends with what it has, see [Hits.Partial]. 0 means no
	// limit.
	Deadline time.Duration
	// Filter says which rows may be results; nil means all.
	Filter *Filter
	// Snapshot is the state to search; nil means the newest.
	Snapshot *Snapshot
	// MaxMemory is the working memory in bytes that each query may take, see [Hits.Partial]; 0 means no limit but
	// [OptMaxMemory].
	MaxMemory uint64
}

// Hits are the results of a search: K places for each query, nearest first.
type Hits struct {
	// K is the number of places of a query.
	K int
	// IDs and Distances have K places for each query; those left over are [IDNone] and +Inf.
	IDs       []uint64
	Distances []float32
	// Sources has for each place the database that the row is from, of [SearchMany] only.
	Sources []uint32
	// Counts has the number of hits of each query.
	Counts []uint32
	// Partial is true when the search was stopped by its deadline or context, or kept to its memory: what is there is valid, but
	// it is not all.
	Partial bool
	// More is true when a range search found more than fit: the nearest are there.
	More bool
}

// Row returns the ids and distances of a query.
func (h *Hits) Row(query int) ([]uint64, []float32) {
	from, to := query*h.K, query*h.K+int(h.Counts[query])
	return h.IDs[from:to:to], h.Distances[from:to:to]
}

// All goes through the hits of a query, nearest first.
func (h *Hits) All(query int) iter.Seq2[uint64, float32] {
	ids, distances := h.Row(query)
	return func(yield func(uint64, float32) bool) {
		for i, id := range ids {
			if !yield(id, distances[i]) {
				return
			}
		}
	}
}

// clear leaves no hits, but the slices: what a search before has found must not pass for hits of one that fails.
func (h *Hits) clear() {
	// One by one: where the slices are need not be written again, which the garbage collector would have to hear of.
	h.K, h.Partial, h.More, h.Sources = 0, false, false, nil
	h.IDs, h.Distances, h.Counts = h.IDs[:0], h.Distances[:0], h.Counts[:0]
}

// begin makes a search into cleared hits ready: places for them, and its task. Where the context has ended, none of the places is taken.
func (h *Hits) begin(ctx context.Context, queries, k int) (job, error) {
	if err := h.reserve(queries, k); err != nil {
		return job{}, err
	}
	j, err := begin(ctx)
	if err != nil {
		for i := range h.IDs {
			h.IDs[i], h.Distances[i] = IDNone, float32(math.Inf(1))
		}
		clear(h.Counts)
		h.Partial = true
	}
	return j, err
}

// reserve makes room for the hits of some queries, in the slices that are there where they are long enough.
func (h *Hits) reserve(queries, k int) error {
	if k < 0 || k > MaxK {
		return invalid(ErrLimit, "k is %d: 0 to %d is possible", k, MaxK)
	}
	places := queries * k
	if queries > math.MaxInt/MaxK || cap(h.IDs) < places || cap(h.Distances) < places || cap(h.Counts) < queries {
		if err := room(queries, 12*k+4); err != nil {
			return err
		}
		// One piece of memory for all three.
		words := make([]uint64, places+(places+queries+1)/2)
		h.IDs = words[:places:places]
		floats := (*float32)(unsafe.Pointer(unsafe.SliceData(words[places:])))
		h.Distances = unsafe.Slice(floats, places)
		h.Counts = unsafe.Slice((*uint32)(unsafe.Add(unsafe.Pointer(floats), 4*places)), queries)
	}
	h.K = k
	h.IDs, h.Distances, h.Counts = h.IDs[:places], h.Distances[:places], h.Counts[:queries]
	return nil
}

// native is the parameters as the library reads them.
func (p *SearchParams) native(scalar Scalar, task uintptr) (cSearchParams, error) {
	c := cSearchParams{structSize: uint32(unsafe.Sizeof(cSearchParams{})), queryScalar: uint32(scalar), task: task}
	if p == nil {
		return c, nil
	}
	if p.Ef < 0 || p.Ef > math.MaxInt32 || p.Rerank < 0 || p.Rerank > math.MaxInt32 || p.Deadline < 0 {
		return c, invalid(ErrOutOfRange, "Ef = %d, Rerank = %d, Deadline = %v: none may be negative, and 2147483647 is the largest number", p.Ef, p.Rerank, p.Deadline)
	}
	c.ef, c.rerank, c.targetRecall, c.flags = uint32(p.Ef), uint32(p.Rerank), p.TargetRecall, uint32(p.Flags)
	// Less than a microsecond is still a limit.
	c.deadlineUs = uint64((p.Deadline + time.Microsecond - 1) / time.Microsecond)
	c.filter, c.snapshot, c.maxMemory = p.Filter.number(), p.Snapshot.number(), p.MaxMemory
	return c, nil
}

// Search finds the k nearest rows of each query.
//
// When the context ends, the hits so far are returned along with an error that is [ErrCancelled], and [Hits.Partial] is true. After
// any other error there are no hits. Each place takes 12 bytes, however few rows there are.
func (db *DB) Search(ctx context.Context, queries Vectors, k int, params *SearchParams) (Hits, error) {
	var hits Hits
	err := db.SearchInto(ctx, queries, k, params, &hits)
	return hits, err
}

// SearchInto is [DB.Search] with slices of the caller: those of hits are used again where they are long enough.
func (db *DB) SearchInto(ctx context.Context, queries Vectors, k int, params *SearchParams, hits *Hits) error {
	hits.clear()
	if err := queries.whole(); err != nil {
		return err
	}
	j, err := hits.begin(ctx, queries.count, k)
	if err != nil {
		return err
	}
	defer j.finish()
	var p *cSearchParams
	// The parameters that need not be passed are those that all are as without them.
	if params != nil || j.task != nil || queries.scalar != db.scalar {
		c, err := params.native(queries.scalar, j.number())
		if err != nil {
			hits.clear()
			return err
		}
		p = &c
	}
	e := newError()
	status := vdbSearch(db.handle, queries.data, queries.count, queries.dim, queries.stride, k, p,
		unsafe.SliceData(hits.IDs), unsafe.SliceData(hits.Distances), unsafe.SliceData(hits.Counts), &e)
	runtime.KeepAlive(db)
	runtime.KeepAlive(params)
	return hits.end(ctx, status, &e)
}

// end says what a search is that has returned.
func (h *Hits) end(ctx context.Context, status Status, e *cError) error {
	if status < 0 {
		h.clear()
		return withCause(ctx, e.public())
	}
	h.Partial = status == StatusPartial
	if h.Partial && ctx.Err() != nil {
		return ended(ctx)
	}
	return nil
}

// SearchRange finds all rows whose distance to one query is at most maxDistance, nearest first, and
// returns the nearest limit of them, see [Hits.More]. Hits has one query of limit places.
func (db *DB) SearchRange(ctx context.Context, query Vectors, maxDistance float32, limit int, params *SearchParams) (Hits, error) {
	if err := query.one("a range search"); err != nil {
		return Hits{}, err
	}
	var q question
	if err := q.begin(ctx, 1, limit, query.scalar, params); err != nil {
		return q.hits, err
	}
	var count uint64
	status := vdbSearchRange(db.handle, query.data, query.dim, maxDistance, limit, &q.params,
		unsafe.SliceData(q.hits.IDs), unsafe.SliceData(q.hits.Distances), &count, &q.e)
	runtime.KeepAlive(db)
	q.hits.More = count > uint64(limit)
	q.hits.Counts[0] = uint32(min(count, uint64(limit)))
	return q.end(ctx, status)
}
