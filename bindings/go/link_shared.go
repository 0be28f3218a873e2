//go:build vdb_use_lib

package vdb

// #cgo pkg-config: vdb
import "C"
