package chart

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestShort(t *testing.T) {
	for value, want := range map[float64]string{
		0: "0", 23.94: "23.9", 99.96: "100", 261.5: "262", 6410: "6410", 11_430: "11.4k", 250_000: "250k", 1e6: "1M", 1.25e6: "1.25M",
	} {
		if got := short(value); got != want {
			t.Errorf("short(%v) = %q, want %q", value, got, want)
		}
	}
}

func TestTicksAreFewAndRound(t *testing.T) {
	for _, high := range []float64{0.7, 3, 9, 26, 138, 290, 23_000} {
		all := ticks{}.Ticks(0, high)
		if len(all) < 3 || len(all) > 9 {
			t.Errorf("up to %v: %d ticks", high, len(all))
		}
		for _, tick := range all {
			if tick.Value > high || tick.Label == "" {
				t.Errorf("up to %v: tick %v %q", high, tick.Value, tick.Label)
			}
		}
	}
}

func TestChartsAreSVGWithWhatTheyShow(t *testing.T) {
	dir := t.TempDir()
	bars, lines := filepath.Join(dir, "bars.svg"), filepath.Join(dir, "lines.svg")
	names := []string{"first", "second"}
	if err := Bars(bars, "a title", "µs", names, Stacked, Series{"low", []float64{1, 2}}, Series{"high", []float64{40, 50}}); err != nil {
		t.Fatal(err)
	}
	panel := Panel{Title: "a title", Axis: "µs", Series: []Series{{"one", []float64{1, 2, 3}}, {"other", []float64{3, 2, 1}}}}
	if err := Lines(lines, "steps", []float64{1, 10, 100}, panel, panel); err != nil {
		t.Fatal(err)
	}
	wantTexts(t, bars, "a title", "µs", "first", "second", "low", "high", "41", "52")
	wantTexts(t, lines, "a title", "µs", "steps", "one", "other", "100")
}

// wantTexts wants a file to be XML that contains texts.
func wantTexts(t *testing.T, path string, texts ...string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	decoder := xml.NewDecoder(strings.NewReader(string(content)))
	for err == nil {
		_, err = decoder.Token()
	}
	if !errors.Is(err, io.EOF) {
		t.Errorf("%s: %v", path, err)
	}
	for _, text := range texts {
		if !strings.Contains(string(content), ">"+text+"<") {
			t.Errorf("%s does not say %q", path, text)
		}
	}
}
