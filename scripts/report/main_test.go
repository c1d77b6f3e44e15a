package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

const sample = `{"Action":"run","Package":"p","Test":"TestAttackA"}
{"Action":"output","Package":"p","Test":"TestAttackA","Output":"quiet\n"}
{"Action":"pass","Package":"p","Test":"TestAttackA/row"}
{"Action":"pass","Package":"p","Test":"TestAttackA"}
{"Action":"output","Package":"p","Test":"TestB","Output":"loud\n"}
{"Action":"fail","Package":"p","Test":"TestB"}
{"Action":"output","Package":"p","Output":"FAIL p\n"}
{"Action":"fail","Package":"p"}
`

func TestReport(t *testing.T) {
	path := filepath.Join(t.TempDir(), "with-the-race-detector.json")
	var out bytes.Buffer
	if err := run([]string{path}, strings.NewReader(sample), &out); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "loud\nFAIL p\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	out.Reset()
	if err := run([]string{"-sum", path}, nil, &out); err != nil {
		t.Fatal(err)
	}
	want := "2 tests passed with the race detector, 2 of them attacks.\nNothing was skipped.\n2 passed, 1 failed\n"
	if got := out.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What a test said that never ended, because its program crashed, is passed on.
func TestCrashIsTold(t *testing.T) {
	const crash = `{"Action":"output","Package":"p","Test":"TestC","Output":"panic\n"}
{"Action":"output","Package":"p/q","Test":"TestC","Output":"quiet\n"}
{"Action":"fail","Package":"p"}
`
	var out bytes.Buffer
	err := run([]string{filepath.Join(t.TempDir(), "x.json")}, strings.NewReader(crash), &out)
	if got := out.String(); err != nil || got != "panic\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestSkippedTestsAreAnError(t *testing.T) {
	skipped := `{"Action":"skip","Package":"p","Test":"TestC"}`
	err := run([]string{filepath.Join(t.TempDir(), "x.json")}, strings.NewReader(skipped), &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "1 tests were skipped") {
		t.Errorf("got %v", err)
	}
}
