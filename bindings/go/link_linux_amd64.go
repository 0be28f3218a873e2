//go:build !vdb_use_lib

package vdb

// #cgo LDFLAGS: ${SRCDIR}/lib/linux-amd64/libvdb.a -lgcc_s -lm -lpthread -ldl
import "C"

import _ "vdb/bindings/go/lib/linux-amd64" // the folder of libvdb.a
