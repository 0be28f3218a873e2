package vdb

import (
	"runtime"
	"unsafe"
)

// Filter says which rows a search may return. Make one and use it often, from any goroutine: it
// remembers what it found out about rows.
//
// nil lets all rows pass. The zero Filter is none, and an error ([ErrClosed]) wherever it is used.
type Filter struct {
	handle  uintptr
	cleanup runtime.Cleanup
}

// AllowIDs makes a filter that only these rows pass.
func AllowIDs(ids []uint64) (*Filter, error) { return filterIDs(ids, 1) }

// DenyIDs makes a filter that all rows but these pass.
func DenyIDs(ids []uint64) (*Filter, error) { return filterIDs(ids, 0) }

func filterIDs(ids []uint64, allow int32) (*Filter, error) {
	var handle uintptr
	e := newError()
	if vdbFilterIDs(unsafe.SliceData(ids), len(ids), allow, &handle, &e) < 0 {
		return nil, e.public()
	}
	return newFilter(handle), nil
}

func newFilter(handle uintptr) *Filter {
	f := &Filter{handle: handle}
	f.cleanup = runtime.AddCleanup(f, vdbFilterFree, handle)
	return f
}

// Close gives the filter back; calls that use it go on. Closing it again, or nil, does nothing.
func (f *Filter) Close() error {
	if f == nil {
		return nil
	}
	f.cleanup.Stop()
	vdbFilterFree(f.handle)
	runtime.KeepAlive(f)
	return nil
}

// number is the handle that the library gets; no filter stands for all rows.
func (f *Filter) number() uintptr {
	if f == nil {
		return 0
	}
	return made(f.handle)
}

// made is a handle that the library refuses where nothing was made: 0 would stand for no filter, or the newest state.
func made(handle uintptr) uintptr {
	if handle == 0 {
		return ^uintptr(0)
	}
	return handle
}

// ParseFilter makes a filter out of a condition on metadata, such as
//
//	year >= 1990 and genre in ('jazz', 'soul')
//
// docs/filters.md describes the language. A text with parameters ($1, $2, ...) needs values before it is used: see
// [Filter.Bind]. The item of an [ErrFilterSyntax] is the byte where it shows.
func ParseFilter(text string) (*Filter, error) {
	var handle uintptr
	e := newError()
	if vdbFilterParse(textData(text), len(text), &handle, &e) < 0 {
		return nil, e.public()
	}
	return newFilter(handle), nil
}

// textData is where the bytes of a text are; not nil for an empty one.
func textData(text string) *byte {
	if text == "" {
		return &noText[0]
	}
	return unsafe.StringData(text)
}
