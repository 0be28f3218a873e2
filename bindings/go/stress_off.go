//go:build !vdb_stress

package vdb

func stress() {}
