package vdb

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"unsafe"
)

// TestVectors replays ../testdata through the package, as its README says.
func TestVectors(t *testing.T) {
	files, err := filepath.Glob("../testdata/*.json")
	must(t, err)
	if len(files) == 0 {
		t.Fatal("there are no test vectors")
	}
	for _, file := range files {
		if filepath.Base(file) == "keeping.json" {
			fmt.Println("skipped: keeping.json in Go: the replayer does not know its ops; keep_test.go and inside_test.go test them")
			continue
		}
		text, err := os.ReadFile(file)
		must(t, err)
		var vectors struct {
			Cases []struct {
				Name  string
				Steps []object
			}
		}
		must(t, decodeStrictly(text, &vectors))
		for _, c := range vectors.Cases {
			t.Run(c.Name, func(t *testing.T) {
				r := newReplayer(t.TempDir())
				defer r.close()
				for i, step := range c.Steps {
					if err := r.step(step); err != nil {
						t.Fatalf("step %d, %v: %v", i, step["op"], err)
					}
				}
			})
		}
	}
}

// A replayer that finds nothing wrong proves nothing.
func TestWrongVectorsAreNoticed(t *testing.T) {
	for _, wrong := range []string{
		`{"op": "count", "db": "db", "expect": {"count": 2}}`,
		`{"op": "count", "db": "db", "expect": {"counts": 1}}`,
		`{"op": "count", "db": "db", "expect": {"status": "ERR_CLOSED"}}`,
		`{"op": "count", "db": "db", "filters": "x"}`,
		`{"op": "counts", "db": "db"}`,
		`{"op": "insert", "db": "db", "ids": ["1"], "rows": [[1, 2]]}`,
		`{"op": "insert", "db": "db", "ids": ["1"], "rows": [[1, 2]], "expect": {"status": "ERR_ALREADY_EXISTS"}}`,
		`{"op": "search", "db": "db", "queries": [[1, 2]], "k": 1, "expect": {"ids": [["1"]], "distances": [[0.01]]}}`,
		`{"op": "search", "db": "db", "queries": [[1, 2]], "k": 1, "params": {"eff": 3}}`,
		`{"op": "stats", "db": "db", "expect": {"stats": {"live": 2}}}`,
	} {
		r := newReplayer(t.TempDir())
		for _, step := range []string{
			`{"op": "open", "db": "db", "path": null, "options": {"schema.dim": 2}}`,
			`{"op": "insert", "db": "db", "ids": ["1"], "rows": [[1, 2]]}`,
		} {
			must(t, r.step(parse(t, step)))
		}
		if r.step(parse(t, wrong)) == nil {
			t.Errorf("passes: %s", wrong)
		}
		r.close()
	}
}

type object = map[string]any

func decodeStrictly(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	return decoder.Decode(into)
}

func parse(t *testing.T, text string) object {
	t.Helper()
	var o object
	must(t, decodeStrictly([]byte(text), &o))
	return o
}

// watched is a task as contexts have it.
type watched struct {
	ctx         context.Context
	cancel      context.CancelFunc
	done, total uint64
}

// replayer runs one case.
type replayer struct {
	folder  string
	dbs     map[string]*DB
	filters map[string]*Filter
	tasks   map[string]*watched
	cursors map[string]*Cursor
	current object
	used    map[string]bool
}

func newReplayer(folder string) *replayer {
	return &replayer{folder: folder, dbs: map[string]*DB{}, filters: map[string]*Filter{}, tasks: map[string]*watched{}, cursors: map[string]*Cursor{}}
}

func (r *replayer) close() {
	for _, db := range r.dbs {
		db.Close()
	}
	for _, filter := range r.filters {
		filter.Close()
	}
	for _, cursor := range r.cursors {
		cursor.Close()
	}
}

// step runs a step, and says in what it is not as expected.
func (r *replayer) step(step object) (wrong error) {
	defer func() {
		if caught := recover(); caught != nil {
			wrong = fmt.Errorf("%v", caught)
		}
	}()
	r.current, r.used = step, map[string]bool{"op": true, "expect": true}
	expect, _ := step["expect"].(object)
	op, known := map[string]func() (object, error){
		"open": r.open, "close": r.closeDB, "option": r.option, "delete": r.delete, "get": r.get, "count": r.count,
		"insert": r.insert, "upsert": r.upsert, "filter": r.filter, "free_filter": r.freeFilter,
		"search": r.search, "search_exact": r.searchExact, "search_range": r.searchRange, "measure_recall": r.measureRecall,
		"sync": r.sync, "refresh": r.refresh, "checkpoint": r.checkpoint, "wait_indexed": r.waitIndexed,
		"check": r.check, "repair": r.repair, "stats": r.stats, "task": r.task, "cancel": r.cancel, "progress": r.progress,
		"update_meta": r.updateMeta, "update_meta_where": r.updateMetaWhere, "delete_where": r.deleteWhere, "delete_keys": r.deleteKeys,
		"ids_of_keys": r.idsOfKeys, "keys_of_ids": r.keysOfIDs, "get_meta": r.getMeta,
		"search_ids": r.searchIDs, "recommend": r.recommend, "search_diverse": r.searchDiverse, "search_many": r.searchMany,
		"search_groups": r.searchGroups,
		"cursor_search": r.cursorSearch, "cursor_scan": r.cursorScan, "cursor_read": r.cursorRead, "free_cursor": r.freeCursor,
		"parse_filter": r.parseFilter, "bind_filter": r.bindFilter,
		"damage": r.damage,
	}[step["op"].(string)]
	if !known {
		return errors.New("an op that the replayer does not know")
	}
	results, err := op()
	for name := range step {
		if !r.used[name] {
			return fmt.Errorf("%s: an argument that the replayer does not know", name)
		}
	}
	return judge(expect, results, err)
}

func judge(expect, results object, err error) error {
	status, item, message := "OK", int64(-1), ""
	var e *Error
	if errors.As(err, &e) {
		status, item, message = strings.TrimPrefix(e.Code.String(), "VDB_"), e.Item, e.Message
	} else if err != nil {
		return err
	} else if partial, _ := results["status"].(string); partial != "" {
		status = partial
	}
	wanted := object{"status": "OK", "item": json.Number("-1")}
	for name, value := range expect {
		wanted[name] = value
	}
	if wanted["status"] != status {
		return fmt.Errorf("%s %q, expected %v", status, message, wanted["status"])
	}
	if fmt.Sprint(wanted["item"]) != fmt.Sprint(item) {
		return fmt.Errorf("item %d, expected %v", item, wanted["item"])
	}
	for name, value := range wanted {
		switch name {
		case "status", "item":
			continue
		case "message":
			if err == nil || !strings.Contains(message, value.(string)) {
				return fmt.Errorf("%q does not contain %q", message, value)
			}
			continue
		}
		got, there := results[name]
		if !there {
			return fmt.Errorf("%s: an expectation that the replayer does not know", name)
		}
		if !same(name, got, value) {
			return fmt.Errorf("%s is %v, expected %v", name, plain(got), value)
		}
	}
	return nil
}

// plain is a value as JSON has it.
func plain(value any) any {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	var out any
	if err := decodeStrictly(text, &out); err != nil {
		panic(err)
	}
	return out
}

// same compares what a call gave with what a file has.
func same(name string, got, wanted any) bool {
	switch wanted := wanted.(type) {
	case object:
		fields, _ := plain(got).(object)
		for field, value := range wanted {
			value2, there := fields[field]
			if !there || !same(field, value2, value) {
				return false
			}
		}
		return true
	case []any:
		list, ok := plain(got).([]any)
		if !ok || len(list) != len(wanted) {
			return false
		}
		for i := range list {
			if !same(name, list[i], wanted[i]) {
				return false
			}
		}
		return true
	case json.Number:
		w, err := wanted.Float64()
		g, ok := plain(got).(json.Number)
		if err != nil || !ok {
			return false
		}
		f, err := g.Float64()
		if name == "distances" {
			return err == nil && math.Abs(f-w) <= 1e-4*max(1, math.Abs(w))
		}
		return err == nil && f == w
	}
	return reflect.DeepEqual(plain(got), wanted)
}

// ---- arguments

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

// ---- ops

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
	ids, err := r.db().IDsOfKeys(r.texts("keys"))
	list := make([]any, len(ids))
	for i, id := range ids {
		if id != IDNone {
			list[i] = strconv.FormatUint(id, 10)
		}
	}
	return object{"ids": list}, err
}

func (r *replayer) keysOfIDs() (object, error) {
	keys, err := r.db().KeysOfIDs(r.ids())
	return object{"keys": orNull(keys)}, err
}

func (r *replayer) getMeta() (object, error) {
	meta, err := r.db().Meta(r.ids())
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
	if err := db.GetInto(ids, viewOf(data, db.Dim(), scalar), found); err != nil {
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
	count, err := r.db().Count(filter)
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

func (r *replayer) search() (object, error) { return r.searches(0) }

func (r *replayer) searchExact() (object, error) { return r.searches(SearchExact) }

func (r *replayer) searches(flags SearchFlag) (object, error) {
	db := r.db()
	p, ctx := r.params()
	if flags != 0 {
		if p == nil {
			p = &SearchParams{}
		}
		p.Flags |= flags
	}
	hits, err := db.Search(ctx, r.rows("queries", db), int(r.number("k")), p)
	return listed(ctx, hits, err)
}

// listed are the hits of each query. Of a search whose context had ended nothing is compared: where C has a partial result
// there is an error.
func listed(ctx context.Context, hits Hits, err error) (object, error) {
	if ctx.Err() != nil && errors.Is(err, ErrCancelled) {
		return object{"status": "PARTIAL"}, nil
	}
	ids, distances, sources := [][]string{}, [][]float32{}, [][]uint32{}
	for q := range hits.Counts {
		row, d := hits.Row(q)
		ids, distances = append(ids, digits(row)), append(distances, d)
		if hits.Sources != nil {
			sources = append(sources, hits.Sources[q*hits.K:q*hits.K+len(row)])
		}
		for i := q*hits.K + len(row); i < (q+1)*hits.K; i++ {
			if hits.IDs[i] != IDNone || !math.IsInf(float64(hits.Distances[i]), 1) {
				return nil, fmt.Errorf("place %d is not empty", i)
			}
		}
	}
	return object{"ids": ids, "distances": distances, "sources": sources}, err
}

// single are the hits of the only query.
func single(ctx context.Context, hits Hits, err error) (object, error) {
	if ctx.Err() != nil && errors.Is(err, ErrCancelled) {
		return object{"status": "PARTIAL"}, nil
	}
	if err != nil {
		return nil, err
	}
	ids, distances := hits.Row(0)
	return object{"ids": digits(ids), "distances": distances, "more": hits.More}, nil
}

func digits(ids []uint64) []string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.FormatUint(id, 10)
	}
	return texts
}

func (r *replayer) searchRange() (object, error) {
	db := r.db()
	p, ctx := r.params()
	query := r.vectors([]any{r.arg("query")}, db)
	hits, err := db.SearchRange(ctx, query, float32(r.number("max_distance")), int(r.number("cap")), p)
	return single(ctx, hits, err)
}

func (r *replayer) searchIDs() (object, error) {
	p, ctx := r.params()
	hits, err := r.db().SearchIDs(ctx, r.ids(), int(r.number("k")), p)
	return listed(ctx, hits, err)
}

func (r *replayer) recommend() (object, error) {
	p, ctx := r.params()
	hits, err := r.db().Recommend(ctx, r.idList("positive"), r.idList("negative"), int(r.number("k")), p)
	return single(ctx, hits, err)
}

func (r *replayer) searchDiverse() (object, error) {
	db := r.db()
	p, ctx := r.params()
	query := r.vectors([]any{r.arg("query")}, db)
	hits, err := db.SearchDiverse(ctx, query, int(r.number("k")), int(r.number("candidates")), float32(r.number("lambda")), p)
	return single(ctx, hits, err)
}

func (r *replayer) searchGroups() (object, error) {
	db := r.db()
	p, ctx := r.params()
	query := r.vectors([]any{r.arg("query")}, db)
	hits, err := db.SearchGroups(ctx, query, r.text("path"), int(r.number("groups")), int(r.number("per_group")), p)
	return listed(ctx, hits, err)
}

func (r *replayer) searchMany() (object, error) {
	var dbs []*DB
	for _, name := range r.arg("dbs").([]any) {
		dbs = append(dbs, r.dbs[name.(string)])
	}
	p, ctx := r.params()
	first := &DB{dim: 1}
	if len(dbs) > 0 {
		first = dbs[0]
	}
	hits, err := SearchMany(ctx, dbs, r.rows("queries", first), int(r.number("k")), p)
	return listed(ctx, hits, err)
}

func (r *replayer) cursorSearch() (object, error) {
	db, name := r.db(), r.text("cursor")
	p, ctx := r.params()
	cursor, err := db.SearchCursor(ctx, r.vectors([]any{r.arg("query")}, db), p)
	if err == nil {
		r.cursors[name] = cursor
	}
	return nil, err
}

func (r *replayer) cursorScan() (object, error) {
	name := r.text("cursor")
	cursor, err := r.db().ScanCursor(r.filters[r.text("filter")])
	if err == nil {
		r.cursors[name] = cursor
	}
	return nil, err
}

func (r *replayer) cursorRead() (object, error) {
	cursor, most, wanted := r.cursors[r.text("cursor")], int(r.number("cap")), math.MaxInt
	if r.arg("count") != nil {
		wanted = int(r.number("count"))
	}
	allIDs, allDistances := []uint64{}, []float32{}
	for len(allIDs) < wanted {
		places := min(most, wanted-len(allIDs))
		ids, distances := make([]uint64, places), make([]float32, places)
		n, err := cursor.Next(ids, distances)
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		allIDs, allDistances = append(allIDs, ids[:n]...), append(allDistances, distances[:n]...)
	}
	return object{"ids": digits(allIDs), "distances": allDistances}, nil
}

func (r *replayer) freeCursor() (object, error) { return nil, r.cursors[r.text("cursor")].Close() }

func (r *replayer) measureRecall() (object, error) {
	db := r.db()
	p, ctx := r.params()
	var recall Recall
	var err error
	if r.arg("queries") != nil {
		recall, err = db.MeasureRecall(ctx, r.rows("queries", db), int(r.number("k")), p)
	} else {
		recall, err = db.MeasureRecallOfRows(ctx, int(r.number("count")), int(r.number("k")), p)
	}
	if err == nil && (recall.Low > recall.Value || recall.Value > recall.High) {
		return nil, fmt.Errorf("%+v", recall)
	}
	return object{"recall": recall.Value}, err
}

func (r *replayer) sync() (object, error)    { return nil, r.db().Sync() }
func (r *replayer) refresh() (object, error) { return nil, r.db().Refresh() }

func (r *replayer) checkpoint() (object, error) {
	return nil, r.db().Checkpoint(r.ctx(r.arg("task")))
}

func (r *replayer) waitIndexed() (object, error) {
	return nil, r.db().WaitIndexed(r.ctx(r.arg("task")))
}

func (r *replayer) check() (object, error) {
	level := map[string]CheckLevel{"checksums": CheckChecksums, "structure": CheckStructure, "recall": CheckRecall}[r.text("level")]
	report, err := r.db().Check(bg, level)
	return object{"report": report}, err
}

func (r *replayer) repair() (object, error) {
	report, err := Repair(bg, r.path(r.text("from")), r.path(r.text("to")), r.options())
	status := ""
	if err == nil && !report.Complete {
		status = "PARTIAL"
	}
	return object{"report": report, "status": status}, err
}

// stats have the names of the header.
func (r *replayer) stats() (object, error) {
	stats, err := r.db().Stats()
	if err != nil {
		return nil, err
	}
	fields := object{}
	value := reflect.ValueOf(stats)
	for name := range r.current["expect"].(object)["stats"].(object) {
		for i := range value.NumField() {
			if strings.EqualFold(value.Type().Field(i).Name, strings.ReplaceAll(name, "_", "")) {
				fields[name] = value.Field(i).Uint()
			}
		}
	}
	return object{"stats": fields}, nil
}

func (r *replayer) task() (object, error) {
	w := &watched{}
	ctx, cancel := context.WithCancel(bg)
	w.cancel = cancel
	w.ctx = WithProgress(ctx, func(done, total uint64) { w.done, w.total = done, total })
	r.tasks[r.text("task")] = w
	return nil, nil
}

func (r *replayer) cancel() (object, error) {
	r.tasks[r.text("task")].cancel()
	return nil, nil
}

func (r *replayer) progress() (object, error) {
	w := r.tasks[r.text("task")]
	return object{"done": w.done, "total": w.total}, nil
}

func (r *replayer) damage() (object, error) {
	path := r.path(r.text("file"))
	bytes, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	bytes[int(r.number("offset"))] ^= 0xff
	return nil, os.WriteFile(path, bytes, 0o644)
}
