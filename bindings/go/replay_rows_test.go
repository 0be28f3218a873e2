package vdb

import (
	"context"
	"encoding/hex"
	"strconv"
	"strings"
	"unsafe"
)

func (r *replayer) open() (results object, err error) {
	defer func() {
		if caught, ok := recover().(*Error); ok {
			err = caught
		}
	}()
	name, path := r.text("db"), r.arg("path")
	options := r.options()
	var db *DB
	if path == nil {
		db, err = OpenMemory(options)
	} else {
		db, err = Open(r.path(path.(string)), options)
	}
	if err == nil {
		r.dbs[name] = db
	}
	return nil, err
}

func (r *replayer) closeDB() (object, error) { return nil, r.db().Close() }

func (r *replayer) option() (object, error) {
	db, name := r.db(), r.text("name")
	parsed, err := ParseOptions(map[string]string{name: ""})
	if err != nil {
		return nil, err
	}
	for option := range parsed {
		info, err := option.Info()
		if err != nil {
			return nil, err
		}
		if info.Type == OptionTypeF64 {
			value, err := db.Float64Option(option)
			return object{"value": value}, err
		}
		value, err := db.Uint64Option(option)
		for pair := range strings.FieldsSeq(info.Values) {
			name, number, _ := strings.Cut(pair, "=")
			if number == strconv.FormatUint(value, 10) {
				switch name {
				case "on", "off":
					return object{"value": name == "on"}, err
				}
				return object{"value": name}, err
			}
		}
		return object{"value": value}, err
	}
	panic("unreachable")
}

func (r *replayer) insert() (object, error) {
	return r.write((*DB).Insert, (*DB).InsertRecords)
}

func (r *replayer) upsert() (object, error) {
	return r.write((*DB).Upsert, (*DB).UpsertRecords)
}

// write takes the call with keys and metadata where the step has some, or asks for an id.
func (r *replayer) write(
	plainly func(*DB, context.Context, []uint64, Vectors) error, records func(*DB, context.Context, *Records) error,
) (object, error) {
	db, ctx, rows := r.db(), r.ctx(r.arg("task")), r.rows("rows", r.db())
	given := &Records{Vectors: rows, Keys: r.texts("keys"), Meta: r.texts("meta")}
	list, _ := r.arg("ids").([]any)
	if list != nil {
		given.IDs = make([]uint64, len(list))
	}
	asks := list == nil
	for i, text := range list {
		given.IDs[i] = IDNone
		if text == nil {
			asks = true
		} else {
			given.IDs[i] = number(text)
		}
	}
	if given.Keys.Offsets == nil && given.Meta.Offsets == nil && !asks {
		return object{"ids": digits(given.IDs)}, plainly(db, ctx, given.IDs, rows)
	}
	err := records(db, ctx, given)
	return object{"ids": digits(given.IDs)}, err
}

func number(text any) uint64 {
	id, err := strconv.ParseUint(text.(string), 10, 64)
	if err != nil {
		panic(err)
	}
	return id
}

// texts are a list with null for an empty one; none where the argument is missing.
func (r *replayer) texts(name string) Texts {
	list, there := r.arg(name).([]any)
	if !there {
		return Texts{}
	}
	texts := make([]string, len(list))
	for i, text := range list {
		texts[i], _ = text.(string)
	}
	return Strings(texts...)
}

// orNull are texts with null for an empty one.
func orNull(texts Texts) []any {
	list := make([]any, texts.Len())
	for i := range list {
		if text := texts.String(i); text != "" {
			list[i] = text
		}
	}
	return list
}

func (r *replayer) updateMeta() (object, error) {
	updated, err := r.db().UpdateMeta(r.ids(), r.texts("meta"))
	return object{"updated": updated}, err
}

func (r *replayer) updateMetaWhere() (object, error) {
	updated, err := r.db().UpdateMetaWhere(r.ctx(r.arg("task")), r.filters[r.text("filter")], []byte(r.text("meta")))
	return object{"updated": updated}, err
}

func (r *replayer) deleteWhere() (object, error) {
	deleted, err := r.db().DeleteWhere(r.ctx(r.arg("task")), r.filters[r.text("filter")])
	return object{"deleted": deleted}, err
}

func (r *replayer) deleteKeys() (object, error) {
	deleted, err := r.db().DeleteKeys(r.texts("keys"))
	return object{"deleted": deleted}, err
}

func (r *replayer) idsOfKeys() (object, error) {
	ids, err := r.view().IDsOfKeys(r.texts("keys"))
	list := make([]any, len(ids))
	for i, id := range ids {
		if id != IDNone {
			list[i] = strconv.FormatUint(id, 10)
		}
	}
	return object{"ids": list}, err
}

func (r *replayer) keysOfIDs() (object, error) {
	keys, err := r.view().KeysOfIDs(r.ids())
	return object{"keys": orNull(keys)}, err
}

func (r *replayer) getMeta() (object, error) {
	meta, err := r.view().Meta(r.ids())
	return object{"meta": orNull(meta)}, err
}

func (r *replayer) parseFilter() (object, error) {
	name := r.text("filter")
	filter, err := ParseFilter(r.text("text"))
	if err == nil {
		r.filters[name] = filter
	}
	return nil, err
}

func (r *replayer) bindFilter() (object, error) {
	name, from, values := r.text("filter"), r.filters[r.text("from")], r.arg("values").([]any)
	filter, err := from.Bind(values...)
	if err == nil {
		r.filters[name] = filter
	}
	return nil, err
}

func (r *replayer) delete() (object, error) {
	deleted, err := r.db().Delete(r.ids())
	return object{"deleted": deleted}, err
}

func (r *replayer) get() (object, error) {
	db, ids := r.db(), r.ids()
	scalar := db.Scalar()
	if name := r.text("scalar"); name != "" {
		scalar = scalars[name]
	}
	row := (db.Dim()*scalarBits(scalar) + 7) / 8
	data, found := make([]byte, row*len(ids)), make([]bool, len(ids))
	if err := r.view().GetInto(ids, viewOf(data, db.Dim(), scalar), found); err != nil {
		return nil, err
	}
	rows := make([]any, len(ids))
	for i := range ids {
		if found[i] {
			rows[i] = shown(data[i*row:(i+1)*row], scalar)
		}
	}
	return object{"rows": rows}, nil
}

// shown is a vector as the files have it.
func shown(data []byte, scalar Scalar) any {
	var list []float64
	switch scalar {
	case ScalarF32:
		for _, x := range unsafe.Slice((*float32)(unsafe.Pointer(&data[0])), len(data)/4) {
			list = append(list, float64(x))
		}
	case ScalarI8:
		for _, x := range data {
			list = append(list, float64(int8(x)))
		}
	case ScalarU8:
		for _, x := range data {
			list = append(list, float64(x))
		}
	default:
		return hex.EncodeToString(data)
	}
	return list
}

func (r *replayer) count() (object, error) {
	var filter *Filter
	if name := r.text("filter"); name != "" {
		filter = r.filters[name]
	}
	count, err := r.view().Count(filter)
	return object{"count": count}, err
}

func (r *replayer) filter() (object, error) {
	name, of := r.text("filter"), DenyIDs
	if r.arg("allow").(bool) {
		of = AllowIDs
	}
	filter, err := of(r.ids())
	if err == nil {
		r.filters[name] = filter
	}
	return nil, err
}

func (r *replayer) freeFilter() (object, error) {
	return nil, r.filters[r.text("filter")].Close()
}
