package process

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestLogKeepsAllInItsFileAndTheEndInMemory(t *testing.T) {
	var log, memory Log
	var also bytes.Buffer
	log.CopyTo(&also)
	if err := log.Open(t.TempDir(), "a.log"); err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for n := range 20_000 {
		line := fmt.Sprintf("line %d\n", n)
		want.WriteString(line)
		fmt.Fprint(&log, line)
		fmt.Fprint(&memory, line)
	}
	log.Close()
	file, err := os.ReadFile(log.Path())
	if err != nil {
		t.Fatal(err)
	}
	if string(file) != want.String() || also.String() != want.String() || memory.String() != want.String() {
		t.Error("the file, the copy or the memory without a file lacks lines")
	}
	kept := log.String()
	if len(kept) > 2*keptText || len(kept) < keptText/2 || !strings.HasSuffix(want.String(), kept) {
		t.Errorf("%d bytes are kept, want the last %d or so", len(kept), keptText)
	}
}
