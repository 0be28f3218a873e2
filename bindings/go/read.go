package vdb

// Reading the newest state; [DB.At] reads in that of a snapshot.

// Get is [View.Get] of the newest state.
func (db *DB) Get(ids []uint64) ([]float32, []bool, error) { return db.At(nil).Get(ids) }

// GetInto is [View.GetInto] of the newest state.
func (db *DB) GetInto(ids []uint64, into Vectors, found []bool) error {
	return db.At(nil).GetInto(ids, into, found)
}

// Count is [View.Count] of the newest state.
func (db *DB) Count(filter *Filter) (uint64, error) { return db.At(nil).Count(filter) }

// IDsOfKeys is [View.IDsOfKeys] of the newest state.
func (db *DB) IDsOfKeys(keys Texts) ([]uint64, error) { return db.At(nil).IDsOfKeys(keys) }

// KeysOfIDs is [View.KeysOfIDs] of the newest state.
func (db *DB) KeysOfIDs(ids []uint64) (Texts, error) { return db.At(nil).KeysOfIDs(ids) }

// Meta is [View.Meta] of the newest state.
func (db *DB) Meta(ids []uint64) (Texts, error) { return db.At(nil).Meta(ids) }
