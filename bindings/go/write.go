package vdb

import (
	"context"
	"runtime"
	"unsafe"
)

// Insert inserts rows: an id that is in the database already, or twice in the batch, fails the batch.
// A batch is written as a whole or not at all, and is durable when the call returns.
func (db *DB) Insert(ctx context.Context, ids []uint64, vectors Vectors) error {
	return db.write(ctx, ids, vectors, false)
}

// Upsert inserts rows, or replaces those that are there already.
func (db *DB) Upsert(ctx context.Context, ids []uint64, vectors Vectors) error {
	return db.write(ctx, ids, vectors, true)
}

func (db *DB) write(ctx context.Context, ids []uint64, v Vectors, replace bool) error {
	if err := v.whole(); err != nil {
		return err
	}
	if len(ids) != v.count {
		return invalid(ErrInvalidArgument, "%d ids for %d vectors", len(ids), v.count)
	}
	j, err := begin(ctx)
	if err != nil {
		return err
	}
	defer j.finish()
	e := newError()
	var status Status
	if replace {
		status = vdbUpsertBatch(db.handle, unsafe.SliceData(ids), v.data, v.count, v.dim, v.stride, uint32(v.scalar), j.number(), &e)
	} else {
		status = vdbInsertBatch(db.handle, unsafe.SliceData(ids), v.data, v.count, v.dim, v.stride, uint32(v.scalar), j.number(), &e)
	}
	runtime.KeepAlive(db)
	return withCause(ctx, e.check(status))
}

// Delete deletes rows and returns how many there were. Ids that are not there do no harm.
func (db *DB) Delete(ids []uint64) (uint64, error) {
	var deleted uint64
	e := newError()
	err := e.check(vdbDeleteBatch(db.handle, unsafe.SliceData(ids), len(ids), &deleted, &e))
	runtime.KeepAlive(db)
	return deleted, err
}
