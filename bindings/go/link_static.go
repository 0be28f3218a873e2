//go:build !vdb_use_lib && linux && (amd64 || arm64)

package vdb

// #cgo linux,amd64 LDFLAGS: ${SRCDIR}/lib/linux-amd64/libvdb.a
// #cgo linux,arm64 LDFLAGS: ${SRCDIR}/lib/linux-arm64/libvdb.a
// #cgo LDFLAGS: -lgcc_s -lm -lpthread -ldl
import "C"
