package vdb

import (
	"bytes"
	"context"
	"fmt"
	"unsafe"
)

// Error is what a failed call returns.
type Error struct {
	// Code says what kind of failure it is: errors.Is(err, vdb.ErrNotFound).
	Code Status
	// Item is the row of the batch that is to blame, or -1; of [ParseFilter] it is the byte, of an [DB.Import] that was stopped the
	// number of rows that are in.
	Item int64
	// OSError is the operating system's error number, or 0.
	OSError int
	// Message says what failed, the value, the limit and what to do.
	Message string

	// What ended the context, or the error that this one tells of.
	causes []error
}

// Error returns the message and the name of the code.
func (e *Error) Error() string {
	return fmt.Sprintf("vdb: %s (%s)", e.Message, e.Code)
}

// Unwrap returns the code, and what led to the error: of a context both its error and its cause.
func (e *Error) Unwrap() []error { return append([]error{e.Code}, e.causes...) }

// Error makes a status something that errors.Is compares with.
func (v Status) Error() string { return v.String() }

func newError() cError {
	return cError{structSize: uint32(unsafe.Sizeof(cError{}))}
}

// public copies the record of a call that failed.
func (e *cError) public() *Error {
	message, _, _ := bytes.Cut(e.message[:], []byte{0})
	// UINT64_MAX, no row, becomes -1.
	return &Error{Code: Status(e.code), Item: int64(e.item), OSError: int(e.osError), Message: string(message)}
}

// check is the error of a call, nil on success.
func (e *cError) check(status Status) error {
	if status >= 0 {
		return nil
	}
	return e.public()
}

func invalid(code Status, format string, args ...any) error {
	return &Error{Code: code, Item: -1, Message: fmt.Sprintf(format, args...)}
}

// withCause adds to an error of a call what ended its context, if that is why it stopped.
func withCause(ctx context.Context, err error) error {
	if e, ok := err.(*Error); ok && e.Code == ErrCancelled && ctx.Err() != nil {
		e.causes = causes(ctx)
	}
	return err
}

func ended(ctx context.Context) error {
	message := "the context ended: " + context.Cause(ctx).Error()
	return &Error{Code: ErrCancelled, Item: -1, Message: message, causes: causes(ctx)}
}

// causes are context.Canceled or its like, and what the one who ended the context gave for a reason.
func causes(ctx context.Context) []error { return []error{ctx.Err(), context.Cause(ctx)} }
