package vdb

import (
	"encoding/json"
	"runtime"
	"strings"
	"unsafe"
)

// Stats returns statistics at this moment.
func (db *DB) Stats() (Stats, error) {
	s := cStats{structSize: uint32(unsafe.Sizeof(cStats{}))}
	e := newError()
	err := e.check(vdbStatsGet(db.handle, &s, &e))
	runtime.KeepAlive(db)
	return s.public(), err
}

// Explain searches for the k nearest rows of one query as [DB.Search] would, and tells how it went and why, as a JSON object whose members
// the header describes (vdb_explain).
func (db *DB) Explain(query Vectors, k int, params *SearchParams) (json.RawMessage, error) {
	if err := query.one("an explanation"); err != nil {
		return nil, err
	}
	if k < 0 {
		return nil, invalid(ErrOutOfRange, "k is %d: it cannot be negative", k)
	}
	p, err := params.native(query.scalar, 0)
	if err != nil {
		return nil, err
	}
	text, err := report(ExplainMax, func(buf *byte, cap int, length *uint64, e *cError) Status {
		return vdbExplain(db.handle, query.data, query.dim, k, &p, buf, cap, length, e)
	})
	runtime.KeepAlive(db)
	runtime.KeepAlive(params)
	if err != nil {
		return nil, err
	}
	return text, nil
}

// Columns tells about the columns of metadata, those that were declared ([OptColumns]) and those that filters looked at, as a JSON
// object whose members the header describes (vdb_columns_get).
func (db *DB) Columns() (json.RawMessage, error) {
	text, err := report(4096, func(buf *byte, cap int, length *uint64, e *cError) Status {
		return vdbColumnsGet(db.handle, buf, cap, length, e)
	})
	runtime.KeepAlive(db)
	if err != nil {
		return nil, err
	}
	return text, nil
}

// Latency returns how long calls of one kind took since the database was opened.
func (db *DB) Latency(call Call) (Latency, error) {
	l := cLatency{structSize: uint32(unsafe.Sizeof(cLatency{}))}
	e := newError()
	err := e.check(vdbLatencyGet(db.handle, uint32(call), &l, &e))
	runtime.KeepAlive(db)
	return l.public(), err
}

// ReadLog takes the lines out of the log of the database that came since it was read last; each goes to one reader. See vdb_log_read
// in the header for what is in them.
func (db *DB) ReadLog() ([]string, error) {
	var lines []string
	buf := make([]byte, 16*1024)
	for {
		var length uint64
		e := newError()
		status := vdbLogRead(db.handle, &buf[0], len(buf), &length, &e)
		runtime.KeepAlive(db)
		if status < 0 || length == 0 {
			return lines, e.check(status)
		}
		lines = append(lines, strings.Split(strings.TrimSuffix(string(buf[:length]), "\n"), "\n")...)
	}
}

// ClearCache forgets the answers that are kept for later searches ([OptCacheBytes]) and gives their memory back.
func (db *DB) ClearCache() error {
	e := newError()
	err := e.check(vdbCacheClear(db.handle, &e))
	runtime.KeepAlive(db)
	return err
}
