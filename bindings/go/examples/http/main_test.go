package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestTheNearestEntriesAreAnswered(t *testing.T) {
	db, texts := load("../../../../data/wordnet")
	defer db.Close()
	server := httptest.NewServer(near(db, texts))
	defer server.Close()
	answer, err := http.Get(server.URL + "/?row=17&k=5")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var entries []struct {
		ID       uint64
		Distance float32
		Text     string
	}
	if err := json.NewDecoder(answer.Body).Decode(&entries); err != nil {
		t.Fatal(err)
	}
	if len(entries) != 5 || entries[0].ID != 17 || entries[0].Text != texts[16] || entries[0].Distance > 1e-3 || entries[1].Distance < entries[0].Distance {
		t.Errorf("%+v", entries)
	}
	for _, query := range []string{"", "?row=5001&k=1", "?row=1&k=101", "?row=1&k=0", "?row=1&k=-3", "?row=x&k=1"} {
		answer, err := http.Get(server.URL + "/" + query)
		if err != nil || answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: %v %v", query, answer, err)
		}
		answer.Body.Close()
	}
}
