package vdb

import (
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestRowsCanBeWrittenFoundAndDeleted(t *testing.T) {
	db := memory(t, Options{OptDim: 4, OptMetric: MetricCosine})
	if db.Dim() != 4 || db.Metric() != MetricCosine || db.Scalar() != ScalarF32 {
		t.Errorf("schema is %d, %v, %v", db.Dim(), db.Metric(), db.Scalar())
	}
	must(t, db.Upsert(bg, []uint64{10, 20, 30}, F32([]float32{1, 0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 0}, 4)))
	hits, err := db.Search(bg, Vector([]float32{1, 0.2, 0, 0}), 5, nil)
	must(t, err)
	ids, distances := hits.Row(0)
	if !slices.Equal(ids, []uint64{10, 30, 20}) || len(distances) != 3 || math.Abs(float64(distances[0])-0.019419) > 1e-5 {
		t.Errorf("found %v at %v", ids, distances)
	}
	if hits.IDs[3] != IDNone || !math.IsInf(float64(hits.Distances[4]), 1) || hits.Counts[0] != 3 || hits.Partial {
		t.Errorf("places left over: %+v", hits)
	}
	var gone []uint64
	for id := range hits.All(0) {
		gone = append(gone, id)
	}
	deleted, err := db.Delete(append(gone[:2:2], 77))
	must(t, err)
	count, err := db.Count(nil)
	must(t, err)
	if deleted != 2 || count != 1 {
		t.Errorf("%d deleted, %d left", deleted, count)
	}
	vectors, found, err := db.Get([]uint64{10, 20})
	must(t, err)
	if !slices.Equal(found, []bool{false, true}) || !slices.Equal(vectors, []float32{0, 0, 0, 0, 0, 1, 0, 0}) {
		t.Errorf("got %v %v", found, vectors)
	}
}

func TestADatabaseIsThereAgainAfterItWasClosed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	db := onDisk(t, path, Options{OptDim: 8, OptEfConstruction: 77})
	fill(t, db, 100)
	must(t, db.Sync())
	must(t, db.Checkpoint(bg))
	must(t, db.Close())
	db = onDisk(t, path, nil)
	count, err := db.Count(nil)
	must(t, err)
	ef, err := db.Uint64Option(OptEfConstruction)
	must(t, err)
	ratio, err := db.Float64Option(OptConsolidateRatio)
	must(t, err)
	if count != 100 || db.Dim() != 8 || ef != 77 || ratio != 0.1 {
		t.Errorf("%d rows of %d components, ef_construction %d, ratio %v", count, db.Dim(), ef, ratio)
	}
	_, err = Open(path, nil)
	fails(t, err, ErrLocked)
	reader := onDisk(t, path, Options{OptReadOnly: true})
	fill2 := db.Upsert(bg, []uint64{1000}, F32(noise(2, 1, 8), 8))
	must(t, fill2)
	must(t, reader.Refresh())
	if count, err = reader.Count(nil); err != nil || count != 101 {
		t.Errorf("the reader has %d rows, %v", count, err)
	}
	fails(t, reader.Upsert(bg, []uint64{1}, F32(noise(2, 1, 8), 8)), ErrReadOnly)
}

func TestVectorsOfEachTypeGoInAndComeOut(t *testing.T) {
	f32 := []float32{1, 2, 3, -4}
	for _, scalar := range []Scalar{ScalarF32, ScalarF16, ScalarBF16, ScalarI8} {
		db := memory(t, Options{OptDim: 4, OptScalar: scalar})
		must(t, db.Insert(bg, []uint64{1}, Vector(f32)))
		must(t, db.Insert(bg, []uint64{2}, I8([]int8{1, 2, 3, -4}, 4)))
		must(t, db.Insert(bg, []uint64{3}, F16([]uint16{0x3c00, 0x4000, 0x4200, 0xc400}, 4)))
		must(t, db.Insert(bg, []uint64{4}, BF16([]uint16{0x3f80, 0x4000, 0x4040, 0xc080}, 4)))
		vectors, found, err := db.Get([]uint64{1, 2, 3, 4})
		must(t, err)
		if !slices.Equal(vectors, slices.Repeat(f32, 4)) || slices.Contains(found, false) {
			t.Errorf("%v: %v", scalar, vectors)
		}
		bytes := make([]int8, 8)
		must(t, db.GetInto([]uint64{1, 2}, I8(bytes, 4), found[:2]))
		if !slices.Equal(bytes, []int8{1, 2, 3, -4, 1, 2, 3, -4}) {
			t.Errorf("%v: as bytes %v", scalar, bytes)
		}
	}
	db := memory(t, Options{OptDim: 4, OptScalar: "u8"})
	must(t, db.Insert(bg, []uint64{1}, U8([]uint8{1, 2, 3, 255}, 4)))
	if vectors, _, err := db.Get([]uint64{1}); err != nil || !slices.Equal(vectors, []float32{1, 2, 3, 255}) {
		t.Errorf("u8: %v %v", vectors, err)
	}
	bits := memory(t, Options{OptDim: 12, OptScalar: ScalarB1, OptMetric: "hamming"})
	must(t, bits.Insert(bg, []uint64{1, 2}, Bits([]uint8{0xff, 0x0f, 0x0f, 0}, 12)))
	hits, err := bits.Search(bg, Bits([]uint8{0x0f, 0}, 12), 2, nil)
	must(t, err)
	if !slices.Equal(hits.IDs, []uint64{2, 1}) || !slices.Equal(hits.Distances, []float32{0, 8}) {
		t.Errorf("bits: %v %v", hits.IDs, hits.Distances)
	}
	fails(t, bits.Insert(bg, []uint64{3}, Vector(noise(1, 1, 12))), ErrMismatch)
}

func TestRowsMayLieApart(t *testing.T) {
	db := memory(t, Options{OptDim: 2})
	must(t, db.Insert(bg, []uint64{1, 2}, F32([]float32{1, 2, 99, 3, 4}, 2).Strided(12)))
	vectors, _, err := db.Get([]uint64{1, 2})
	must(t, err)
	if !slices.Equal(vectors, []float32{1, 2, 3, 4}) {
		t.Errorf("got %v", vectors)
	}
	wide := make([]float32, 5)
	must(t, db.GetInto([]uint64{1, 2}, F32(wide, 2).Strided(12), make([]bool, 2)))
	if !slices.Equal(wide, []float32{1, 2, 0, 3, 4}) {
		t.Errorf("got %v", wide)
	}
	fails(t, db.Insert(bg, []uint64{3}, F32(wide, 2).Strided(4)), ErrInvalidArgument)
}

func TestErrorsHaveACodeARowAndAMessage(t *testing.T) {
	db := memory(t, Options{OptDim: 2})
	must(t, db.Insert(bg, []uint64{1, 2}, F32([]float32{1, 2, 3, 4}, 2)))
	err := db.Insert(bg, []uint64{7, 8, 2}, F32(noise(1, 3, 2), 2))
	e := fails(t, err, ErrAlreadyExists)
	if e.Item != 2 || !strings.Contains(err.Error(), "VDB_ERR_ALREADY_EXISTS") {
		t.Errorf("item %d, %q", e.Item, err)
	}
	if errors.Is(err, ErrNotFound) {
		t.Error("one code is another")
	}
	if count, _ := db.Count(nil); count != 2 {
		t.Errorf("a batch that failed left %d rows", count)
	}
	if e := fails(t, db.Upsert(bg, []uint64{5}, Vector(noise(1, 1, 3))), ErrDimension); e.Item != -1 {
		t.Errorf("item %d", e.Item)
	}
	fails(t, db.Upsert(bg, []uint64{5}, F32(noise(1, 1, 3), 2)), ErrDimension)
	fails(t, db.Upsert(bg, []uint64{5, 6}, F32(noise(1, 1, 2), 2)), ErrInvalidArgument)
	fails(t, db.Upsert(bg, []uint64{5}, Vector([]float32{1, float32(math.NaN())})), ErrNotFinite)
	_, err = db.Search(bg, Vector(noise(1, 1, 2)), MaxK+1, nil)
	fails(t, err, ErrLimit)
	_, err = db.Search(bg, Vector(noise(1, 1, 2)), -1, nil)
	fails(t, err, ErrLimit)
	_, err = db.Search(bg, Vector(noise(1, 1, 2)), 1, &SearchParams{Ef: -1})
	fails(t, err, ErrOutOfRange)
	_, err = db.Search(bg, Vector(noise(1, 1, 2)), 1, &SearchParams{Ef: 10, TargetRecall: 0.9})
	fails(t, err, ErrInvalidArgument)
	_, err = Open(filepath.Join(t.TempDir(), "none"), Options{OptDim: 2, OptCreate: 0})
	fails(t, err, ErrNotFound)
	_, err = Open("a\x00b", nil)
	fails(t, err, ErrInvalidArgument)
	_, err = OpenMemory(nil)
	fails(t, err, ErrInvalidArgument)
}

func TestAfterCloseEveryCallIsAnError(t *testing.T) {
	db := memory(t, Options{OptDim: 2})
	filter, err := AllowIDs([]uint64{1})
	must(t, err)
	must(t, db.Close())
	fails(t, db.Close(), ErrClosed)
	row := Vector([]float32{1, 2})
	fails(t, db.Insert(bg, []uint64{1}, row), ErrClosed)
	fails(t, db.Upsert(bg, []uint64{1}, row), ErrClosed)
	fails(t, db.Sync(), ErrClosed)
	fails(t, db.Checkpoint(bg), ErrClosed)
	fails(t, db.WaitIndexed(bg), ErrClosed)
	fails(t, db.Refresh(), ErrClosed)
	for name, call := range map[string]func() error{
		"Delete":      func() error { _, err := db.Delete([]uint64{1}); return err },
		"Get":         func() error { _, _, err := db.Get([]uint64{1}); return err },
		"Count":       func() error { _, err := db.Count(nil); return err },
		"Search":      func() error { _, err := db.Search(bg, row, 1, nil); return err },
		"SearchRange": func() error { _, err := db.SearchRange(bg, row, 1, 1, nil); return err },
		"Stats":       func() error { _, err := db.Stats(); return err },
		"Check":       func() error { _, err := db.Check(bg, CheckChecksums); return err },
		"Recall":      func() error { _, err := db.MeasureRecallOfRows(bg, 1, 1, nil); return err },
		"Option":      func() error { _, err := db.Uint64Option(OptDim); return err },
	} {
		if err := call(); !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	open := memory(t, Options{OptDim: 2})
	must(t, filter.Close())
	must(t, filter.Close())
	_, err = open.Search(bg, row, 1, &SearchParams{Filter: filter})
	fails(t, err, ErrClosed)
}

func TestOptionsTakeNumbersTextsAndEnums(t *testing.T) {
	db := memory(t, Options{OptDim: uint16(3), OptMetric: "ip", OptM: "24", OptConsolidateRatio: 1, OptTargetRecall: float32(0.5), OptMmap: "off", OptResident: false})
	for option, want := range map[Option]uint64{OptDim: 3, OptMetric: uint64(MetricIP), OptM: 24, OptMmap: 0, OptResident: 0} {
		if got, err := db.Uint64Option(option); err != nil || got != want {
			t.Errorf("%v is %d, %v", option, got, err)
		}
	}
	if ratio, err := db.Float64Option(OptConsolidateRatio); err != nil || ratio != 1 {
		t.Errorf("ratio %v, %v", ratio, err)
	}
	for code, options := range map[Status]Options{
		ErrOutOfRange:      {OptDim: -1},
		ErrUnknownOption:   {Option(999): 1},
		ErrInvalidArgument: {OptDim: []int{1}},
	} {
		_, err := OpenMemory(options)
		fails(t, err, code)
	}

	parsed, err := ParseOptions(map[string]string{"schema.dim": "5", "schema.metric": "l1"})
	must(t, err)
	if db := memory(t, parsed); db.Dim() != 5 || db.Metric() != MetricL1 {
		t.Errorf("%d %v", db.Dim(), db.Metric())
	}
	_, err = ParseOptions(map[string]string{"hnsw.n": "5"})
	if e := fails(t, err, ErrUnknownOption); !strings.Contains(e.Message, "hnsw.m") {
		t.Errorf("no close name in %q", e.Message)
	}
}

func TestTheTableOfOptionsIsThatOfTheHeader(t *testing.T) {
	table, err := OptionTable()
	must(t, err)
	byID := map[Option]OptionInfo{}
	for _, info := range table {
		byID[info.ID] = info
	}
	dim := byID[OptDim]
	if dim.Name != "schema.dim" || dim.Type != OptionTypeU64 || !dim.Schema || dim.Max != 65536 || dim.Help == "" {
		t.Errorf("dim: %+v", dim)
	}
	if metric := byID[OptMetric]; !strings.Contains(metric.Values, "cosine=3") || metric.Type != OptionTypeEnum {
		t.Errorf("metric: %+v", metric)
	}
	if OptEfSearch.String() != byID[OptEfSearch].Name || Option(9).String() != "Option(9)" {
		t.Errorf("names: %v %v", OptEfSearch, Option(9))
	}
}

func TestNamesOfValues(t *testing.T) {
	for _, code := range []Status{StatusOK, StatusDone, StatusPartial, ErrIO, ErrFormatTooNew, ErrInternal} {
		if got := vdbStatusName(int32(code)); got != code.String() {
			t.Errorf("%q here, %q in the library", code, got)
		}
	}
	if MetricL2SQ.String() != "l2sq" || Metric(99).String() != "Metric(99)" || Status(-999).String() != "unknown status" {
		t.Errorf("%v %v %v", MetricL2SQ, Metric(99), Status(-999))
	}
}

func TestTheLibraryTellsWhatItIs(t *testing.T) {
	info, err := BuildInfo()
	must(t, err)
	if info["version"] != Version() || vdbVersionNumber() != VersionMajor<<16|VersionMinor<<8|VersionPatch {
		t.Errorf("%v, %q", info, Version())
	}
}

func TestOptionsOfAnotherTypeAreRefused(t *testing.T) {
	for _, options := range []Options{
		{OptDim: 4, OptMetric: ScalarF16}, {OptDim: 4, OptMetric: true}, {OptDim: MetricCosine}, {OptDim: true}, {OptDim: 4.0}, {OptDim: nil},
		{OptDim: 4, OptMetric: Metric(99)}, {OptDim: 4, OptColumns: 5}, {OptDim: 4, OptColumns: false}, {OptDim: 4, OptSlowQueryUs: time.Second},
	} {
		_, err := OpenMemory(options)
		if e := fails(t, err, ErrInvalidArgument); strings.Contains(e.Message, "function") {
			t.Errorf("%v: %s", options, e.Message)
		}
	}
	db := memory(t, Options{OptDim: 4, OptMetric: MetricCosine, OptScalar: ScalarI8, OptMmap: false, OptProfile: ProfileFast})
	if db.Metric() != MetricCosine || db.Scalar() != ScalarI8 {
		t.Errorf("%v %v", db.Metric(), db.Scalar())
	}
	_, err := db.Uint64Option(OptConsolidateRatio)
	_, otherErr := db.Float64Option(OptColumns)
	for method, err := range map[string]error{"Float64Option": err, "TextOption": otherErr} {
		if e := fails(t, err, ErrInvalidArgument); !strings.Contains(e.Message, method) {
			t.Error(e.Message)
		}
	}
}

func TestMessagesAreInWordsOfGo(t *testing.T) {
	db := memory(t, Options{OptDim: 2})
	_, err := Open("", nil)
	_, repairErr := Repair(bg, "", "", nil)
	for _, err := range []error{err, repairErr, db.Backup(bg, "", ""), db.Export(bg, "", "", nil), db.Import(bg, "", "")} {
		if e := fails(t, err, ErrInvalidArgument); e.Message != "the path is empty" {
			t.Error(e.Message)
		}
	}
	for _, stride := range []int{0, -8, 7} {
		err := db.Insert(bg, []uint64{1}, F32([]float32{1, 2}, 2).Strided(stride))
		if e := fails(t, err, ErrInvalidArgument); !strings.HasPrefix(e.Message, "a stride of") {
			t.Error(e.Message)
		}
	}
}
