package vdb

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"unsafe"
)

// Texts are the keys or the metadata of several rows, back to back: text i is Bytes[Offsets[i]:Offsets[i+1]].
// The zero value is no texts at all, which is not the same as empty ones: an upsert leaves keys and metadata as they
// are that it does not bring, and takes away those that are empty.
type Texts struct {
	Bytes   []byte
	Offsets []uint64
}

// Strings puts texts together.
func Strings(list ...string) Texts {
	t := Texts{Offsets: make([]uint64, 1, len(list)+1)}
	for _, text := range list {
		t.Bytes = append(t.Bytes, text...)
		t.Offsets = append(t.Offsets, uint64(len(t.Bytes)))
	}
	return t
}

// JSON puts the JSON of values together, as encoding/json makes it: the metadata of rows, each an object. What is null there (nil, a
// nil map) is no metadata. [json.RawMessage] goes as it is.
func JSON(values ...any) (Texts, error) {
	t := Texts{Offsets: make([]uint64, 1, len(values)+1)}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	for i, value := range values {
		start := text.Len()
		if err := encoder.Encode(value); err != nil {
			return Texts{}, &Error{Code: ErrInvalidArgument, Item: int64(i), Message: fmt.Sprintf("metadata of row %d: %v", i, err), causes: []error{err}}
		}
		text.Truncate(text.Len() - 1) // the encoder ends each with a newline
		if string(text.Bytes()[start:]) == "null" {
			text.Truncate(start)
		}
		t.Offsets = append(t.Offsets, uint64(text.Len()))
	}
	t.Bytes = text.Bytes()
	return t, nil
}

// Len returns the number of texts.
func (t Texts) Len() int { return max(len(t.Offsets)-1, 0) }

// At returns a text; a view of Bytes.
func (t Texts) At(i int) []byte { return t.Bytes[t.Offsets[i]:t.Offsets[i+1]:t.Offsets[i+1]] }

// String returns a text as a string.
func (t Texts) String(i int) string { return string(t.At(i)) }

// check says whether there are texts for so many rows that all lie in Bytes; further rules are the library's.
func (t *Texts) check(what string, count int) error {
	if t.Offsets == nil {
		if len(t.Bytes) > 0 {
			return invalid(ErrInvalidArgument, "%s without offsets", what)
		}
		return nil
	}
	if len(t.Offsets) != count+1 {
		return invalid(ErrInvalidArgument, "%d offsets of %s for %d rows: one more than rows is needed", len(t.Offsets), what, count)
	}
	if end := t.Offsets[count]; end > uint64(len(t.Bytes)) {
		return invalid(ErrInvalidArgument, "%s end at byte %d of %d", what, end, len(t.Bytes))
	}
	return nil
}

// Where texts lie that are all empty.
var noText [1]byte

// pointers are what the library gets: nil for no texts at all.
func (t *Texts) pointers() (*byte, *uint64) {
	if t.Offsets == nil {
		return nil, nil
	}
	if len(t.Bytes) == 0 {
		return &noText[0], unsafe.SliceData(t.Offsets)
	}
	return unsafe.SliceData(t.Bytes), unsafe.SliceData(t.Offsets)
}

// Records are rows with keys and metadata.
type Records struct {
	// IDs has one for each row; [IDNone] asks for one. After the call they are the ids of the rows. nil asks for
	// all of them.
	IDs     []uint64
	Vectors Vectors
	// Keys are texts of 1 to [KeyMax] bytes that no other row has; empty is none.
	Keys Texts
	// Meta are JSON objects; empty is none. See [JSON].
	Meta Texts
}

// InsertRecords inserts rows with keys and metadata, in one batch. IDs that were asked for are above those of all rows.
func (db *DB) InsertRecords(ctx context.Context, records *Records) error {
	return db.writeRecords(ctx, records, vdbInsertRecords)
}

// UpsertRecords inserts rows, or gives those that are there new vectors, and keys and metadata where the call brings any.
// [IDNone] asks for the id of the row that has the key, or for a new one where none has.
func (db *DB) UpsertRecords(ctx context.Context, records *Records) error {
	return db.writeRecords(ctx, records, vdbUpsertRecords)
}

func (db *DB) writeRecords(ctx context.Context, r *Records, write func(db uintptr, ids *uint64, keys *byte, keyOffsets *uint64, vectors unsafe.Pointer,
	count, dim, stride int, scalar uint32, meta *byte, metaOffsets *uint64, task uintptr, e *cError) Status) error {
	v := &r.Vectors
	if err := v.whole(); err != nil {
		return err
	}
	if err := r.Keys.check("keys", v.count); err != nil {
		return err
	}
	if err := r.Meta.check("metadata", v.count); err != nil {
		return err
	}
	ids := r.IDs
	if ids == nil {
		ids = make([]uint64, v.count)
		for i := range ids {
			ids[i] = IDNone
		}
	}
	if len(ids) != v.count {
		return invalid(ErrInvalidArgument, "%d ids for %d vectors", len(ids), v.count)
	}
	j, err := begin(ctx)
	if err != nil {
		return err
	}
	defer j.finish()
	keys, keyOffsets := r.Keys.pointers()
	meta, metaOffsets := r.Meta.pointers()
	e := newError()
	status := write(db.handle, unsafe.SliceData(ids), keys, keyOffsets, v.data, v.count, v.dim, v.stride, uint32(v.scalar),
		meta, metaOffsets, j.number(), &e)
	runtime.KeepAlive(db)
	runtime.KeepAlive(r)
	if status >= 0 {
		r.IDs = ids
	}
	return withCause(ctx, e.check(status))
}

// UpdateMeta gives rows other metadata, all in one batch, and returns how many there were. Vectors and keys stay as they are.
func (db *DB) UpdateMeta(ids []uint64, meta Texts) (uint64, error) {
	if err := meta.check("metadata", len(ids)); err != nil {
		return 0, err
	}
	text, offsets := meta.pointers()
	var updated uint64
	e := newError()
	status := vdbUpdateMetaBatch(db.handle, unsafe.SliceData(ids), len(ids), text, offsets, &updated, &e)
	runtime.KeepAlive(db)
	return updated, e.check(status)
}

// UpdateMetaWhere gives all rows that the filter lets pass the same metadata, empty for none, and returns how many they were.
func (db *DB) UpdateMetaWhere(ctx context.Context, filter *Filter, meta []byte) (uint64, error) {
	return db.where(ctx, filter, func(task uintptr, count *uint64, e *cError) Status {
		return vdbUpdateMetaWhere(db.handle, filter.number(), unsafe.SliceData(meta), len(meta), count, task, e)
	})
}

// DeleteWhere deletes all rows that the filter lets pass, and returns how many they were.
func (db *DB) DeleteWhere(ctx context.Context, filter *Filter) (uint64, error) {
	return db.where(ctx, filter, func(task uintptr, count *uint64, e *cError) Status {
		return vdbDeleteWhere(db.handle, filter.number(), count, task, e)
	})
}

func (db *DB) where(ctx context.Context, filter *Filter, call func(task uintptr, count *uint64, e *cError) Status) (uint64, error) {
	j, err := begin(ctx)
	if err != nil {
		return 0, err
	}
	defer j.finish()
	var count uint64
	e := newError()
	status := call(j.number(), &count, &e)
	runtime.KeepAlive(db)
	runtime.KeepAlive(filter)
	return count, withCause(ctx, e.check(status))
}

// DeleteKeys deletes the rows that have one of the keys, and returns how many there were.
func (db *DB) DeleteKeys(keys Texts) (uint64, error) {
	if err := keys.check("keys", keys.Len()); err != nil {
		return 0, err
	}
	text, offsets := keys.pointers()
	var deleted uint64
	e := newError()
	status := vdbDeleteKeys(db.handle, text, offsets, keys.Len(), &deleted, &e)
	runtime.KeepAlive(db)
	return deleted, e.check(status)
}
