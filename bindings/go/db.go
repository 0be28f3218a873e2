package vdb

import (
	"encoding/json"
	"fmt"
	"runtime"
)

// DB is an open database. Any number of goroutines may use it at any time.
type DB struct {
	// A number, not an address: the library knows when it was closed (R5 of the header), so that nothing here
	// has to be locked.
	handle  uintptr
	cleanup runtime.Cleanup
	dim     int
	metric  Metric
	scalar  Scalar
}

// Open opens the database in the directory path, or makes one there; see vdb_open in the header. A
// new one needs [OptDim]. Options may be nil where it is there already.
func Open(path string, options Options) (*DB, error) {
	text, err := pathText(path)
	if err != nil {
		return nil, err
	}
	return open(&text[0], options)
}

// OpenMemory makes an empty database in memory.
func OpenMemory(options Options) (*DB, error) {
	return open(nil, options)
}

func open(path *byte, options Options) (*DB, error) {
	if abi := vdbABIVersion(); abi != ABIVersion {
		return nil, invalid(ErrUnsupported,
			"libvdb %s has ABI %d, this package was made for %d: install the library of the package's version", Version(), abi, ABIVersion)
	}
	set, err := options.native()
	if err != nil {
		return nil, err
	}
	defer vdbOptionsFree(set)
	db := &DB{}
	e := newError()
	if vdbOpen(path, set, &db.handle, &e) < 0 {
		return nil, e.public()
	}
	if err := db.readSchema(); err != nil {
		vdbClose(db.handle, nil)
		return nil, err
	}
	db.cleanup = runtime.AddCleanup(db, closeForgotten, db.handle)
	return db, nil
}

// closeForgotten closes a database that nobody can close any more. It may take as long as a
// checkpoint, for which other cleanups should not wait.
func closeForgotten(handle uintptr) { go vdbClose(handle, nil) }

func (db *DB) readSchema() error {
	var values [3]uint64
	for i, option := range []Option{OptDim, OptMetric, OptScalar} {
		value, err := db.Uint64Option(option)
		if err != nil {
			return err
		}
		values[i] = value
	}
	db.dim, db.metric, db.scalar = int(values[0]), Metric(values[1]), Scalar(values[2])
	return nil
}

// Close waits for calls in progress, makes everything durable and gives the database back. The
// database is closed whatever is returned. A second Close returns [ErrClosed], and that of nil.
func (db *DB) Close() error {
	if db == nil {
		return invalid(ErrClosed, "the database is nil: it was not opened")
	}
	e := newError()
	err := e.check(vdbClose(db.handle, &e))
	db.cleanup.Stop()
	runtime.KeepAlive(db)
	return err
}

// Dim returns the components of a vector.
func (db *DB) Dim() int { return db.dim }

// Metric returns what "near" means in the database.
func (db *DB) Metric() Metric { return db.metric }

// Scalar returns the type of the components that the database stores.
func (db *DB) Scalar() Scalar { return db.scalar }

// Version returns the version of the library, e.g. "0.1.0".
func Version() string { return vdbVersionString() }

// BuildInfo returns facts about the library: version, ABI, target, and the instruction set of the
// distance kernels that this processor gets.
func BuildInfo() (map[string]any, error) {
	text, err := report(512, func(buf *byte, cap int, length *uint64, e *cError) Status {
		return vdbBuildInfo(buf, cap, length, e)
	})
	if err != nil {
		return nil, err
	}
	info := map[string]any{}
	if err := json.Unmarshal(text, &info); err != nil {
		return nil, fmt.Errorf("vdb: the library's build info: %w", err)
	}
	return info, nil
}

// report makes a call that writes a text, into a buffer that is enlarged where it was too small. The
// text is also returned with an error if there is one.
func report(size int, call func(buf *byte, cap int, length *uint64, e *cError) Status) ([]byte, error) {
	for {
		buf := make([]byte, size)
		var length uint64
		e := newError()
		status := call(&buf[0], size, &length, &e)
		if status == ErrBufferTooSmall && int(length) >= size {
			size = int(length) + 1
			continue
		}
		return buf[:min(int(length), size-1)], e.check(status)
	}
}
