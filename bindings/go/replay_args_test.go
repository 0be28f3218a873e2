package vdb

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"unsafe"
)

func (r *replayer) arg(name string) any {
	r.used[name] = true
	return r.current[name]
}

func (r *replayer) text(name string) string {
	text, _ := r.arg(name).(string)
	return text
}

func (r *replayer) number(name string) float64 {
	value, err := r.arg(name).(json.Number).Float64()
	if err != nil {
		panic(err)
	}
	return value
}

func (r *replayer) db() *DB {
	db := r.dbs[r.text("db")]
	if db == nil {
		panic("no such database")
	}
	return db
}

// view is the state that a step reads.
func (r *replayer) view() View {
	db := r.db()
	if name := r.text("snapshot"); name != "" {
		return db.At(r.shots[name])
	}
	return db.At(nil)
}

func (r *replayer) ctx(task any) context.Context {
	if task == nil {
		return bg
	}
	return r.tasks[task.(string)].ctx
}

func (r *replayer) ids() []uint64 { return r.idList("ids") }

func (r *replayer) idList(name string) []uint64 {
	list := r.arg(name).([]any)
	ids := make([]uint64, len(list))
	for i, text := range list {
		ids[i] = number(text)
	}
	return ids
}

func (r *replayer) rows(name string, db *DB) Vectors {
	return r.vectors(r.arg(name).([]any), db)
}

var scalars = map[string]Scalar{"f32": ScalarF32, "f16": ScalarF16, "bf16": ScalarBF16, "i8": ScalarI8, "u8": ScalarU8, "b1": ScalarB1}

// vectors are lists of numbers, or texts of bytes in hexadecimal.
func (r *replayer) vectors(rows []any, db *DB) Vectors {
	scalar := ScalarF32
	if name := r.text("scalar"); name != "" {
		scalar = scalars[name]
	}
	var data []byte
	dim := db.Dim()
	for _, row := range rows {
		switch row := row.(type) {
		case string:
			bytes, err := hex.DecodeString(row)
			if err != nil {
				panic(err)
			}
			data = append(data, bytes...)
			if scalar != ScalarB1 {
				dim = len(bytes) * 8 / scalarBits(scalar)
			}
		case []any:
			dim = len(row)
			for _, component := range row {
				x, err := component.(json.Number).Float64()
				if err != nil {
					panic(err)
				}
				data = append(data, encoded(x, scalar)...)
			}
		}
	}
	return viewOf(data, dim, scalar)
}

func encoded(x float64, scalar Scalar) []byte {
	switch scalar {
	case ScalarF32:
		f := float32(x)
		return unsafe.Slice((*byte)(unsafe.Pointer(&f)), 4)
	case ScalarI8:
		return []byte{byte(int8(x))}
	case ScalarU8:
		return []byte{byte(x)}
	}
	panic("lists of numbers are f32, i8 or u8")
}

func viewOf(data []byte, dim int, scalar Scalar) Vectors {
	at := unsafe.Pointer(unsafe.SliceData(data))
	switch scalar {
	case ScalarF32:
		return F32(unsafe.Slice((*float32)(at), len(data)/4), dim)
	case ScalarF16:
		return F16(unsafe.Slice((*uint16)(at), len(data)/2), dim)
	case ScalarBF16:
		return BF16(unsafe.Slice((*uint16)(at), len(data)/2), dim)
	case ScalarI8:
		return I8(unsafe.Slice((*int8)(at), len(data)), dim)
	case ScalarU8:
		return U8(data, dim)
	}
	return Bits(data, dim)
}

// params are those of a search, and the context of its task.
func (r *replayer) params() (*SearchParams, context.Context) {
	given, there := r.arg("params").(object)
	if !there {
		return nil, bg
	}
	p, ctx := &SearchParams{}, bg
	number := func(value any) float64 {
		f, err := value.(json.Number).Float64()
		if err != nil {
			panic(err)
		}
		return f
	}
	for name, value := range given {
		switch name {
		case "ef":
			p.Ef = int(number(value))
		case "rerank":
			p.Rerank = int(number(value))
		case "target_recall":
			p.TargetRecall = float32(number(value))
		case "exact":
			if value.(bool) {
				p.Flags |= SearchExact
			}
		case "no_cache":
			if value.(bool) {
				p.Flags |= SearchNoCache
			}
		case "max_memory":
			p.MaxMemory = uint64(number(value))
		case "snapshot":
			p.Snapshot = r.shots[value.(string)]
		case "filter":
			p.Filter = r.filters[value.(string)]
		case "task":
			ctx = r.ctx(value)
		default:
			panic(name + ": a parameter that the replayer does not know")
		}
	}
	return p, ctx
}

func (r *replayer) path(name string) string {
	if name == "" {
		return ""
	}
	return filepath.Join(r.folder, name)
}

func (r *replayer) options() Options {
	given, _ := r.arg("options").(object)
	texts := map[string]string{}
	options := Options{}
	for name, value := range given {
		texts[name] = fmt.Sprint(value)
	}
	parsed, err := ParseOptions(texts)
	if err != nil {
		panic(err)
	}
	for id := range parsed {
		value := given[id.String()]
		if number, ok := value.(json.Number); ok {
			if whole, err := number.Int64(); err == nil {
				value = whole
			} else {
				value, _ = number.Float64()
			}
		}
		options[id] = value
	}
	return options
}
