package stack

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestReadmeTellsEachScene(t *testing.T) {
	readme, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, scene := range scenes {
		row := fmt.Sprintf("| %s | %d", scene.name, scene.status)
		if scene.reason != "" {
			row += fmt.Sprintf(" `%s` |", scene.reason)
		}
		if !strings.Contains(string(readme), row) {
			t.Errorf("README.md has no row that begins %q", row)
		}
	}
}
