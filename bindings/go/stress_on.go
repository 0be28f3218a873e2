//go:build vdb_stress

package vdb

import "runtime"

// stress collects garbage before every call of the library, so that what is not kept alive during a
// call is gone by then. For tests.
func stress() { runtime.GC() }
