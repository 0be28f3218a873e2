package vdb

import (
	"context"
	"time"
)

// How often progress is looked at.
const progressEvery = 20 * time.Millisecond

type progressKey struct{}

// WithProgress returns a context whose calls tell how far they are: report gets the units done and
// in total, from time to time while the call runs and once at its end. It runs on a goroutine of its
// own, never on two at once for one call, and a call returns only when it has.
func WithProgress(ctx context.Context, report func(done, total uint64)) context.Context {
	return context.WithValue(ctx, progressKey{}, report)
}

// job ties a call to its context: the task that the library asks, and who cancels and watches it.
// The zero job is for a context that cannot end and that nobody watches.
type job struct {
	task    uintptr
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
	e := newError()
	if status := vdbTaskNew(&j.task, &e); status < 0 {
		return job{}, e.public()
	}
	task := j.task
	if ctx.Done() != nil {
		// A task that was freed meanwhile is a number that no handle has: nothing happens then.
		j.stop = context.AfterFunc(ctx, func() { vdbTaskCancel(task) })
	}
	if report != nil {
		j.quit, j.watched = make(chan struct{}), make(chan struct{})
		go j.watch(report)
	}
	return j, nil
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
		if vdbTaskProgress(j.task, &done, &total) >= 0 && total > 0 {
			report(done, total)
		}
	}
}

func (j *job) finish() {
	if j.stop != nil {
		j.stop()
	}
	if j.quit != nil {
		close(j.quit)
		<-j.watched
	}
	if j.task != 0 {
		vdbTaskFree(j.task)
	}
}
