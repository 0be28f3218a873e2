package vdb

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// What the package does not need of the library, and why.
var unwrapped = map[string]string{
	"vdbSearchExact":   "SearchExact is a flag of SearchParams",
	"vdbStatusName":    "Status.String knows the names",
	"vdbVersionNumber": "Version is the text",
	"vdbGetBatch":      "the newest state is a view too",
	"vdbCount":         "the same",
	"vdbIDsOfKeys":     "the same",
	"vdbKeysOfIDs":     "the same",
	"vdbGetMeta":       "the same",
	"vdbCursorScan":    "the same",
}

// A function that the header gains is in capi.go as soon as that is made anew; it must be wrapped too.
func TestEveryFunctionIsWrapped(t *testing.T) {
	files, err := filepath.Glob("*.go")
	must(t, err)
	var raw, rest string
	for _, file := range files {
		text, err := os.ReadFile(file)
		must(t, err)
		switch {
		case file == "capi.go":
			raw = string(text)
		case !strings.HasSuffix(file, "_test.go"):
			rest += string(text)
		}
	}
	names := regexp.MustCompile(`(?m)^func (vdb\w+)\(`).FindAllStringSubmatch(raw, -1)
	if len(names) < 40 {
		t.Fatalf("only %d functions", len(names))
	}
	for _, name := range names {
		used := regexp.MustCompile(`\b` + name[1] + `\b`).MatchString(rest)
		if used == (unwrapped[name[1]] != "") {
			t.Errorf("%s: used %v, reason %q", name[1], used, unwrapped[name[1]])
		}
	}
}

// Each field of the parameters of a search has a way to set it.
func TestEveryFieldOfTheParametersIsSet(t *testing.T) {
	filter := &Filter{handle: 1}
	p, err := (&SearchParams{Ef: 1, TargetRecall: 1, Rerank: 1, Flags: 1, Deadline: 1, Filter: filter, Snapshot: &Snapshot{handle: 1}, MaxMemory: 1}).native(ScalarF32, 1)
	must(t, err)
	value := reflect.ValueOf(p)
	for i := range value.NumField() {
		if value.Field(i).IsZero() {
			t.Errorf("%s is not set", value.Type().Field(i).Name)
		}
	}
}
