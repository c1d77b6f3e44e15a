package kinde

import (
	"fmt"
	"testing"
)

func TestUniqueKeepsTheFirstOfEach(t *testing.T) {
	for _, n := range []int{1, 31, 32, 33, 300} {
		var items []string
		for i := range n {
			items = append(items, fmt.Sprint(i), "", fmt.Sprint(i/2))
		}
		got := unique(items)
		if len(got) != n || got[0] != "0" || got[n-1] != fmt.Sprint(n-1) {
			t.Errorf("%d: got %v", n, got)
		}
	}
}
