// Package suggest finds the known name that a misspelled one was probably meant to
// be.
package suggest

import (
	"fmt"
	"strings"
)

// Question returns what to end a message with that refuses a name, like
// `: did you mean "default"?`, or nothing when no known name is close to it.
func Question(name string, known []string) string {
	if meant, near := Closest(name, known); near {
		return fmt.Sprintf(": did you mean %q?", meant)
	}
	return ""
}

// Name says which name was probably meant, or which names there are.
func Name(name string, known []string) string {
	if meant, near := Closest(name, known); near {
		return fmt.Sprintf("did you mean %q?", meant)
	}
	return "want one of " + strings.Join(known, ", ")
}

// Closest returns the known name with the fewest edits from the given one, case
// ignored. A third of a name may be wrong.
func Closest(name string, known []string) (meant string, near bool) {
	least := (len(name)+2)/3 + 1
	for _, candidate := range known {
		if d := Distance(name, candidate); d < least {
			meant, least = candidate, d
		}
	}
	return meant, meant != ""
}

// Distance is the number of letters to insert, delete or replace to turn one
// name into the other, case ignored (Levenshtein).
func Distance(a, b string) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
