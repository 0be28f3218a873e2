// Package vdb is a vector database inside the process: it keeps vectors in a directory, or in
// memory, and finds the nearest ones.
//
//	db, err := vdb.Open("quickstart.vdb", vdb.Options{vdb.OptDim: 4, vdb.OptMetric: "cosine"})
//	err = db.Upsert(ctx, []uint64{10, 20}, vdb.F32([]float32{1, 0, 0, 0, 0, 1, 0, 0}, 4))
//	hits, err := db.Search(ctx, vdb.Vector([]float32{1, 0.2, 0, 0}), 2, nil)
//	for id, distance := range hits.All(0) { ... }
//
// It is a thin layer over the C library, whose header (include/vdb.h) is the manual of what each
// call does.
//
// # Memory
//
// Slices go to the library without a copy and are read, or written, during the call only. Results
// come as parallel slices, not as an object for each hit; [DB.SearchInto] uses the caller's again.
// Close databases, filters and cursors: the garbage collector closes what was forgotten, but at a time of
// its own choosing.
//
// # Goroutines
//
// Databases, filters, snapshots and cursors may be used from any number of goroutines. After Close, calls return [ErrClosed]; those
// in progress are waited for.
//
// # Cancelling and progress
//
// Calls that can take long have a context. When it ends, they return an error that is [ErrCancelled], the error of the context and its
// cause. A write or a job has then changed nothing, except [DB.Import], whose batches before stay; a search returns the hits it has so
// far along with such an error. [WithProgress] tells how far a call is.
//
// # Errors
//
// Errors of the library are [*Error]: a code, the row of the batch that is to blame, and a message that
// says what failed, the value, the limit and what to do. Compare with errors.Is(err, vdb.ErrNotFound).
//
// # Linking
//
// The library is linked statically from lib/GOOS-GOARCH/libvdb.a, which `make go-lib` at the root of the
// repository builds. With the build tag vdb_use_lib it is the system's libvdb, found by pkg-config.
package vdb

import _ "vdb/bindings/go/include" // the folder of vdb.h
