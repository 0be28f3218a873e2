package vdb

import (
	"context"
	"io"
	"iter"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Cursor goes through the rows of a database one page after the other, in the state that the database had when it was made.
// It goes on when the database is closed. Goroutines that use one take turns.
type Cursor struct {
	handle  uintptr
	cleanup runtime.Cleanup
	ctx     context.Context
	end     func()
	once    sync.Once
	err     atomic.Pointer[error]
}

// Rows of a page that [Cursor.All] asks for.
const pageRows = 256

// SearchCursor makes a cursor through all rows in the order of their distance to one query, nearest first. The context is for all of
// its pages, and ends also those that were read already; [SearchParams.Deadline] is for each.
func (db *DB) SearchCursor(ctx context.Context, query Vectors, params *SearchParams) (*Cursor, error) {
	if err := query.one("a cursor"); err != nil {
		return nil, err
	}
	j, err := begin(ctx)
	if err != nil {
		return nil, err
	}
	p, err := params.native(query.scalar, j.number())
	if err != nil {
		j.finish()
		return nil, err
	}
	var handle uintptr
	e := newError()
	status := vdbCursorSearch(db.handle, query.data, query.dim, &p, &handle, &e)
	runtime.KeepAlive(db)
	runtime.KeepAlive(params)
	if status < 0 {
		j.finish()
		return nil, e.public()
	}
	return newCursor(ctx, handle, j.finish), nil
}

// ScanCursor makes a cursor through the rows that a filter lets pass (nil: all), in the order of their ids.
func (db *DB) ScanCursor(filter *Filter) (*Cursor, error) { return db.At(nil).ScanCursor(filter) }

// ScanCursor is as [DB.ScanCursor], of the state of the view. The cursor keeps that state: the snapshot may be closed.
func (v View) ScanCursor(filter *Filter) (*Cursor, error) {
	var handle uintptr
	e := newError()
	status := vdbCursorScanAt(v.db.handle, v.snapshot.number(), filter.number(), &handle, &e)
	v.keep()
	runtime.KeepAlive(filter)
	if status < 0 {
		return nil, e.public()
	}
	return newCursor(context.Background(), handle, func() {}), nil
}

func newCursor(ctx context.Context, handle uintptr, end func()) *Cursor {
	c := &Cursor{handle: handle, ctx: ctx, end: end}
	c.cleanup = runtime.AddCleanup(c, func(handle uintptr) {
		vdbCursorFree(handle)
		end()
	}, handle)
	return c
}

// Next writes the next rows into ids and distances, and returns how many there are: fewer than there are places for do not mean
// that there are no more, which is [io.EOF]. Distances may be nil; of rows in the order of ids they are 0. Where the
// deadline passed there may be none: the next call goes on. After an error no row is lost.
func (c *Cursor) Next(ids []uint64, distances []float32) (int, error) {
	if distances != nil && len(distances) != len(ids) {
		return 0, invalid(ErrInvalidArgument, "places for %d ids and %d distances", len(ids), len(distances))
	}
	if c.ctx.Err() != nil {
		return 0, ended(c.ctx)
	}
	var count uint64
	e := newError()
	status := vdbCursorNext(c.handle, len(ids), unsafe.SliceData(ids), unsafe.SliceData(distances), &count, &e)
	runtime.KeepAlive(c)
	switch {
	case status < 0:
		return 0, e.public()
	case status == StatusDone:
		return 0, io.EOF
	case status == StatusPartial && c.ctx.Err() != nil:
		return int(count), ended(c.ctx)
	}
	return int(count), nil
}

// All goes through the rows that are left, with their distances. [Cursor.Err] tells afterwards whether an error ended it; then a new
// All goes on. Of a loop that is left early up to 255 rows that were read ahead are passed over; [Cursor.Next] reads what it is asked for.
func (c *Cursor) All() iter.Seq2[uint64, float32] {
	return func(yield func(uint64, float32) bool) {
		err := c.each(yield)
		c.err.Store(&err)
	}
}

// each gives all rows that are left to yield, until that wants no more.
func (c *Cursor) each(yield func(uint64, float32) bool) error {
	ids, distances := make([]uint64, pageRows), make([]float32, pageRows)
	for {
		n, err := c.Next(ids, distances)
		for i := range n {
			if !yield(ids[i], distances[i]) {
				return nil
			}
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case n == 0:
			return invalid(ErrDeadline, "the deadline of a page passed before there was a row")
		}
	}
}

// Err returns the error that ended [Cursor.All], if one did; of several, the one that ended last.
func (c *Cursor) Err() error {
	if err := c.err.Load(); err != nil {
		return *err
	}
	return nil
}

// Close gives the cursor back, and what it kept of the database. Closing it again, or nil, does nothing.
func (c *Cursor) Close() error {
	if c == nil || c.handle == 0 {
		return nil
	}
	c.cleanup.Stop()
	vdbCursorFree(c.handle)
	c.once.Do(c.end)
	runtime.KeepAlive(c)
	return nil
}
