package main

import (
	"fmt"
	"strings"
)

// didYouMean returns a question to end a message with that refuses a name, or
// nothing when no known name is close to it.
func didYouMean(name string, known []string) string {
	if meant, near := closest(name, known); near {
		return fmt.Sprintf(": did you mean %q?", meant)
	}
	return ""
}

// suggestion says which name was probably meant, or which names there are.
func suggestion(name string, known []string) string {
	if meant, near := closest(name, known); near {
		return fmt.Sprintf("did you mean %q?", meant)
	}
	return "want one of " + strings.Join(known, ", ")
}

// closest returns the known name with the fewest edits from the given one, case
// ignored. A third of a name may be wrong.
func closest(name string, known []string) (meant string, near bool) {
	least := (len(name)+2)/3 + 1
	for _, candidate := range known {
		if d := distance(name, candidate); d < least {
			meant, least = candidate, d
		}
	}
	return meant, meant != ""
}

// distance is the number of letters to insert, delete or replace to turn one
// name into the other, case ignored (Levenshtein).
func distance(a, b string) int {
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
