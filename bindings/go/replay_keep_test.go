package vdb

import (
	"context"
	"fmt"
	"os"
	"reflect"
	"strings"
)

func (r *replayer) sync() (object, error)    { return nil, r.db().Sync() }
func (r *replayer) refresh() (object, error) { return nil, r.db().Refresh() }

func (r *replayer) checkpoint() (object, error) {
	return nil, r.db().Checkpoint(r.ctx(r.arg("task")))
}

func (r *replayer) waitIndexed() (object, error) {
	return nil, r.db().WaitIndexed(r.ctx(r.arg("task")))
}

func (r *replayer) check() (object, error) {
	level := map[string]CheckLevel{"checksums": CheckChecksums, "structure": CheckStructure, "recall": CheckRecall}[r.text("level")]
	report, err := r.db().Check(bg, level)
	return object{"report": report}, err
}

func (r *replayer) repair() (object, error) {
	report, err := Repair(bg, r.path(r.text("from")), r.path(r.text("to")), r.options())
	status := ""
	if err == nil && !report.Complete {
		status = "PARTIAL"
	}
	return object{"report": report, "status": status}, err
}

// stats have the names of the header.
func (r *replayer) stats() (object, error) {
	stats, err := r.db().Stats()
	if err != nil {
		return nil, err
	}
	fields := object{}
	value := reflect.ValueOf(stats)
	for name := range r.current["expect"].(object)["stats"].(object) {
		for i := range value.NumField() {
			if strings.EqualFold(value.Type().Field(i).Name, strings.ReplaceAll(name, "_", "")) {
				fields[name] = value.Field(i).Uint()
			}
		}
	}
	return object{"stats": fields}, nil
}

// watched is a task as contexts have it.
type watched struct {
	ctx         context.Context
	cancel      context.CancelFunc
	done, total uint64
}

func (r *replayer) task() (object, error) {
	w := &watched{}
	ctx, cancel := context.WithCancel(bg)
	w.cancel = cancel
	w.ctx = WithProgress(ctx, func(done, total uint64) { w.done, w.total = done, total })
	r.tasks[r.text("task")] = w
	return nil, nil
}

func (r *replayer) cancel() (object, error) {
	r.tasks[r.text("task")].cancel()
	return nil, nil
}

func (r *replayer) progress() (object, error) {
	w := r.tasks[r.text("task")]
	return object{"done": w.done, "total": w.total}, nil
}

func (r *replayer) damage() (object, error) {
	path := r.path(r.text("file"))
	bytes, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	bytes[int(r.number("offset"))] ^= 0xff
	return nil, os.WriteFile(path, bytes, 0o644)
}

func (r *replayer) snapshot() (object, error) {
	name := r.text("snapshot")
	snapshot, err := r.db().Snapshot()
	if err == nil {
		r.shots[name] = snapshot
	}
	return nil, err
}

func (r *replayer) freeSnapshot() (object, error) { return nil, r.shots[r.text("snapshot")].Close() }

func (r *replayer) backup() (object, error) {
	return nil, r.db().Backup(bg, r.path(r.text("path")), r.path(r.text("previous")))
}

func (r *replayer) exportFile() (object, error) {
	return nil, r.db().Export(bg, r.path(r.text("path")), r.text("format"), r.filters[r.text("filter")])
}

func (r *replayer) importFile() (object, error) {
	return nil, r.db().Import(bg, r.path(r.text("path")), r.text("format"))
}

func (r *replayer) explain() (object, error) {
	db := r.db()
	p, _ := r.params()
	told, err := db.Explain(r.vectors([]any{r.arg("query")}, db), int(r.number("k")), p)
	return object{"told": told}, err
}

var calls = map[string]Call{
	"search": CallSearch, "search_batch": CallSearchBatch, "search_range": CallSearchRange, "insert": CallInsert,
	"upsert": CallUpsert, "delete": CallDelete, "get": CallGet, "count": CallCount, "sync": CallSync,
	"checkpoint": CallCheckpoint, "refresh": CallRefresh,
}

func (r *replayer) latency() (object, error) {
	l, err := r.db().Latency(calls[r.text("call")])
	if l.P50 > l.P95 || l.P95 > l.P99 || l.P99 > l.Max+l.Max/25+1 {
		return nil, fmt.Errorf("the times are not in order: %+v", l)
	}
	return object{"count": l.Count}, err
}

func (r *replayer) readLog() (object, error) {
	lines, err := r.db().ReadLog()
	return object{"contains": strings.Join(lines, "\n")}, err
}

func (r *replayer) clearCache() (object, error) { return nil, r.db().ClearCache() }
