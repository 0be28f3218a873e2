package vdb

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
)

// Sync makes all batches so far as safe as [DurabilityFull] would have.
func (db *DB) Sync() error {
	e := newError()
	err := e.check(vdbSync(db.handle, &e))
	runtime.KeepAlive(db)
	return err
}

// Checkpoint writes the current state as immutable files and shortens the log, as the background work does by
// itself.
func (db *DB) Checkpoint(ctx context.Context) error {
	return db.long(ctx, vdbCheckpoint)
}

// WaitIndexed waits until the background work has put every row into the graph. Rows can be found before that
// too; waiting is for measurements.
func (db *DB) WaitIndexed(ctx context.Context) error {
	return db.long(ctx, vdbWaitIndexed)
}

func (db *DB) long(ctx context.Context, call func(db, task uintptr, e *cError) Status) error {
	j, err := begin(ctx)
	if err != nil {
		return err
	}
	defer j.finish()
	e := newError()
	status := call(db.handle, j.number(), &e)
	runtime.KeepAlive(db)
	return withCause(ctx, e.check(status))
}

// Refresh moves a database that is only read ([OptReadOnly]) to the newest state that the writer has committed.
func (db *DB) Refresh() error {
	e := newError()
	err := e.check(vdbRefresh(db.handle, &e))
	runtime.KeepAlive(db)
	return err
}

// Recall is a measured recall and its 95 % confidence interval, all from 0 to 1.
type Recall struct {
	Value, Low, High float64
}

// MeasureRecall measures how many of the true k nearest rows a search with these parameters finds, by comparing
// with an exact search of each query.
func (db *DB) MeasureRecall(ctx context.Context, queries Vectors, k int, params *SearchParams) (Recall, error) {
	if err := queries.whole(); err != nil {
		return Recall{}, err
	}
	return db.measure(ctx, queries, k, params)
}

// MeasureRecallOfRows is [DB.MeasureRecall] with some stored rows for queries, each looked for apart from
// itself.
func (db *DB) MeasureRecallOfRows(ctx context.Context, rows, k int, params *SearchParams) (Recall, error) {
	return db.measure(ctx, Vectors{count: rows, dim: db.dim}, k, params)
}

func (db *DB) measure(ctx context.Context, queries Vectors, k int, params *SearchParams) (Recall, error) {
	if k < 0 || queries.count < 0 {
		return Recall{}, invalid(ErrOutOfRange, "k = %d of %d queries: none may be negative", k, queries.count)
	}
	j, err := begin(ctx)
	if err != nil {
		return Recall{}, err
	}
	defer j.finish()
	p, err := params.native(queries.scalar, 0)
	if err != nil {
		return Recall{}, err
	}
	var r Recall
	e := newError()
	status := vdbMeasureRecall(db.handle, queries.data, queries.count, queries.dim, queries.stride, k, &p,
		&r.Value, &r.Low, &r.High, j.number(), &e)
	runtime.KeepAlive(db)
	runtime.KeepAlive(params)
	return r, withCause(ctx, e.check(status))
}

// Problem is one thing that is wrong with a database.
type Problem struct {
	What   string  `json:"what"`
	File   string  `json:"file"`
	Block  *uint64 `json:"block"`
	Offset *uint64 `json:"offset"`
}

// CheckReport is what a check found.
type CheckReport struct {
	Sound         bool      `json:"sound"`
	Level         string    `json:"level"`
	Completed     string    `json:"completed"`
	Files         uint64    `json:"files"`
	Bytes         uint64    `json:"bytes"`
	LogRecords    uint64    `json:"log_records"`
	LSN           uint64    `json:"lsn"`
	Rows          uint64    `json:"rows"`
	GraphNodes    uint64    `json:"graph_nodes"`
	RecallAt10    *float64  `json:"recall_at_10"`
	RecallQueries uint64    `json:"recall_queries"`
	ProblemCount  uint64    `json:"problem_count"`
	Problems      []Problem `json:"problems"`
}

// Check checks whether the database is whole, beside searches and writes. Where something is wrong the report says
// what, and the error is [ErrCorrupt].
func (db *DB) Check(ctx context.Context, level CheckLevel) (CheckReport, error) {
	var out CheckReport
	j, err := begin(ctx)
	if err != nil {
		return out, err
	}
	defer j.finish()
	text, err := report(CheckReportMax, func(buf *byte, cap int, length *uint64, e *cError) Status {
		return vdbCheck(db.handle, uint32(level), buf, cap, length, j.number(), e)
	})
	runtime.KeepAlive(db)
	return out, withCause(ctx, decode(text, &out, err))
}

// decode reads a report, which a call may have written along with an error.
func decode(text []byte, into any, err error) error {
	if len(text) == 0 {
		return err
	}
	if wrong := json.Unmarshal(text, into); wrong != nil && err == nil {
		return fmt.Errorf("vdb: the library's report: %w", wrong)
	}
	return err
}

// RepairReport is what a repair saved and lost.
type RepairReport struct {
	// Complete is true when every row was saved.
	Complete          bool      `json:"complete"`
	Rows              uint64    `json:"rows"`
	RowsLost          uint64    `json:"rows_lost"`
	LostIDs           []uint64  `json:"lost_ids"`
	RowsLostWithoutID uint64    `json:"rows_lost_without_id"`
	RowsUncertain     uint64    `json:"rows_uncertain"`
	Generation        *uint64   `json:"generation"`
	Files             uint64    `json:"files"`
	FilesDamaged      uint64    `json:"files_damaged"`
	LogRecords        uint64    `json:"log_records"`
	LogComplete       bool      `json:"log_complete"`
	LogRecordsLost    uint64    `json:"log_records_lost"`
	LogBytesLost      uint64    `json:"log_bytes_lost"`
	ProblemCount      uint64    `json:"problem_count"`
	Problems          []Problem `json:"problems"`
}

// Repair makes a new database in the directory to out of all that can be read of the damaged one in the directory
// from, which must not be open for writing. Options are needed only when no manifest is whole.
func Repair(ctx context.Context, from, to string, options Options) (RepairReport, error) {
	var out RepairReport
	source, err := pathText(from)
	if err != nil {
		return out, err
	}
	target, err := pathText(to)
	if err != nil {
		return out, err
	}
	set, err := options.native()
	if err != nil {
		return out, err
	}
	defer vdbOptionsFree(set)
	j, err := begin(ctx)
	if err != nil {
		return out, err
	}
	defer j.finish()
	buf := make([]byte, RepairReportMax)
	var length uint64
	e := newError()
	status := vdbRepair(&source[0], &target[0], set, &buf[0], len(buf), &length, j.number(), &e)
	return out, withCause(ctx, decode(buf[:min(int(length), len(buf))], &out, e.check(status)))
}
