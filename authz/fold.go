package authz

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// fold returns what a canonical segment says once decoded, in a form that two
// segments share when they differ in case alone (Unicode simple case folding, as
// [strings.EqualFold]).
func fold(segment string) string {
	if isFolded(segment) {
		return segment
	}
	return strings.Map(foldRune, decoded(segment))
}

// isFolded reports whether a segment is its own folded form, as most are.
func isFolded(segment string) bool {
	for i := range len(segment) {
		if c := segment[i]; c == '%' || c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// foldRune returns the same one of all runes that differ in case alone: the ASCII
// letter in lower case if there is one, else the least.
func foldRune(r rune) rune {
	least := r
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		least = min(least, other)
	}
	if least >= 'A' && least <= 'Z' {
		return least + 'a' - 'A'
	}
	return least
}

// foldAll folds the literals of a pattern, which are decoded.
func foldAll(segments []string) []string {
	folded := make([]string, len(segments))
	for i, segment := range segments {
		folded[i] = segment
		if segment != anySegment {
			folded[i] = strings.Map(foldRune, segment)
		}
	}
	return folded
}
