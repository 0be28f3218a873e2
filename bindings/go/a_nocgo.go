//go:build !cgo

package vdb

// Without cgo nothing here can be compiled. The compiler tells of this type first, before of names that are then missing: types come before
// the rest, and this file before the others.
type _ build_with_CGO_ENABLED_1_and_a_C_compiler
