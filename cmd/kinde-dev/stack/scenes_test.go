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
	for _, scene := range Scenes {
		row := fmt.Sprintf("| %s | %d", scene.Name, scene.Status)
		if scene.Reason != "" {
			row += fmt.Sprintf(" `%s` |", scene.Reason)
		}
		if !strings.Contains(string(readme), row) {
			t.Errorf("README.md has no row that begins %q", row)
		}
	}
}
