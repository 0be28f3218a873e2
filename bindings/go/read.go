package vdb

import (
	"runtime"
	"unsafe"
)

// Get returns the vectors of ids, one after the other, and for each whether it is there. The place of one that
// is not is zero.
func (db *DB) Get(ids []uint64) ([]float32, []bool, error) {
	vectors := make([]float32, len(ids)*db.dim)
	found := make([]bool, len(ids))
	if err := db.GetInto(ids, F32(vectors, db.dim), found); err != nil {
		return nil, nil, err
	}
	return vectors, found, nil
}

// GetInto writes the vectors of ids into the slice that into is a view of, converted to its type. Places of
// ids that are not there are left alone. Both have a place for each id.
func (db *DB) GetInto(ids []uint64, into Vectors, found []bool) error {
	if err := into.whole(); err != nil {
		return err
	}
	if into.count != len(ids) || len(found) != len(ids) {
		return invalid(ErrInvalidArgument, "%d ids, but places for %d vectors and %d marks", len(ids), into.count, len(found))
	}
	e := newError()
	// The library writes 0 and 1 only, which is what a bool is made of.
	marks := (*uint8)(unsafe.Pointer(unsafe.SliceData(found)))
	status := vdbGetBatch(db.handle, unsafe.SliceData(ids), len(ids), into.dim, uint32(into.scalar), into.data, into.stride, marks, &e)
	runtime.KeepAlive(db)
	return e.check(status)
}

// Count returns the number of rows that a search can return; with a filter, of those that it lets pass.
func (db *DB) Count(filter *Filter) (uint64, error) {
	var count uint64
	e := newError()
	err := e.check(vdbCount(db.handle, filter.number(), &count, &e))
	runtime.KeepAlive(db)
	runtime.KeepAlive(filter)
	return count, err
}
