package vdb

import (
	"runtime"
	"unsafe"
)

// Snapshot is the state of a database at one moment: what is asked of it gets the same answer however much is written meanwhile.
// Making one copies nothing; what it shows stays in memory and on the disk until it is closed. Any number of goroutines may use it,
// with the database that it was made from: [DB.At] reads in its state, [SearchParams.Snapshot] searches there.
// The zero Snapshot is none, and an error ([ErrClosed]) wherever it is used.
type Snapshot struct {
	handle  uintptr
	cleanup runtime.Cleanup
}

// Snapshot makes a snapshot of the state that a search begun now would see.
func (db *DB) Snapshot() (*Snapshot, error) {
	var handle uintptr
	e := newError()
	status := vdbSnapshotNew(db.handle, &handle, &e)
	runtime.KeepAlive(db)
	if status < 0 {
		return nil, e.public()
	}
	s := &Snapshot{handle: handle}
	s.cleanup = runtime.AddCleanup(s, vdbSnapshotFree, handle)
	return s, nil
}

// Close gives the snapshot back; calls that use it go on. Closing it again, or nil, does nothing.
func (s *Snapshot) Close() error {
	if s == nil {
		return nil
	}
	s.cleanup.Stop()
	vdbSnapshotFree(s.handle)
	runtime.KeepAlive(s)
	return nil
}

// number is the handle that the library gets; none stands for the newest state.
func (s *Snapshot) number() uintptr {
	if s == nil {
		return 0
	}
	return made(s.handle)
}

// View reads rows of a database in one state.
type View struct {
	db       *DB
	snapshot *Snapshot
}

// At reads in the state of a snapshot; nil stands for the newest state.
func (db *DB) At(snapshot *Snapshot) View { return View{db, snapshot} }

// keep says that a call has used the view until here.
func (v View) keep() {
	runtime.KeepAlive(v.db)
	runtime.KeepAlive(v.snapshot)
}

// Get returns the vectors of ids, one after the other, and for each whether it is there. The place of one that
// is not is zero.
func (v View) Get(ids []uint64) ([]float32, []bool, error) {
	if err := room(len(ids), 4*v.db.dim+1); err != nil {
		return nil, nil, err
	}
	vectors := make([]float32, len(ids)*v.db.dim)
	found := make([]bool, len(ids))
	if err := v.GetInto(ids, F32(vectors, v.db.dim), found); err != nil {
		return nil, nil, err
	}
	return vectors, found, nil
}

// GetInto writes the vectors of ids into the slice that into is a view of, converted to its type. Places of
// ids that are not there are left alone. Both have a place for each id.
func (v View) GetInto(ids []uint64, into Vectors, found []bool) error {
	if err := into.whole(); err != nil {
		return err
	}
	if into.count != len(ids) || len(found) != len(ids) {
		return invalid(ErrInvalidArgument, "%d ids, but places for %d vectors and %d marks", len(ids), into.count, len(found))
	}
	e := newError()
	// The library writes 0 and 1 only, which is what a bool is made of.
	marks := (*uint8)(unsafe.Pointer(unsafe.SliceData(found)))
	status := vdbGetBatchAt(v.db.handle, v.snapshot.number(), unsafe.SliceData(ids), len(ids), into.dim, uint32(into.scalar),
		into.data, into.stride, marks, &e)
	v.keep()
	return e.check(status)
}

// Count returns the number of rows that a search can return; with a filter, of those that it lets pass.
func (v View) Count(filter *Filter) (uint64, error) {
	var count uint64
	e := newError()
	err := e.check(vdbCountAt(v.db.handle, v.snapshot.number(), filter.number(), &count, &e))
	v.keep()
	runtime.KeepAlive(filter)
	return count, err
}

// IDsOfKeys returns the ids of the rows that have the keys, [IDNone] where no row has one.
func (v View) IDsOfKeys(keys Texts) ([]uint64, error) {
	if err := keys.check("keys", keys.Len()); err != nil {
		return nil, err
	}
	text, offsets := keys.pointers()
	ids := make([]uint64, keys.Len())
	e := newError()
	status := vdbIDsOfKeysAt(v.db.handle, v.snapshot.number(), text, offsets, len(ids), unsafe.SliceData(ids), &e)
	v.keep()
	if status < 0 {
		return nil, e.public()
	}
	return ids, nil
}

// KeysOfIDs returns the keys of rows; empty for a row without one, and for an id that is not there.
func (v View) KeysOfIDs(ids []uint64) (Texts, error) { return v.texts(ids, 32, vdbKeysOfIDsAt) }

// Meta returns the metadata of rows, byte by byte what was stored; empty for a row without, and for an id that is not there.
func (v View) Meta(ids []uint64) (Texts, error) { return v.texts(ids, 256, vdbGetMetaAt) }

// texts reads the texts of rows into a buffer that is enlarged until they fit: others may write meanwhile.
func (v View) texts(ids []uint64, each int, read func(db, snapshot uintptr, ids *uint64, count int, out *byte, cap int, offsets, length *uint64, e *cError) Status) (Texts, error) {
	t := Texts{Bytes: make([]byte, max(1, each*len(ids))), Offsets: make([]uint64, len(ids)+1)}
	for {
		var length uint64
		e := newError()
		status := read(v.db.handle, v.snapshot.number(), unsafe.SliceData(ids), len(ids), &t.Bytes[0], len(t.Bytes), &t.Offsets[0], &length, &e)
		v.keep()
		switch {
		case status == ErrBufferTooSmall:
			t.Bytes = make([]byte, length)
		case status < 0:
			return Texts{}, e.public()
		default:
			t.Bytes = t.Bytes[:length]
			return t, nil
		}
	}
}
