package vdb

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// How often progress is looked at.
const progressEvery = 20 * time.Millisecond

type progressKey struct{}

// WithProgress returns a context whose calls tell how far they are: report gets the units done and
// in total, from time to time while the call runs and once at its end; of searches and of calls with
// nothing to do it is told nothing. It runs on a goroutine of its own, never on two at once for one
// call, and a call returns only when it has.
func WithProgress(ctx context.Context, report func(done, total uint64)) context.Context {
	return context.WithValue(ctx, progressKey{}, report)
}

// task is a task of the library. Those that nobody cancelled or watched are used again: making one costs
// as much as a small search.
type task struct {
	handle  uintptr
	cleanup runtime.Cleanup
}

var tasks sync.Pool

func newTask() (*task, error) {
	t := &task{}
	e := newError()
	if vdbTaskNew(&t.handle, &e) < 0 {
		return nil, e.public()
	}
	t.cleanup = runtime.AddCleanup(t, vdbTaskFree, t.handle)
	return t, nil
}

func (t *task) free() {
	t.cleanup.Stop()
	vdbTaskFree(t.handle)
}

// job ties a call to its context: the task that the library asks, and who cancels and watches it.
// The zero job is for a context that cannot end and that nobody watches.
type job struct {
	*task
	stop    func() bool
	quit    chan struct{}
	watched chan struct{}
}

// begin makes the task of a call; finish gives it back. A context that has ended is an error.
func begin(ctx context.Context) (job, error) {
	if ctx.Err() != nil {
		return job{}, ended(ctx)
	}
	report, _ := ctx.Value(progressKey{}).(func(done, total uint64))
	if ctx.Done() == nil && report == nil {
		return job{}, nil
	}
	var j job
	// The progress of a call must not begin with that of the call before.
	if report == nil {
		j.task, _ = tasks.Get().(*task)
	}
	if j.task == nil {
		var err error
		if j.task, err = newTask(); err != nil {
			return job{}, err
		}
	}
	if ctx.Done() != nil {
		handle := j.handle
		// A task that was freed meanwhile is a number that no handle has: nothing happens then.
		j.stop = context.AfterFunc(ctx, func() { vdbTaskCancel(handle) })
	}
	if report != nil {
		j.quit, j.watched = make(chan struct{}), make(chan struct{})
		go j.watch(report)
	}
	return j, nil
}

// number is the handle that the library gets; 0 stands for none.
func (j *job) number() uintptr {
	if j.task == nil {
		return 0
	}
	return j.handle
}

func (j *job) watch(report func(done, total uint64)) {
	defer close(j.watched)
	ticker := time.NewTicker(progressEvery)
	defer ticker.Stop()
	for running := true; running; {
		select {
		case <-ticker.C:
		case <-j.quit:
			running = false
		}
		var done, total uint64
		if vdbTaskProgress(j.handle, &done, &total) >= 0 && total > 0 {
			report(done, total)
		}
	}
}

func (j *job) finish() {
	if j.task == nil {
		return
	}
	reusable := j.quit == nil
	if j.stop != nil && !j.stop() {
		reusable = false
	}
	if j.quit != nil {
		close(j.quit)
		<-j.watched
	}
	if reusable {
		tasks.Put(j.task)
	} else {
		j.free()
	}
}
