package vdb

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func albums(t *testing.T) *Records {
	t.Helper()
	meta, err := JSON(map[string]any{"year": 1959, "genre": "jazz"}, map[string]any{"year": 1971, "genre": "soul"},
		struct {
			Year  int    `json:"year"`
			Genre string `json:"genre"`
			Text  string `json:"text"`
		}{1971, "jazz", "<&>"})
	must(t, err)
	return &Records{
		Vectors: F32([]float32{1, 0, 0, 1, 1, 1}, 2),
		Keys:    Strings("kind of blue", "what's going on", "café"),
		Meta:    meta,
	}
}

func listOf(texts Texts) []string {
	list := make([]string, texts.Len())
	for i := range list {
		list[i] = texts.String(i)
	}
	return list
}

func TestRowsHaveKeysAndMetadata(t *testing.T) {
	db := memory(t, Options{OptDim: 2})
	records := albums(t)
	must(t, db.InsertRecords(bg, records))
	ids := records.IDs
	found, err := db.IDsOfKeys(Strings("café", "none", "kind of blue"))
	must(t, err)
	if !slices.Equal(found, []uint64{ids[2], IDNone, ids[0]}) {
		t.Errorf("%v of %v", found, ids)
	}
	keys, err := db.KeysOfIDs(append(slices.Clone(ids), 999))
	must(t, err)
	if !slices.Equal(listOf(keys), []string{"kind of blue", "what's going on", "café", ""}) {
		t.Errorf("%q", listOf(keys))
	}
	meta, err := db.Meta([]uint64{ids[2], 999})
	must(t, err)
	if got := listOf(meta); !slices.Equal(got, []string{`{"year":1971,"genre":"jazz","text":"<&>"}`, ""}) {
		t.Errorf("%q", got)
	}

	// An upsert by key finds the row, and leaves what it does not bring.
	again := &Records{Vectors: F32([]float32{9, 9, 8, 8}, 2), Keys: Strings("café", "new"), IDs: []uint64{IDNone, IDNone}}
	must(t, db.UpsertRecords(bg, again))
	if again.IDs[0] != ids[2] || again.IDs[1] == IDNone {
		t.Errorf("%v", again.IDs)
	}
	if meta, err = db.Meta(again.IDs); err != nil || !strings.HasPrefix(meta.String(0), `{"year":1971`) || meta.String(1) != "" {
		t.Errorf("%q %v", listOf(meta), err)
	}
	other, err := JSON(nil, map[string]int{"b": 2}, struct{}{}, map[string]int{"c": 3})
	must(t, err)
	updated, err := db.UpdateMeta(append(slices.Clone(ids), 999), other)
	must(t, err)
	meta, err = db.Meta(ids)
	must(t, err)
	if updated != 3 || !slices.Equal(listOf(meta), []string{"", `{"b":2}`, `{}`}) {
		t.Errorf("%d: %q", updated, listOf(meta))
	}
	deleted, err := db.DeleteKeys(Strings("new", "none"))
	must(t, err)
	nothing, err := db.DeleteKeys(Texts{})
	must(t, err)
	if count, _ := db.Count(nil); deleted != 1 || nothing != 0 || count != 3 {
		t.Errorf("%d and %d deleted, %d left", deleted, nothing, count)
	}
}

func TestValuesOfAFilterAreWhatTheyLookLike(t *testing.T) {
	db := memory(t, Options{OptDim: 1})
	type genre string
	must(t, db.InsertRecords(bg, &Records{Vectors: F32([]float32{1, 2}, 1), Meta: Strings(`{"t": 1000, "s": "ab"}`, `{"t": 0.1}`)}))
	for _, c := range []struct {
		text  string
		value any
		rows  uint64
	}{
		{"s in $1", []string(nil), 0}, {"s in $1", []string{}, 0}, {"s in $1", [1]genre{"ab"}, 1}, {"s in $1", []any{"ab", 1}, 1},
		{"s = $1", genre("ab"), 1}, {"t = $1", float32(0.1), 1}, {"t = $1", json.Number("1000"), 1}, {"t >= $1", uint8(5), 1},
		{"t in $1", json.RawMessage("[1000, 0.1]"), 2}, {"t in $1", []int64(nil), 0}, {"t = $1", time.UnixMilli(1000).UnixMilli(), 1},
	} {
		template, err := ParseFilter(c.text)
		must(t, err)
		filter, err := template.Bind(c.value)
		must(t, err)
		if rows, err := db.Count(filter); err != nil || rows != c.rows {
			t.Errorf("%s, %T %v: %d rows, %v", c.text, c.value, c.value, rows, err)
		}
	}
	template, err := ParseFilter("s in $1")
	must(t, err)
	for _, value := range []any{nil, []byte("ab"), time.Now(), "\xff", []string{"\xff"}, math.NaN(), []float64{math.Inf(1)}, map[string]int{},
		[]any{nil}, [][]int{{1}}, make(chan int), json.RawMessage("[1")} {
		_, err := template.Bind(value)
		if e := fails(t, err, ErrInvalidArgument); strings.Contains(e.Message, "untagged") {
			t.Errorf("%T: %s", value, e.Message)
		}
	}
}

func TestMetadataThatIsNullOrNoJSON(t *testing.T) {
	meta, err := JSON(map[string]any(nil), map[string]int{"null": 1}, nil, json.RawMessage(`{"a":2}`))
	must(t, err)
	if !slices.Equal(listOf(meta), []string{"", `{"null":1}`, "", `{"a":2}`}) {
		t.Errorf("%q", listOf(meta))
	}
	_, err = JSON(nil, map[string]any{"x": math.NaN()})
	var value *json.UnsupportedValueError
	if e := fails(t, err, ErrInvalidArgument); e.Item != 1 || !errors.As(err, &value) {
		t.Errorf("%+v", e)
	}
}

func TestFiltersLookIntoMetadata(t *testing.T) {
	db := memory(t, Options{OptDim: 2})
	must(t, db.InsertRecords(bg, albums(t)))
	filter := func(text string, values ...any) *Filter {
		f, err := ParseFilter(text)
		must(t, err)
		if values != nil {
			bound, err := f.Bind(values...)
			must(t, err)
			must(t, f.Close())
			f = bound
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	count := func(f *Filter, want uint64) {
		t.Helper()
		if got, err := db.Count(f); err != nil || got != want {
			t.Errorf("%d rows pass, %v", got, err)
		}
	}
	count(filter("genre = 'jazz'"), 2)
	both := filter("year = $1 and genre in $2", 1971, []string{"soul", "jazz"})
	count(both, 2)
	hits, err := db.Search(bg, Vector([]float32{0, 1}), 3, &SearchParams{Filter: filter("genre = $1", "soul")})
	must(t, err)
	if hits.Counts[0] != 1 || hits.Distances[0] != 0 {
		t.Errorf("%+v", hits)
	}
	_, err = ParseFilter("year >")
	if e := fails(t, err, ErrFilterSyntax); e.Item != 6 {
		t.Errorf("item %d", e.Item)
	}
	_, err = ParseFilter("")
	fails(t, err, ErrFilterSyntax)
	_, err = filter("year = $1").Bind()
	fails(t, err, ErrInvalidArgument)

	updated, err := db.UpdateMetaWhere(bg, both, []byte(`{"year": 2000}`))
	must(t, err)
	emptied, err := db.UpdateMetaWhere(bg, filter("year = 1959"), nil)
	must(t, err)
	deleted, err := db.DeleteWhere(bg, filter("year = 2000"))
	must(t, err)
	if updated != 2 || emptied != 1 || deleted != 2 {
		t.Errorf("%d updated, %d emptied, %d deleted", updated, emptied, deleted)
	}
	count(nil, 1)
}

func TestRecordsThatCannotBeAreRefusedAsAWhole(t *testing.T) {
	db := memory(t, Options{OptDim: 2})
	must(t, db.InsertRecords(bg, albums(t)))
	two, one := F32(noise(1, 2, 2), 2), F32(noise(1, 1, 2), 2)
	for code, records := range map[Status][]*Records{
		ErrAlreadyExists: {{Vectors: two, Keys: Strings("x", "café")}, {Vectors: two, Keys: Strings("y", "y")}},
		ErrLimit:         {{Vectors: one, Keys: Strings(strings.Repeat("x", KeyMax+1))}},
		ErrInvalidArgument: {
			{Vectors: one, Meta: Strings("[1]")}, {Vectors: one, Meta: Strings("{")}, {Vectors: one, Keys: Strings("\xff")},
			{Vectors: two, Keys: Strings("x")}, {Vectors: two, IDs: []uint64{1}}, {Vectors: one, Keys: Texts{Bytes: []byte("x")}},
			{Vectors: one, Keys: Texts{Bytes: []byte("x"), Offsets: []uint64{0, 2}}},
			{Vectors: two, Keys: Texts{Bytes: []byte("xyz"), Offsets: []uint64{2, 1, 3}}},
		},
	} {
		for i, r := range records {
			if err := db.InsertRecords(bg, r); err == nil {
				t.Errorf("%v %d passes", code, i)
			} else {
				fails(t, err, code)
			}
			if len(r.IDs) > 1 {
				t.Errorf("%v %d: ids %v", code, i, r.IDs)
			}
		}
	}
	if count, _ := db.Count(nil); count != 3 {
		t.Errorf("%d rows", count)
	}
	long := make([]any, 50)
	for i := range long {
		long[i] = map[string]string{"text": strings.Repeat("x", 100*i)}
	}
	meta, err := JSON(long...)
	must(t, err)
	records := &Records{Vectors: F32(noise(2, 50, 2), 2), Meta: meta}
	must(t, db.InsertRecords(bg, records))
	read, err := db.Meta(records.IDs)
	must(t, err)
	if !slices.Equal(listOf(read), listOf(meta)) {
		t.Error("long metadata is not what was stored")
	}
	if _, err := JSON(func() {}); err == nil {
		t.Error("a function is no metadata")
	}
}
