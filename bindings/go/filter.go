package vdb

import (
	"runtime"
	"unsafe"
)

// Filter says which rows a search may return. Make one and use it often, from any goroutine: it
// remembers what it found out about rows.
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
	if vdbFilterIDS(unsafe.SliceData(ids), len(ids), allow, &handle, &e) < 0 {
		return nil, e.public()
	}
	return newFilter(handle), nil
}

func newFilter(handle uintptr) *Filter {
	f := &Filter{handle: handle}
	f.cleanup = runtime.AddCleanup(f, vdbFilterFree, handle)
	return f
}

// Close gives the filter back; calls that use it go on. Closing it again does nothing.
func (f *Filter) Close() error {
	f.cleanup.Stop()
	vdbFilterFree(f.handle)
	runtime.KeepAlive(f)
	return nil
}

// number is the handle that the library gets; none stands for all rows.
func (f *Filter) number() uintptr {
	if f == nil {
		return 0
	}
	return f.handle
}
