//go:build !cgo

package vdb

// Without cgo nothing here can be compiled. The compiler tells of this file, which is its first, before of names that are then missing.
const _ = build_with_CGO_ENABLED_1_and_a_C_compiler
