package result

import (
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	most := func(value float64) Target { return Target{Name: "a", Value: value} }
	least := func(value float64) Target { return Target{Name: "a", Value: value, AtLeast: true} }
	for _, c := range []struct {
		name          string
		before, after Target
		ok            bool
	}{
		{"the same", most(0.5), most(0.5), true},
		{"better", most(0.5), most(0.1), true},
		{"a little worse", most(0.5), most(0.57), true},
		{"worse", most(0.5), most(0.58), false},
		{"at least: the same", least(3), least(3), true},
		{"at least: better", least(3), least(30), true},
		{"at least: a little worse", least(3), least(2.56), true},
		{"at least: worse", least(3), least(2.54), false},
		{"below 0, a little worse", most(-0.2), most(-0.18), true},
		{"below 0, worse", most(-0.2), most(0.1), false},
		{"still met, but worse", Target{Name: "a", Limit: 1, Value: 0.4}, Target{Name: "a", Limit: 1, Value: 0.6, Met: true}, false},
		{"absolute, not compared", Target{Name: "a", Unit: "MiB", Value: 1}, Target{Name: "a", Unit: "MiB", Value: 9}, false},
		{"nothing in common", Target{Name: "a"}, Target{Name: "b"}, false},
	} {
		lines, ok := Compare(&Result{Targets: []Target{c.before}}, &Result{Targets: []Target{c.after}})
		if ok != c.ok || len(lines) != 1 {
			t.Errorf("%s: %t, want %t: %q", c.name, ok, c.ok, lines)
		}
		if !ok != strings.HasPrefix(lines[0], "WORSE") {
			t.Errorf("%s: %q", c.name, lines[0])
		}
	}
}

func TestCompareLeavesAbsoluteFiguresOut(t *testing.T) {
	before := &Result{Targets: []Target{{Name: "ratio", Value: 1}, {Name: "memory", Unit: "MiB", Value: 100}}}
	after := &Result{Targets: []Target{{Name: "ratio", Value: 1}, {Name: "memory", Unit: "MiB", Value: 900}}}
	if lines, ok := Compare(before, after); !ok || len(lines) != 1 {
		t.Errorf("%t %q", ok, lines)
	}
}
