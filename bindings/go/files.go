package vdb

import (
	"context"
	"runtime"
)

// Backup makes a backup of the newest state in the directory path, beside searches and writes; opening it restores it. Previous
// is an earlier backup whose files are shared where they are the same, or empty. See vdb_backup in the header.
func (db *DB) Backup(ctx context.Context, path, previous string) error {
	return db.withFiles(ctx, path, previous, func(path, previous *byte, task uintptr, e *cError) Status {
		return vdbBackup(db.handle, path, previous, task, e)
	})
}

// Export writes the rows that a filter lets pass (nil: all) as a file of another program: npy, jsonl, fvecs, fbin and their like;
// an empty format is what the name of the file ends in. See vdb_export in the header.
func (db *DB) Export(ctx context.Context, path, format string, filter *Filter) error {
	err := db.withFiles(ctx, path, format, func(path, format *byte, task uintptr, e *cError) Status {
		return vdbExport(db.handle, path, format, filter.number(), task, e)
	})
	runtime.KeepAlive(filter)
	return err
}

// Import writes the rows of such a file into the database, in batches; a file with anything wrong in it changes nothing. When the
// context ends or the writing fails, the batches before stay, and Item of the error is the number of their rows. See vdb_import in the
// header.
func (db *DB) Import(ctx context.Context, path, format string) error {
	return db.withFiles(ctx, path, format, func(path, format *byte, task uintptr, e *cError) Status {
		return vdbImport(db.handle, path, format, task, e)
	})
}

// withFiles makes a call with a path and a second text, of which an empty one is none.
func (db *DB) withFiles(ctx context.Context, path, second string, call func(path, second *byte, task uintptr, e *cError) Status) error {
	first, err := pathText(path)
	if err != nil {
		return err
	}
	var other *byte
	if second != "" {
		text, err := terminated("text", second)
		if err != nil {
			return err
		}
		other = &text[0]
	}
	j, err := begin(ctx)
	if err != nil {
		return err
	}
	defer j.finish()
	e := newError()
	status := call(&first[0], other, j.number(), &e)
	runtime.KeepAlive(db)
	return withCause(ctx, e.check(status))
}
