package vdb

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// replays is what a run leaves for the table of features and for the comparison of the languages.
type replays struct {
	Language   string   `json:"language"`
	Passed     []string `json:"passed"`
	Failed     []string `json:"failed"`
	transcript []string
}

// write leaves the files where VDB_REPLAY_OUT says, if it does.
func (told *replays) write(t *testing.T) {
	folder := os.Getenv("VDB_REPLAY_OUT")
	if folder == "" {
		return
	}
	features, err := json.Marshal(told)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(folder, "features-go.json"), append(features, '\n'), 0o644))
	transcript := strings.Join(told.transcript, "\n") + "\n"
	must(t, os.WriteFile(filepath.Join(folder, "transcript-go.txt"), []byte(transcript), 0o644))
}

// noted is a step of the transcript: what it came to, and the results that its file expects, to the bit.
func noted(op string, expect, results object, err error) string {
	status, item, _, _ := outcome(results, err)
	text := op + " " + status
	if item >= 0 {
		text += fmt.Sprintf(" item=%d", item)
	}
	if err != nil {
		return text
	}
	for _, name := range slices.Sorted(maps.Keys(expect)) {
		if got, there := results[name]; there && name != "status" && name != "contains" {
			var out bytes.Buffer
			encoder := json.NewEncoder(&out)
			encoder.SetEscapeHTML(false)
			if err := encoder.Encode(exact(plain(got), expect[name], name == "distances" || name == "rows")); err != nil {
				panic(err)
			}
			text += " " + name + "=" + strings.TrimSuffix(out.String(), "\n")
		}
	}
	return text
}

// exact has numbers of single precision as their bits, and of objects what is expected.
func exact(value, wanted any, single bool) any {
	switch value := value.(type) {
	case object:
		some := object{}
		for name := range wanted.(object) {
			some[name] = value[name]
		}
		return some
	case []any:
		list := make([]any, len(value))
		for i := range value {
			list[i] = exact(value[i], nil, single)
		}
		return list
	case json.Number:
		if f, err := value.Float64(); err == nil && single {
			return fmt.Sprintf("%08x", math.Float32bits(float32(f)))
		}
	}
	return value
}
